"""What asyncio's locks, queues and loops say about who holds them, how full they are, and when they end a wait."""

from __future__ import annotations

import collections
import itertools
import sys
import time
import types
import weakref
from typing import Any, Callable, Dict, List, Optional, Sequence, cast

from ..._frames import local_variable
from ..._heap import instances, with_subclasses
from ..._objects import class_attribute, exact_str, filename_of, get_field, is_a, is_noted, module_field, note_type
from ..._snapshot.sets import imported
from ..._waits.facts import (
    Held,
    cancelling_timers,
    deadline_of_block,
    fuller_words,
    held_by,
    held_in_block,
    is_retrieved,
    lateness_of_loop,
    queued_coroutines,
    unused_of_loop,
)
from ..threading.waits import words_of_barrier, words_of_queue
from .futures import Futures, closure_of

#: How many of the handles that a loop is to call next are looked at for timers.
_FIRST_HANDLES = 1000


def install(module: types.ModuleType) -> None:
    """Register what is known about the parts of asyncio that the program has."""
    for module_name, class_name, registry, function in (
        ("asyncio.locks", "Lock", held_by, _plain(_lock)),
        ("asyncio.locks", "Semaphore", held_by, _plain(_semaphore)),
        ("asyncio.locks", "Condition", held_in_block, lambda condition: get_field(condition, "_lock")),
        ("asyncio.locks", "Barrier", fuller_words, words_of_barrier),
        ("asyncio.queues", "Queue", fuller_words, _queue),
        ("asyncio.timeouts", "Timeout", deadline_of_block, _timeout),
    ):
        found = sys.modules.get(module_name)
        cls = module_field(cast(types.ModuleType, found), class_name) if is_a(found, types.ModuleType) else None
        if cls is not None:
            cast(Any, registry).register(cls, function)
    futures = Futures()
    cancelling_timers.append(lambda targets: _timers(futures, targets))
    lateness_of_loop.append(_lateness)
    unused_of_loop.append(_unused)
    queued_coroutines.append(_queued_coroutines)
    is_retrieved.append(lambda task: _is_retrieved(futures, task))


def is_monotonic(loop: object) -> bool:
    """Return whether the clock of *loop* is `time.monotonic`, so that it need not be asked."""
    base_events = imported("asyncio.base_events")
    stock = module_field(base_events, "BaseEventLoop") if base_events is not None else None
    return stock is not None and class_attribute(type(loop), "time") is class_attribute(stock, "time")


def loop_time(loop: object) -> Optional[float]:
    """Return the time of a loop's timers, if the loop has the standard library's clock."""
    return time.monotonic() if is_monotonic(loop) else None


def seconds_left(handle: object) -> Optional[float]:
    """Return the seconds until a timer fires, at least 0; None if it will not, or that cannot be told."""
    if handle is None or get_field(handle, "_cancelled") is not False:
        return None
    when, now = get_field(handle, "_when"), loop_time(get_field(handle, "_loop"))
    if now is None or (type(when) is not float and type(when) is not int):
        return None
    return max(0.0, float(cast(float, when)) - now)


#: Types that take and give up as those of asyncio do.
_plain_types: Dict[int, weakref.ref[type]] = {}


def _plain(held: Callable[[object], Optional[Held]]) -> Callable[[object], Optional[Held]]:
    """Return *held* for objects that take and give up as those of asyncio do: a subclass can change what that means."""

    def held_if_plain(obj: object) -> Optional[Held]:
        cls = type(obj)
        if not is_noted(_plain_types, cls):
            functions = [class_attribute(cls, name) for name in ("acquire", "release", "__aenter__", "__aexit__")]
            files = {filename_of(each.__code__) for each in functions if type(each) is types.FunctionType}
            if len(files) != 1 or files.pop() != _file_of_locks():
                return None
            note_type(_plain_types, cls)
        return held(obj)

    return held_if_plain


def _file_of_locks() -> Optional[str]:
    module = sys.modules.get("asyncio.locks")
    lock = module_field(cast(types.ModuleType, module), "Lock") if is_a(module, types.ModuleType) else None
    release = class_attribute(lock, "release") if lock is not None else None
    return filename_of(release.__code__) if type(release) is types.FunctionType else None


def _lock(lock: object) -> Optional[Held]:
    locked = get_field(lock, "_locked")
    return Held(None, 1, not locked) if type(locked) is bool else None


def _semaphore(semaphore: object) -> Optional[Held]:
    value, total = get_field(semaphore, "_value"), get_field(semaphore, "_bound_value")
    if type(value) is not int:
        return None
    return Held(None, total if type(total) is int else None, value > 0)


