"""What is known about threads: `threading`, `queue`, `concurrent.futures`."""

import types

from ..._snapshot.registry import RegisteredSource
from .._room import Room
from .concurrent import install_futures, install_pools
from .hooks import install
from .threads import Threads
from .waits import (
    THREAD_CALLS,
    THREAD_WAITS,
    install_c_queues,
    install_locks,
    install_processes,
    install_queues,
    install_sockets,
    install_ssl,
)


def install_all(module: types.ModuleType) -> None:
    """Register what is known about the module `threading`."""
    install(module)
    install_locks(module)


ROOM = Room(
    hooks={
        "threading": install_all,
        "queue": install_queues,
        "_queue": install_c_queues,
        "subprocess": install_processes,
        "_socket": install_sockets,
        "_ssl": install_ssl,
        "concurrent.futures._base": install_futures,
        "concurrent.futures.thread": install_pools,
    },
    source=RegisteredSource("Threads", lambda search: Threads(search.threads)),
    thread_waits=THREAD_WAITS,
    thread_calls=THREAD_CALLS,
    makers=(("threading", "Thread.start", False), ("concurrent.futures", "", False)),
)
