"""SQLAlchemy: a coroutine that runs synchronous code in a greenlet goes on in that, and then in what that awaits."""

from __future__ import annotations

import types
from typing import Any, Optional

from .._frames import local_variable
from .._objects import is_a, module_field
from .._stacks.customize import Target, customize
from ._room import Room
from .greenlet.greenlets import frames_outward, reader


def _install(module: types.ModuleType) -> None:
    spawn: Any = module_field(module, "greenlet_spawn")
    if type(spawn) is types.FunctionType:
        customize(spawn, skip_frame=True, get_target=_behind_spawn)
    for name in ("await_", "await_only", "await_fallback"):
        function: Any = module_field(module, name)
        if type(function) is types.FunctionType:
            customize(function, skip_frame=True)


def _behind_spawn(frame: types.FrameType, inner: Optional[types.FrameType]) -> Target:
    """Return the frames of the greenlet, if it waits for what the coroutine awaits for it, and that."""
    greenlets = reader()
    greenlet, awaited = local_variable(frame, "context"), local_variable(frame, "result")
    if greenlets is None or awaited is None or not is_a(greenlet, greenlets.cls):
        return None
    innermost = greenlets.frame(greenlet)
    return None if innermost is None else (*frames_outward(innermost)[::-1], awaited)


ROOM = Room({"sqlalchemy.util.concurrency": _install})
