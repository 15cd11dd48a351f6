"""What is known about anyio, on both of its backends."""

import types
from typing import Callable

from .._room import Room
from . import holders, hooks
from .waits import WAITS


def _both(*installs: Callable[[types.ModuleType], None]) -> Callable[[types.ModuleType], None]:
    def install(module: types.ModuleType) -> None:
        for each in installs:
            each(module)

    return install


ROOM = Room(
    hooks={
        "anyio": hooks.install,
        # Imported when they are used first.
        "anyio._core._synchronization": _both(hooks.install_locks, holders.install_locks),
        "anyio.streams.memory": holders.install_streams,
        "anyio.from_thread": hooks.install_portals,
        "anyio._backends._asyncio": _both(hooks.install_on_asyncio, holders.install_on_asyncio),
        "anyio._backends._trio": _both(hooks.install_on_trio, holders.install_on_trio),
    },
    waits=WAITS,
    makers=(("anyio", "", True),),
)
