"""What anyio's locks, streams and scopes say about who holds them, how full they are, and when they end a wait."""

from __future__ import annotations

import collections
import types
import weakref
from typing import Any, Callable, Dict, Optional, Sequence, cast

from ..._objects import get_field, is_a, module_field
from ..._waits.facts import (
    Held,
    cancelling_timers,
    deadline_of_block,
    fuller_words,
    held_by,
    held_in_block,
    shield_of_block,
    woken_through,
)
from .._addresses import words_behind
from ..asyncio.holders import seconds_left
from ..asyncio.streams import words_of_transport
from ..threading.waits import words_of_process
from ..trio.holders import (
    held_limiter,
    held_lock,
    held_semaphore,
    state_of_channel,
    words_of_channel,
)
from .hooks import behind

#: More scopes inside each other than anybody nests.
_MOST_SCOPES = 10_000


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
            woken_through.register(cls, state_of_channel)


def install_on_asyncio(module: types.ModuleType) -> None:
    """Register the deadlines of scopes, and the words for processes and sockets."""
    _install_processes(module)
    scope = cast(type, module_field(module, "CancelScope"))
    deadline_of_block.register(scope, _scope)
    shield_of_block.register(scope, lambda scope: get_field(scope, "_shield") is True)
    cancelling_timers.append(lambda targets: _deadlines(module, targets))
    for name in ("SocketStream", "ConnectedUDPSocket"):
        _install_words(module, name, words_of_transport)
    _install_words(module, "UNIXSocketStream", words_behind("_RawSocketMixin__raw_socket"))


def install_on_trio(module: types.ModuleType) -> None:
    """Register the words for processes and sockets."""
    _install_processes(module)
    for name in ("SocketStream", "ConnectedUDPSocket", "TCPSocketListener", "UNIXSocketListener"):
        _install_words(module, name, words_behind("_trio_socket", "_sock"))


def _install_processes(module: types.ModuleType) -> None:
    _install_words(module, "Process", lambda each, words: words_of_process(get_field(each, "_process"), words))


def _install_words(module: types.ModuleType, name: str, function: Callable[[object, str], Optional[str]]) -> None:
    cls = module_field(module, name)
    if cls is not None:
        fuller_words.register(cls, function)


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


def _deadlines(module: types.ModuleType, targets: Sequence[object]) -> Dict[int, float]:
    """Return when a scope cancels one of *targets*, tasks of asyncio: their own or one around their group."""
    states = get_field(module_field(module, "_task_states"), "data")
    wanted = {id(target) for target in targets}
    found: Dict[int, float] = {}
    for reference, state in tuple(states.items()) if type(states) is dict else ():
        task = weakref.ref.__call__(reference) if is_a(reference, weakref.ref) else None
        if task is None or id(task) not in wanted:
            continue
        scope = get_field(state, "cancel_scope")
        for _ in range(_MOST_SCOPES):
            if scope is None:
                break
            seconds = _scope(scope)
            if seconds is not None:
                found[id(task)] = min(seconds, found.get(id(task), seconds))
            if get_field(scope, "_shield") is True:
                break
            scope = get_field(scope, "_parent_scope")
    return found
