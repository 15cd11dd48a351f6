"""What anyio's locks, streams and scopes say about who holds them, how full they are, and when they end a wait."""

from __future__ import annotations

import collections
import types
from typing import Any, Callable, Optional, cast

from ..._objects import get_field, module_field
from ..._waits.facts import Held, deadline_of_block, fuller_words, held_by, held_in_block
from ..asyncio.holders import seconds_left
from ..trio.holders import (
    held_limiter,
    held_lock,
    held_semaphore,
    seconds_left as seconds_left_on_trio,
    words_of_channel,
)
from .hooks import behind


def install_locks(module: types.ModuleType) -> None:
    """Register what is known about locks, on both backends."""
    for class_name, registry, function in (
        ("Lock", held_by, _lock),
        ("Semaphore", held_by, _on("_internal_semaphore", "Semaphore", held_semaphore)),
        ("CapacityLimiter", held_by, _on("_internal_limiter", "CapacityLimiter", held_limiter)),
        ("Condition", held_in_block, lambda condition: get_field(condition, "_lock")),
    ):
        cls = module_field(module, class_name)
        if cls is not None:
            cast(Any, registry).register(cls, function)


def install_streams(module: types.ModuleType) -> None:
    """Register the words for streams in memory."""
    for class_name in ("MemoryObjectReceiveStream", "MemoryObjectSendStream"):
        cls = module_field(module, class_name)
        if cls is not None:
            fuller_words.register(cls, _stream)


def install_on_asyncio(module: types.ModuleType) -> None:
    """Register the deadlines of scopes."""
    deadline_of_block.register(cast(type, module_field(module, "CancelScope")), _scope)


def install_on_trio(module: types.ModuleType) -> None:
    """Register the deadlines of scopes."""
    deadline_of_block.register(
        cast(type, module_field(module, "CancelScope")),
        lambda scope: seconds_left_on_trio(get_field(scope, "_CancelScope__original")),
    )


def _on(
    adapter_field: str, class_name: str, held: Callable[[object], Optional[Held]]
) -> Callable[[object], Optional[Held]]:
    return lambda obj: held(behind(obj, adapter_field, class_name))


def _lock(lock: object) -> Optional[Held]:
    lock = behind(lock, "_internal_lock", "Lock")
    if type(get_field(lock, "_waiters")) is not collections.deque:
        return held_lock(lock)
    owner = get_field(lock, "_owner_task")
    return Held(() if owner is None else ((owner, 1),), 1, owner is None)


def _stream(stream: object, words: str) -> Optional[str]:
    state = get_field(stream, "_state")
    return words_of_channel(words, get_field(state, "buffer"), get_field(state, "max_buffer_size"))


def _scope(scope: object) -> Optional[float]:
    return 0.0 if get_field(scope, "_cancel_called") is True else seconds_left(get_field(scope, "_timeout_handle"))
