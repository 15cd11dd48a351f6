"""httpcore, which httpx is made of: who waits for a connection of a pool, and how full that is.

Who has the connections cannot be told: a pool knows requests, and a response refers to neither.
"""

from __future__ import annotations

import types
from typing import Optional

from .._objects import get_field, module_field
from .._waits.facts import Held
from ._known import Known
from ._pools import WORDS, register_pool
from ._room import Room

_ASYNC, _SYNC = "httpcore._async.connection_pool", "httpcore._sync.connection_pool"
WAITS: Known = (
    (_ASYNC, "AsyncConnectionPool.handle_async_request", WORDS),
    (_ASYNC, "AsyncPoolRequest.wait_for_connection", ""),
    ("httpcore._synchronization", "AsyncEvent.wait", ""),
)
THREAD_WAITS: Known = (
    (_SYNC, "ConnectionPool.handle_request", WORDS),
    (_SYNC, "PoolRequest.wait_for_connection", ""),
    ("httpcore._synchronization", "Event.wait", ""),
)


def _install(module: types.ModuleType) -> None:
    for name in ("AsyncConnectionPool", "ConnectionPool"):
        cls = module_field(module, name)
        if cls is not None:
            register_pool(cls, _held)


def _held(pool: object) -> Optional[Held]:
    most, connections = get_field(pool, "_max_connections"), get_field(pool, "_connections")
    if type(most) is not int or type(connections) is not list:
        return None
    return Held(None, most, free=len(connections) < most)


ROOM = Room({_ASYNC: _install, _SYNC: _install}, waits=WAITS, thread_waits=THREAD_WAITS)
