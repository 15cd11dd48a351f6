"""Tasks of curio: those of every kernel that runs in a thread (curio/kernel.py and curio/task.py of curio 1.6)."""

from __future__ import annotations

import types
from typing import Any, Dict, List, Optional, Tuple

from .._model import Activity, ActivityKind, ActivityState, FrameInfo, Traceback, Wait
from .._objects import class_attribute, get_field, is_a, local_variable, module_field, type_name
from ._known import KnownFunctions
from ._sets import imported
from ._source import (
    Coroutine,
    Group,
    Listing,
    ThreadRecord,
    await_chain,
    is_unstarted,
    running_state,
)
from ._threads import frames_of

_KERNEL = "curio.kernel"
_WAITS = KnownFunctions(
    (
        ("curio.traps", "_kernel_trap", ""),
        ("curio.traps", "_scheduler_wait", ""),
        ("curio.traps", "_read_wait", "socket to read"),
        ("curio.traps", "_write_wait", "socket to write"),
        ("curio.traps", "_future_wait", "future"),
        ("curio.traps", "_sleep", "sleep"),
        ("curio.sched", "SchedBase.suspend", ""),
        ("curio.time", "sleep", "sleep"),
        ("curio.sync", "Event.wait", "event"),
        ("curio.sync", "Lock.acquire", "lock"),
        ("curio.sync", "RLock.acquire", "lock"),
        ("curio.sync", "Semaphore.acquire", "semaphore"),
        ("curio.sync", "Condition.acquire", "lock"),
        ("curio.sync", "Condition.wait", "condition"),
        ("curio.sync", "Condition.wait_for", "condition"),
        ("curio.sync", "_LockBase.__aenter__", ""),
        ("curio.queue", "QueueBase.get", "item of a queue"),
        ("curio.queue", "QueueBase.put", "place in a queue"),
        ("curio.queue", "QueueBase.join", "end of a queue"),
        ("curio.task", "Task.wait", "task"),
        ("curio.task", "Task.join", "task"),
        ("curio.task", "TaskGroup.next_done", "tasks of a group"),
        ("curio.task", "TaskGroup.join", "tasks of a group"),
        ("curio.task", "TaskGroup.__aexit__", "tasks of a group"),
        ("curio.workers", "ThreadWorker.apply", "thread"),
        ("curio.workers", "run_in_thread", "thread"),
        ("curio.workers", "ProcessWorker.apply", "process"),
        ("curio.workers", "run_in_process", "process"),
    )
)


class CurioTasks:
    """The source of curio's tasks."""

    kind: ActivityKind = "task"
    framework = "curio"

    def __init__(self, threads: Dict[int, ThreadRecord]) -> None:
        self.notes: List[str] = []
        self._threads = threads
        #: By kernel (its identity; the groups keep it alive) and number.
        self._tasks: Dict[Tuple[int, int], object] = {}

    def groups(self) -> List[Group]:
        module = imported(_KERNEL)
        kernel_class: Any = module_field(module, "Kernel") if module is not None else None
        run = class_attribute(kernel_class, "run") if kernel_class is not None else None
        groups = []
        for ident, frame in frames_of(self._threads, run.__code__) if type(run) is types.FunctionType else ():
            kernel = local_variable(frame, "self")
            table = get_field(kernel, "_tasks") if is_a(kernel, kernel_class) else None
            members = tuple(table.values()) if type(table) is dict else ()
            for task in members:
                self._tasks[id(kernel), _number(task)] = task
            groups.append(Group(self, ident, kernel, members))
        return groups

    def root_of(self, obj: object) -> Optional[object]:
        coroutine: Optional[object] = get_field(obj, "coro")
        return coroutine

    def is_thread_running(self, obj: object) -> bool:
        return False

    def describe(self, obj: object, group: Group, listing: Listing, traceback: Optional[Traceback]) -> Activity:
        coroutine: Any = get_field(obj, "coro")
        name = get_field(obj, "name")
        kernel_state = get_field(obj, "state")
        top: Optional[FrameInfo] = None
        signature: Optional[int] = None
        wait: Optional[Wait] = None
        state: ActivityState
        if type(coroutine) is Coroutine and coroutine.cr_running:
            state, top = running_state(coroutine, listing)
        else:
            owners, _ = await_chain(coroutine)
            top, signature = listing.survey(owners)
            if kernel_state == "TERMINATED":
                state = "done"
            elif is_unstarted(coroutine):
                state = "created"
            elif kernel_state == "READY":
                state = "ready"
            else:
                state = "suspended"
                wait = _WAITS.wait(owners)
            if state != "done" and get_field(obj, "cancel_pending") is not None:
                state = "cancelling"
        thread = listing.thread(group.thread)
        parent_number = get_field(obj, "parentid")
        parent = self._tasks.get((id(group.loop), parent_number)) if type(parent_number) is int else None
        if parent is not None:
            parent_id: Optional[str] = listing.id_of(parent, "task")
        else:
            parent_id = thread.id if thread is not None else None
        return Activity(
            "task",
            "curio",
            listing.id_of(obj, "task"),
            name if type(name) is str else type_name(type(obj)),
            state,
            obj,
            parent_id,
            thread.id if thread is not None else None,
            listing.id_of(group.loop, "loop"),
            wait,
            top,
            traceback,
            signature=signature,
        )


def _number(task: object) -> int:
    number = get_field(task, "id")
    return number if type(number) is int else -1
