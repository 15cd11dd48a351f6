"""asgiref: its own frames are hidden. `sync_to_async` works through executors, which the glue for asyncio follows."""

from __future__ import annotations

import types

from ._hiding import hide_package


def install(module: types.ModuleType) -> None:
    hide_package("asgiref")
