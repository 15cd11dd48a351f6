"""What is known about asyncio."""

from ..._snapshot.registry import RegisteredSource
from .._room import Room
from .hooks import install
from .tasks import AsyncioTasks
from .waits import THREAD_CALLS, THREAD_WAITS, WAITS

ROOM = Room(
    hooks={"asyncio": install},
    source=RegisteredSource("Tasks of asyncio", lambda search: AsyncioTasks(search.threads, thorough=search.thorough)),
    waits=WAITS,
    thread_waits=THREAD_WAITS,
    thread_calls=THREAD_CALLS,
)
