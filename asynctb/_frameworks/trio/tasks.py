"""Tasks of trio: those of every run of every thread, also in guest mode."""

from __future__ import annotations

import types
from typing import Dict, List, Optional, Sequence, Tuple, cast

import attrs

from ..._frames import local_variable
from ..._model import ActivityState, Wait
from ..._objects import class_attribute, exact_str, get_field, module_field
from ..._snapshot.sets import copy_set, imported
from ..._snapshot.source import (
    Coroutine,
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
from ..._waits.kinds import LOCK_OF_CONDITION, wait_for, wait_for_cancellation
from .._kernel import KernelTasks
from .._known import nested_code, task_waits
from ..threading.concurrent import loop_run_by
from .hooks import nursery_children
from .runs import clock_offset, requester_of_cancellation, runners, seconds_left_of_task
from .threads import Workers, workers

_RUN = "trio._core._run"


def _threads_of_runners(threads: Dict[int, ThreadRecord]) -> Dict[int, int]:
    """Return the number of the thread that runs it by the identity of a ``Runner``, for those where that is certain."""
    module = imported(_RUN)
    run = module_field(module, "run") if module is not None else None
    guest = module_field(module, "GuestState") if module is not None else None
    found: Dict[int, int] = {}
    if type(run) is types.FunctionType:
        for ident, frame in frames_of(threads, run.__code__):
            found[id(local_variable(frame, "runner"))] = ident
    tick = class_attribute(guest, "guest_tick") if guest is not None else None
    if type(tick) is types.FunctionType:
        for ident, frame in frames_of(threads, tick.__code__):
            found[id(get_field(local_variable(frame, "self"), "runner"))] = ident
        # Between two ticks, a thread of trio's own waits for events; it knows how to wake the host.
        waiting = nested_code(tick, "get_events")
        for _, frame in frames_of(threads, waiting) if waiting is not None else ():
            state = local_variable(frame, "self")
            wake = get_field(state, "run_sync_soon_threadsafe")
            host = get_field(wake.__self__, "_thread_id") if type(wake) is types.MethodType else None
            if type(host) is int and host in threads:
                found.setdefault(id(get_field(state, "runner")), host)
    return found


class TrioTasks(KernelTasks):
    """The source of trio's tasks."""

    framework = "trio"

    def __init__(self, threads: Dict[int, ThreadRecord]) -> None:
        super().__init__(threads)
        self._workers: Optional[Workers] = None
        self._offset: Optional[float] = None
        self._knows_clock = False

    def groups(self) -> List[Group]:
        groups = []
        found = runners()
        threads = _threads_of_runners(self.threads) if found else {}
        for runner in found:
            ident = threads.get(id(runner))
            tasks = copy_set(get_field(runner, "tasks"))
            tasks.sort(key=_number)
            groups.append(Group(self, ident, runner, tasks))
        return groups

    def state_of(self, task: object, coroutine: object) -> ActivityState:
        if type(coroutine) is Coroutine and coroutine.cr_frame is None:
            return "done"
        if is_unstarted(coroutine):
            return "created"
        return "ready" if get_field(task, "_next_send_fn") is not None else "suspended"

    def is_cancelled(self, task: object) -> bool:
        return get_field(get_field(task, "_cancel_status"), "effectively_cancelled") is True

    def moment_of(self, obj: object) -> Optional[object]:
        return cast(Optional[object], get_field(obj, "_abort_func"))  # made anew for each wait

    def wait_of(self, task: object, owners: Sequence[Owner], listing: Listing) -> Optional[Wait]:
        wait = super().wait_of(task, owners, listing)
        if wait is None:
            return None
        wait, can_be_cancelled = self._completed(wait, task, owners, listing)
        if not can_be_cancelled or self.is_cancelled(task):
            return wait
        if not self._knows_clock:
            self._offset, self._knows_clock = clock_offset(), True
        seconds = seconds_left_of_task(task, self._offset)
        return wait if seconds is None else attrs.evolve(wait, deadline=seconds)

    def _completed(self, wait: Wait, task: object, owners: Sequence[Owner], listing: Listing) -> Tuple[Wait, bool]:
        """Return *wait*, which the functions tell, with what their variables tell, and whether a scope can end it."""
        if wait.kind == "condition" and wait.target is not None:
            # Who is notified is moved to the parking lot of the lock, without being woken.
            lock = get_field(wait.target, "_lock")
            lot = get_field(lock, "_lot")
            if lot is not None and get_field(task, "custom_sleep_data") is lot:
                return wait_for(LOCK_OF_CONDITION, lock), True
        elif wait.kind == "group" and wait.target is not None:
            nursery = get_field(wait.target, "_nursery", wait.target)
            return wait_for(wait.description, wait.target, _ids(nursery, listing)), True
        elif wait.description == "task to start":
            for owner in reversed(owners):
                frame = frame_of(owner)
                nursery = local_variable(frame, "old_nursery") if frame is not None else None
                if nursery is not None and exact_str(code_of(owner).co_name) == "start":
                    return wait_for(wait.description, wait.target, _ids(nursery, listing)), True
        elif wait.kind == "thread":
            return self._for_thread(wait, owners, listing)
        return wait, True

    def _for_thread(self, wait: Wait, owners: Sequence[Owner], listing: Listing) -> Tuple[Wait, bool]:
        if self._workers is None:
            self._workers = workers()
        # What it does for its thread may need another one: the innermost call tells.
        for index in reversed(range(len(owners))) if self._workers is not None else ():
            owner = owners[index]
            frame = frame_of(owner)
            if code_of(owner) is not cast(Workers, self._workers).code or frame is None:
                continue
            before = task_waits.wait(owners[index + 1 :])
            if before is not None and before.kind == "limiter":  # there is no thread yet
                return before, True
            register = local_variable(frame, "task_register")
            ident = cast(Workers, self._workers).thread_for(register) if register is not None else None
            record = listing.thread(ident)
            can_be_cancelled = local_variable(frame, "abandon_on_cancel") is not False
            _, run = loop_run_by(thread_frames(ident)) if ident is not None else (0, None)
            activities = () if record is None else (record.id if run is None else listing.id_of(run.task, "task"),)
            return wait_for(wait.description, wait.target, activities), can_be_cancelled
        return wait, True

    def wait_for_cancellation(self, task: object) -> Wait:
        if not self._knows_clock:
            self._offset, self._knows_clock = clock_offset(), True
        return wait_for_cancellation(requester_of_cancellation(task, self._offset))

    def parent_of(self, task: object, group: Group) -> Optional[object]:
        return parent_of(task)


def parent_of(task: object) -> Optional[object]:
    """Return the task whose nursery *task* is in, or None for the first one."""
    nursery = get_field(task, "_parent_nursery")
    return None if nursery is None else get_field(nursery, "_parent_task")


def _ids(nursery: object, listing: Listing) -> Tuple[str, ...]:
    """Return the identifiers of the tasks of a nursery, oldest first."""
    return tuple([listing.id_of(child, "task") for child in nursery_children(nursery)])


def _number(task: object) -> Tuple[int, ...]:
    number = get_field(task, "_counter")
    return (number,) if type(number) is int else ()
