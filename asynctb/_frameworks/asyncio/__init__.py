"""What is known about asyncio."""

import types

from ..._snapshot.registry import RegisteredSource
from .._room import Room
from . import cancelling, creation, holders, hooks, nested, streams
from .tasks import AsyncioTasks
from .waits import THREAD_CALLS, THREAD_WAITS, WAITS


def install(module: types.ModuleType) -> None:
    """Register all of it."""
    hooks.install(module)
    nested.install()
    cancelling.install()
    holders.install(module)
    streams.install(module)
    creation.install(module)


ROOM = Room(
    hooks={"asyncio": install},
    source=RegisteredSource("Tasks of asyncio", lambda search: AsyncioTasks(search.threads, thorough=search.thorough)),
    waits=WAITS,
    thread_waits=THREAD_WAITS,
    thread_calls=THREAD_CALLS,
    makers=(("asyncio.base_events", "BaseEventLoop.create_task", True),),
)