def _queue(queue: object, words: str) -> Optional[str]:
    unfinished = get_field(queue, "_unfinished_tasks")
    return words_of_queue(words, get_field(queue, "_queue"), get_field(queue, "_maxsize"), unfinished)


def _timeout(timeout: object) -> Optional[float]:
    if exact_str(get_field(get_field(timeout, "_state"), "_value_")) != "active":
        return None
    return seconds_left(get_field(timeout, "_timeout_handler"))


def _timers(futures: Futures, targets: Sequence[object]) -> Dict[int, float]:
    """Return when a timer of a loop cancels one of *targets*, tasks, or what it belongs to."""
    loops: Dict[int, object] = {}
    for target in targets:
        reader = futures.reader_of_task(target)
        if reader is not None:
            try:
                loop = reader.loop(target)
            except (AttributeError, RuntimeError):
                continue
            loops[id(loop)] = loop
    found: Dict[int, float] = {}
    for loop in loops.values():
        scheduled = get_field(loop, "_scheduled")
        for handle in scheduled.copy() if type(scheduled) is list else ():
            seconds = seconds_left(handle)
            for task in _bound_tasks(futures, handle) if seconds is not None else ():
                found[id(task)] = min(cast(float, seconds), found.get(id(task), cast(float, seconds)))
    return found


def _bound_tasks(futures: Futures, handle: object) -> List[object]:
    """Return the tasks that the callback of a timer is about: that of ``task.cancel`` or of a timeout."""
    callback = get_field(handle, "_callback")
    owners: List[object] = []
    if type(callback) is types.MethodType or type(callback) is types.BuiltinFunctionType:
        owners.append(cast(Any, callback).__self__)
    args = get_field(handle, "_args")
    owners += args if type(args) is tuple else ()
    found: List[object] = []
    for owner in owners:
        # `wait_for` of CPython 3.8 to 3.11 has a future of its own, which the timer sets.
        found += [task for task in map(futures.woken_by, futures.callbacks_of(owner)) if task is not None]
        found += [owner, get_field(owner, "_task")]
    return [each for each in found if each is not None]


def _lateness(loop: object) -> Optional[float]:
    now = loop_time(loop)
    scheduled, ready = get_field(loop, "_scheduled"), get_field(loop, "_ready")
    if now is None or type(scheduled) is not list or type(ready) is not collections.deque:
        return None
    handles = [*scheduled[:1], *itertools.islice(ready.copy(), _FIRST_HANDLES)]
    times = [get_field(handle, "_when") for handle in handles]
    late = [now - float(when) for when in times if type(when) is float or type(when) is int]
    return max(late) if late else None


def _unused(loop: object) -> Optional[Sequence[object]]:
    """Return the async generators that a loop only knows of to close them at its end; None if it is not asyncio's."""
    if loop_time(loop) is None or type(get_field(loop, "_scheduled")) is not list:
        return None
    generators = get_field(loop, "_asyncgens")
    return [] if generators is None else [generators]


def _queued_coroutines() -> List[int]:
    """Return the coroutines in what loops are to call: for `run_coroutine_threadsafe`, ``loop.create_task``, ..."""
    events = imported("asyncio.events")
    base = module_field(events, "AbstractEventLoop") if events is not None else None
    found: List[object] = []
    for loop in instances(with_subclasses(base)) if base is not None else ():
        for name, kind in (("_ready", collections.deque), ("_scheduled", list)):
            handles = get_field(loop, name)
            for handle in handles.copy() if type(handles) is kind else ():
                callback, args = get_field(handle, "_callback"), get_field(handle, "_args")
                found += args if type(args) is tuple else ()
                if type(callback) is types.FunctionType:
                    found += closure_of(callback).values()
    return [id(each) for each in found if type(each) is types.CoroutineType]


def _is_retrieved(futures: Futures, task: object) -> Optional[bool]:
    reader = futures.reader_of_task(task)
    if reader is None:
        return None
    if reader is futures.c:
        logs = class_attribute(reader.future, "_log_traceback")
        flag = cast(Any, logs).__get__(task) if type(logs) is types.GetSetDescriptorType else None
    else:
        flag = get_field(task, "_Future__log_traceback", False)
    return not flag if type(flag) is bool else None


def sleep_left(frame: types.FrameType) -> Optional[float]:
    """Return the seconds that `asyncio.sleep`, which is suspended in *frame*, goes on."""
    return seconds_left(local_variable(frame, "h"))
