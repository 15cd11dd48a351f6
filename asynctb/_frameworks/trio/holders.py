"""What trio's locks, channels and scopes say about who holds them, how full they are, and when they end a wait."""

from __future__ import annotations

import collections
import math
import time
import types
from typing import Any, Dict, Optional, Sequence, cast

from ..._objects import get_field, module_field
from ..._snapshot.sets import copy_set, imported
from ..._waits.facts import Held, cancelling_timers, deadline_of_block, fuller_words, held_by, held_in_block
from ..threading.waits import words_with_level
from .tasks import clock_offset

#: More scopes inside each other than anybody nests.
_MOST_SCOPES = 10_000


def install(module: types.ModuleType) -> None:
    """Register what is known about the parts of trio."""
    for class_name, registry, function in (
        ("Lock", held_by, held_lock),
        ("StrictFIFOLock", held_by, held_lock),
        ("Semaphore", held_by, held_semaphore),
        ("CapacityLimiter", held_by, held_limiter),
        ("Condition", held_in_block, lambda condition: get_field(condition, "_lock")),
        ("MemoryReceiveChannel", fuller_words, _channel),
        ("MemorySendChannel", fuller_words, _channel),
        ("CancelScope", deadline_of_block, seconds_left),
    ):
        cls = module_field(module, class_name)
        if cls is not None:
            cast(Any, registry).register(cls, function)
    cancelling_timers.append(_deadlines)


def held_lock(lock: object) -> Optional[Held]:
    """Return who holds a lock of trio, which records it."""
    missing = object()
    owner = get_field(lock, "_owner", missing)
    if owner is missing:
        return None
    return Held(() if owner is None else ((owner, 1),), 1, owner is None)


def held_semaphore(semaphore: object) -> Optional[Held]:
    """Return what a semaphore of trio or anyio says."""
    value, total = get_field(semaphore, "_value"), get_field(semaphore, "_max_value")
    return Held(None, total if type(total) is int else None, value > 0) if type(value) is int else None


def held_limiter(limiter: object) -> Optional[Held]:
    """Return who has borrowed the tokens of a limiter of trio or anyio."""
    borrowers, total = get_field(limiter, "_borrowers"), get_field(limiter, "_total_tokens")
    if type(borrowers) is not set:
        return None
    owners = [(borrower, 1) for borrower in copy_set(borrowers)]
    limit = total if type(total) is int else None
    return Held(owners, limit, limit is None or len(owners) < limit)


def _channel(channel: object, words: str) -> Optional[str]:
    state = get_field(channel, "_state")
    return words_of_channel(words, get_field(state, "data"), get_field(state, "max_buffer_size"))


def words_of_channel(words: str, items: object, most: object) -> Optional[str]:
    """Return how full a channel of trio or anyio is."""
    if type(items) is not collections.deque:
        return None
    return words_with_level(words, len(items), most if type(most) is int else None)


def seconds_left(scope: object) -> Optional[float]:
    """Return the seconds until a `trio.CancelScope` is cancelled, 0 if it is; None if it has no deadline."""
    if get_field(scope, "_cancel_called") is True:
        return 0.0
    deadline, offset = get_field(scope, "_deadline"), clock_offset()
    if type(deadline) is not float and type(deadline) is not int:
        return None
    if not math.isfinite(cast(float, deadline)):
        return None
    # Of a clock of the program it is not known when that will be, but that there is a deadline.
    return 0.0 if offset is None else max(0.0, float(cast(float, deadline)) - (time.perf_counter() + offset))


def _deadlines(targets: Sequence[object]) -> Dict[int, float]:
    """Return when a scope around one of *targets*, tasks, cancels it, also one around the nursery that it is in."""
    run = imported("trio._core._run")
    task_class = module_field(run, "Task") if run is not None else None
    found: Dict[int, float] = {}
    for target in targets:
        status = get_field(target, "_cancel_status") if type(target) is task_class else None
        for _ in range(_MOST_SCOPES):
            if status is None:
                break
            scope = get_field(status, "_scope")
            seconds = seconds_left(scope)
            if seconds is not None:
                found[id(target)] = min(seconds, found.get(id(target), seconds))
            if get_field(scope, "_shield") is True:
                break
            status = get_field(status, "_parent")
    return found
