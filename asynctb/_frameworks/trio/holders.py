"""What trio's locks, channels and scopes say about who holds them, how full they are, and when they end a wait."""

from __future__ import annotations

import collections
import types
from typing import Any, Dict, Optional, Sequence, cast

from ..._objects import get_field, module_field
from ..._snapshot.sets import copy_set, imported
from ..._waits.facts import (
    Held,
    cancelling_timers,
    fuller_words,
    held_by,
    held_in_block,
    unused_of_loop,
    woken_through,
)
from .._addresses import words_behind
from ..threading.waits import words_of_process, words_with_level
from .runs import clock_offset, seconds_left_of_task
from .threads import is_placeholder, threads_of_placeholders


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
        ("MemoryReceiveChannel", woken_through, state_of_channel),
        ("MemorySendChannel", woken_through, state_of_channel),
        ("Process", fuller_words, words_of_process),
        ("SocketStream", fuller_words, words_behind("socket", "_sock")),
        ("SocketListener", fuller_words, words_behind("socket", "_sock")),
    ):
        cls = module_field(module, class_name)
        if cls is not None:
            cast(Any, registry).register(cls, function)
    cancelling_timers.append(_deadlines)
    unused_of_loop.append(_unused)


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
    found = copy_set(borrowers)
    threads = threads_of_placeholders() if any(map(is_placeholder, found)) else {}
    owners = [(threads.get(id(borrower), borrower), 1) for borrower in found]
    limit = total if type(total) is int else None
    return Held(owners, limit, limit is None or len(owners) < limit)


def state_of_channel(channel: object) -> Sequence[object]:
    """Return what both ends of a channel of trio or anyio, and their clones, have in common."""
    state = get_field(channel, "_state")
    return () if state is None else (state,)


def _channel(channel: object, words: str) -> Optional[str]:
    state = get_field(channel, "_state")
    return words_of_channel(words, get_field(state, "data"), get_field(state, "max_buffer_size"))


def words_of_channel(words: str, items: object, most: object) -> Optional[str]:
    """Return how full a channel of trio or anyio is."""
    if type(items) is not collections.deque:
        return None
    return words_with_level(words, len(items), most if type(most) is int else None)


def _deadlines(targets: Sequence[object]) -> Dict[int, float]:
    """Return when a scope around one of *targets*, tasks, cancels it."""
    run = imported("trio._core._run")
    task_class = module_field(run, "Task") if run is not None else None
    offset, found = clock_offset(), {}
    for target in targets:
        seconds = seconds_left_of_task(target, offset) if type(target) is task_class else None
        if seconds is not None:
            found[id(target)] = seconds
    return found


def _unused(loop: object) -> Optional[Sequence[object]]:
    """Return the async generators that a run only knows of to close them at its end; None if it is not trio's."""
    run = imported("trio._core._run")
    runner_class = module_field(run, "Runner") if run is not None else None
    if runner_class is None or type(loop) is not runner_class:
        return None
    generators = get_field(loop, "asyncgens")
    return [] if generators is None else [generators]
