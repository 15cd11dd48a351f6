"""Tasks of curio: those of every kernel that runs in a thread (curio/kernel.py and curio/task.py of curio 1.6)."""

from __future__ import annotations

import time
import types
from typing import Any, Dict, List, Optional, Sequence, Tuple, cast

import attrs

from ..._frames import local_variable
from ..._model import ActivityState, Wait
from ..._objects import class_attribute, exact_str, get_field, is_a, module_field
from ..._snapshot.sets import copy_set, imported
from ..._snapshot.source import (
    Group,
    Listing,
    Owner,
    ThreadRecord,
    code_of,
    frame_of,
    frames_of,
    is_unstarted,
)
from ..._stacks.follow import thread_frames
from ..._waits.kinds import wait_for
from .._kernel import KernelTasks
from .._known import nested_code

_KERNEL = "curio.kernel"


class CurioTasks(KernelTasks):
    """The source of curio's tasks."""

    framework = "curio"

    def __init__(self, threads: Dict[int, ThreadRecord]) -> None:
        super().__init__(threads)
        #: By kernel (its identity; the groups keep it alive) and number.
        self._tasks: Dict[Tuple[int, int], object] = {}

    def groups(self) -> List[Group]:
        module = imported(_KERNEL)
        kernel_class: Any = module_field(module, "Kernel") if module is not None else None
        run = class_attribute(kernel_class, "run") if kernel_class is not None else None
        groups = []
        for ident, frame in frames_of(self.threads, run.__code__) if type(run) is types.FunctionType else ():
            kernel = local_variable(frame, "self")
            table = get_field(kernel, "_tasks") if is_a(kernel, kernel_class) else None
            members = tuple(table.values()) if type(table) is dict else ()
            for task in members:
                self._tasks[id(kernel), _number(task)] = task
            groups.append(Group(self, ident, kernel, members))
        return groups

    def wrapper_of(self, obj: object) -> Optional[object]:
        return cast(Optional[object], get_field(obj, "_run_coro"))

    def moment_of(self, obj: object) -> Optional[object]:
        return cast(Optional[object], get_field(obj, "cycles"))  # how often it has been resumed

    def state_of(self, task: object, coroutine: object) -> ActivityState:
        state = exact_str(get_field(task, "state"))
        if state == "TERMINATED":
            return "done"
        if is_unstarted(coroutine):
            return "created"
        return "ready" if state == "READY" else "suspended"

    def is_cancelled(self, task: object) -> bool:
        return get_field(task, "cancel_pending") is not None

    def wait_of(self, task: object, owners: Sequence[Owner], listing: Listing) -> Optional[Wait]:
        wait = super().wait_of(task, owners, listing)
        if wait is None:
            return None
        if wait.kind == "task" and wait.target is not None:
            words = f"task {self.name_of(wait.target)}"
            wait = Wait(wait.kind, words, wait.target, (listing.id_of(wait.target, "task"),))
        elif wait.kind == "group":
            running = copy_set(get_field(wait.target, "_running"))
            running.sort(key=_number)
            wait = wait_for(wait.description, wait.target, tuple([listing.id_of(each, "task") for each in running]))
        elif wait.kind == "thread":
            record = listing.thread(_working_thread(owners))
            wait = wait_for(wait.description, wait.target, () if record is None else (record.id,))
        clocks = [get_field(task, name) for name in ("timeout", "sleep")]
        left = [max(0.0, clock - time.monotonic()) for clock in clocks if type(clock) is float]
        return attrs.evolve(wait, deadline=min(left)) if left else wait

    def parent_of(self, task: object, group: Group) -> Optional[object]:
        number = get_field(task, "parentid")
        return self._tasks.get((id(group.loop), number)) if type(number) is int else None


def _number(task: object) -> int:
    number = get_field(task, "id")
    return number if type(number) is int else -1


def _working_thread(owners: Sequence[Owner]) -> Optional[int]:
    """Return the number of the thread that works for a task with the stack *owners*, or None."""
    module = imported("curio.workers")
    worker_class = module_field(module, "ThreadWorker") if module is not None else None
    apply = class_attribute(worker_class, "apply") if worker_class is not None else None
    call = nested_code(apply, "run_callable")
    for owner in owners if type(apply) is types.FunctionType else ():
        frame = frame_of(owner)
        if frame is None or code_of(owner) is not cast(types.FunctionType, apply).__code__:
            continue
        ident = get_field(get_field(local_variable(frame, "self"), "thread"), "_ident")
        frames = thread_frames(ident) if type(ident) is int else []
        for outer, inner in zip(frames, frames[1:]):
            if outer.f_code is call:
                # When it is ready, it waits for the task to have seen that.
                is_ready = local_variable(inner, "self") is local_variable(outer, "done_evt")
                return None if is_ready else cast(int, ident)
    return None
