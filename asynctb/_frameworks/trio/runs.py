"""The runs of trio that there are, and when their scopes end what is inside of them."""

from __future__ import annotations

import gc
import math
import time
from typing import Dict, List, Optional, cast

from ..._objects import get_field, is_a, module_field
from ..._snapshot.sets import imported

_RUN = "trio._core._run"
#: More scopes inside each other than anybody nests.
_MOST_SCOPES = 10_000


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


def seconds_left(scope: object, offset: Optional[float]) -> Optional[float]:
    """Return the seconds until a `trio.CancelScope` is cancelled, 0 if it is; None if it has no deadline.

    :param offset: `clock_offset`.
    """
    if get_field(scope, "_cancel_called") is True:
        return 0.0
    deadline = get_field(scope, "_deadline")
    if type(deadline) is not float and type(deadline) is not int:
        return None
    if not math.isfinite(cast(float, deadline)):
        return None
    # Of a clock of the program it is not known when that will be, but that there is a deadline.
    return 0.0 if offset is None else max(0.0, float(cast(float, deadline)) - (time.perf_counter() + offset))


def seconds_left_of_task(task: object, offset: Optional[float]) -> Optional[float]:
    """Return the seconds until a scope cancels *task*, also one around the nursery that it is in; None if none does."""
    status = get_field(task, "_cancel_status")
    least: Optional[float] = None
    for _ in range(_MOST_SCOPES):
        if status is None:
            break
        scope = get_field(status, "_scope")
        seconds = seconds_left(scope, offset)
        if seconds is not None and (least is None or seconds < least):
            least = seconds
        if get_field(scope, "_shield") is True:
            break
        status = get_field(status, "_parent")
    return least


def requester_of_cancellation(task: object, offset: Optional[float]) -> Optional[str]:
    """Return in words what has cancelled *task*, or None if it cannot be told."""
    status = get_field(task, "_cancel_status")
    nursery = get_field(task, "_parent_nursery")
    for _ in range(_MOST_SCOPES):
        scope = get_field(status, "_scope")
        if scope is None:
            break
        while nursery is not None and get_field(nursery, "cancel_scope") is scope:
            owner = get_field(nursery, "_parent_task")
            if get_field(scope, "_cancel_called") is True:
                name = get_field(owner, "name")
                return "its nursery" + (f" of task {name}" if type(name) is str else "")
            nursery = get_field(owner, "_parent_nursery")
        if get_field(scope, "_cancel_called") is True:
            deadline = get_field(scope, "_deadline")
            is_over = type(deadline) is float and offset is not None and deadline <= time.perf_counter() + offset
            return "a cancel scope" + (" whose deadline is over" if is_over else "")
        status = get_field(status, "_parent")
    return None
