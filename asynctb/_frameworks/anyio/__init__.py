"""What is known about anyio, on both of its backends."""

from .._room import Room
from .hooks import install, install_locks, install_on_asyncio, install_on_trio, install_portals
from .waits import WAITS

ROOM = Room(
    hooks={
        "anyio": install,
        # Imported when they are used first.
        "anyio._core._synchronization": install_locks,
        "anyio.from_thread": install_portals,
        "anyio._backends._asyncio": install_on_asyncio,
        "anyio._backends._trio": install_on_trio,
    },
    waits=WAITS,
)
