"""What is known about threads: `threading`, `queue`, `concurrent.futures`."""

from ..._snapshot.registry import RegisteredSource
from .._room import Room
from .concurrent import install_futures, install_pools
from .hooks import install
from .threads import Threads
from .waits import THREAD_CALLS, THREAD_WAITS

ROOM = Room(
    hooks={
        "threading": install,
        "concurrent.futures._base": install_futures,
        "concurrent.futures.thread": install_pools,
    },
    source=RegisteredSource("Threads", lambda search: Threads(search.threads)),
    thread_waits=THREAD_WAITS,
    thread_calls=THREAD_CALLS,
)
