"""nest_asyncio: an event loop that is run inside of a task of its own, until another task is done."""

from __future__ import annotations

import types

from .._objects import module_field
from ._hiding import hide_package
from ._known import nested_code
from ._room import Room
from .asyncio.nested import register_nested


def _install(module: types.ModuleType) -> None:
    hide_package("nest_asyncio")
    code = nested_code(module_field(module, "_patch_loop"), "run_until_complete")
    if code is not None:
        register_nested(code, "f")


ROOM = Room({"nest_asyncio": _install})
