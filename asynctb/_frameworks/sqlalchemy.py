"""SQLAlchemy: a coroutine that runs synchronous code in a greenlet goes on in that, and then in what that awaits.

A pool keeps no record of who has its connections: those have them who are in blocks of connections and sessions.
"""

from __future__ import annotations

import collections
import types
from typing import Any, Callable, Iterator, Optional, Sequence, cast

from .._frames import local_variable
from .._model import Wait
from .._objects import class_attribute, get_field, is_a, module_field
from .._snapshot.sets import imported
from .._snapshot.source import Owner, code_of, frame_of
from .._stacks.customize import Target, customize
from .._waits.facts import Held, held_in_block, refinements
from .._waits.kinds import wait_for
from ._known import Known
from ._pools import WORDS, register_pool
from ._room import Room
from .greenlet.greenlets import frames_outward, reader

_DO_GET = ("sqlalchemy.pool.impl", "QueuePool", "_do_get")
#: What a queue has its items in; one that has not been used yet has none.
_SEQUENCES = (collections.deque, list, tuple)
#: Of threads that wait for a connection.
THREAD_WAITS: Known = (
    ("sqlalchemy.util.queue", "Queue.get", ""),
    ("sqlalchemy.pool.impl", "QueuePool._do_get", WORDS),
)


def _install(module: types.ModuleType) -> None:
    spawn: Any = module_field(module, "greenlet_spawn")
    if type(spawn) is types.FunctionType:
        customize(spawn, skip_frame=True, get_target=_behind_spawn)
        refinements.append(lambda wait, owners: _refined(owners, spawn.__code__))
    for name in ("await_", "await_only", "await_fallback"):
        function: Any = module_field(module, name)
        if type(function) is types.FunctionType:
            customize(function, skip_frame=True)


def _behind_spawn(frame: types.FrameType, inner: Optional[types.FrameType]) -> Target:
    """Return the frames of the greenlet, if it waits for what the coroutine awaits for it, and that."""
    frames, awaited = _frames_behind(frame), local_variable(frame, "result")
    return None if not frames or awaited is None else (*frames[::-1], awaited)


def _frames_behind(frame: types.FrameType) -> Sequence[types.FrameType]:
    """Return the frames of the greenlet that ``greenlet_spawn`` runs in *frame*, the innermost one first."""
    greenlets = reader()
    greenlet = local_variable(frame, "context")
    if greenlets is None or not is_a(greenlet, greenlets.cls):
        return ()
    innermost = greenlets.frame(greenlet)
    return () if innermost is None else frames_outward(innermost)


def _install_pools(module: types.ModuleType) -> None:
    for name in ("QueuePool", "AsyncAdaptedQueuePool"):
        cls = module_field(module, name)
        if cls is not None:
            register_pool(cls, _held)


def _in_block(*names: str) -> Callable[[types.ModuleType], None]:
    """Return what registers that blocks of these classes of a module hold a connection."""

    def install(module: types.ModuleType) -> None:
        for name in names:
            cls = module_field(module, name)
            if cls is not None:
                held_in_block.register(cls, _pool_of)

    return install


def _refined(owners: Sequence[Owner], spawn: types.CodeType) -> Optional[Wait]:
    """Return that a task waits for a connection if the greenlet that it runs asks a pool for one."""
    for owner in owners:
        frame = frame_of(owner) if code_of(owner) is spawn else None
        if frame is None:
            continue
        frames = _frames_behind(frame)
        get, do_get = _code_of("sqlalchemy.util.queue", "AsyncAdaptedQueue", "get"), _code_of(*_DO_GET)
        for inner, outer in zip(frames, frames[1:]):
            if inner.f_code is get and outer.f_code is do_get:
                return wait_for(WORDS, local_variable(outer, "self"))
    return None


def _code_of(module_name: str, class_name: str, name: str) -> Optional[types.CodeType]:
    module = imported(module_name)
    cls = module_field(module, class_name) if module is not None else None
    function = class_attribute(cls, name) if cls is not None else None
    return function.__code__ if type(function) is types.FunctionType else None


def _held(pool: object) -> Optional[Held]:
    queue, overflow, most = get_field(pool, "_pool"), get_field(pool, "_overflow"), get_field(pool, "_max_overflow")
    size, items = get_field(queue, "maxsize"), get_field(queue, "queue")
    if items is None:  # one for tasks has a queue of asyncio's, which has one itself
        items = get_field(get_field(queue, "_queue"), "_queue", ())
    if type(size) is not int or type(overflow) is not int or type(most) is not int:
        return None
    if not any(type(items) is kind for kind in _SEQUENCES):
        return None
    if most < 0 or size <= 0:  # as many as are asked for
        return Held(None, None, free=True)
    total = size + most
    return Held(None, total, free=size - len(cast(Sequence[object], items)) + overflow < total)


def _pool_of(manager: object) -> Optional[object]:
    """Return the pool of which a block of *manager*, a connection or session, has a connection; or None."""
    return next((pool for pool in _pools_of(manager) if pool is not None), None)


def _pools_of(manager: object) -> Iterator[Optional[object]]:
    session = get_field(manager, "async_session", manager)  # a block that begins one
    session = get_field(session, "sync_session", session)
    connections = get_field(get_field(session, "_transaction"), "_connections")
    if type(connections) is dict:
        for entry in tuple(connections.values()):
            if type(entry) is tuple and entry:
                yield _pool_of_connection(entry[0])
    yield _pool_of_connection(get_field(manager, "sync_connection", manager))


def _pool_of_connection(connection: object) -> Optional[object]:
    return cast(Optional[object], get_field(get_field(connection, "_dbapi_connection"), "_pool"))


ROOM = Room(
    {
        "sqlalchemy.util.concurrency": _install,
        "sqlalchemy.pool.impl": _install_pools,
        "sqlalchemy.engine.base": _in_block("Connection"),
        "sqlalchemy.orm.session": _in_block("Session"),
        "sqlalchemy.ext.asyncio.engine": _in_block("AsyncConnection"),
        "sqlalchemy.ext.asyncio.session": _in_block("AsyncSession", "_AsyncSessionContextManager"),
    },
    thread_waits=THREAD_WAITS,
)
