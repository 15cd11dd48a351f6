"""Tasks of trio: those of every run of every thread, also in guest mode."""

from __future__ import annotations

import gc
import types
from typing import Dict, List, Optional, Sequence, Tuple, cast

from ..._frames import local_variable
from ..._model import ActivityState, Wait
from ..._objects import class_attribute, get_field, is_a, module_field
from ..._snapshot.sets import copy_set, imported
from ..._snapshot.source import (
    Coroutine,
    Group,
    Listing,
    Owner,
    ThreadRecord,
    frames_of,
    is_unstarted,
)
from ..._waits.kinds import LOCK_OF_CONDITION, wait_for
from .._kernel import KernelTasks
from .._known import nested_code

_RUN = "trio._core._run"


def runners() -> List[object]:
    """Return the ``Runner`` objects of all threads; a guest's is there between its ticks, too."""
    module = imported(_RUN)
    context = module_field(module, "GLOBAL_RUN_CONTEXT") if module is not None else None
    runner_class = module_field(module, "Runner") if module is not None else None
    if context is None or runner_class is None:
        return []
    found: Dict[int, object] = {}
    # A thread local refers to the dicts of all threads: through one dict with weak references to the threads' dummies
    # as keys (CPython: local_traverse() in Modules/_threadmodule.c) or directly (PyPy).
    for referent in gc.get_referents(context):
        if type(referent) is dict:
            for value in (referent, *referent.copy().values()):
                runner = value.get("runner") if type(value) is dict else None
                if is_a(runner, runner_class):
                    found[id(runner)] = runner
    return list(found.values())


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
        if wait is None or wait.target is None:
            return wait
        if wait.kind == "condition":
            # Who is notified is moved to the parking lot of the lock, without being woken.
            lock = get_field(wait.target, "_lock")
            lot = get_field(lock, "_lot")
            if lot is not None and get_field(task, "custom_sleep_data") is lot:
                return wait_for(LOCK_OF_CONDITION, lock)
        elif wait.kind == "group":
            nursery = get_field(wait.target, "_nursery", wait.target)
            children = copy_set(get_field(nursery, "_children"))
            children.sort(key=_number)
            ids = tuple([listing.id_of(child, "task") for child in children])
            return wait_for(wait.description, wait.target, ids)
        return wait

    def parent_of(self, task: object, group: Group) -> Optional[object]:
        return parent_of(task)


def parent_of(task: object) -> Optional[object]:
    """Return the task whose nursery *task* is in, or None for the first one."""
    nursery = get_field(task, "_parent_nursery")
    return None if nursery is None else get_field(nursery, "_parent_task")


def _number(task: object) -> Tuple[int, ...]:
    number = get_field(task, "_counter")
    return (number,) if type(number) is int else ()


def clock_offset() -> Optional[float]:
    """Return what to add to `time.perf_counter` for the time of trio's deadlines; None if that is not certain."""
    offsets = set()
    module = imported(_RUN)
    for runner in runners():
        clock = get_field(runner, "clock")
        offset = get_field(clock, "offset")
        if module is None or type(clock) is not module_field(module, "SystemClock") or type(offset) is not float:
            return None
        offsets.add(offset)
    return offsets.pop() if len(offsets) == 1 else None
