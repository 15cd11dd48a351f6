"""greenback: a task whose synchronous functions await goes on in the greenlet that runs them.

What `async_context` wraps is looked into.
"""

from __future__ import annotations

import sys
import types
from typing import Any, Optional

from .._frames import local_variable
from .._objects import get_field, module_field, module_of_frame
from .._stacks.customize import Target, customize, register_unwrap_context_manager
from ._hiding import hide_package
from ._room import Room
from .greenlet.greenlets import reader


def _install(module: types.ModuleType) -> None:
    for package in ("greenback", "outcome"):
        hide_package(package)
    implementation = sys.modules["greenback._impl"]
    for name, get_target in (
        ("_greenback_shim", _behind_shim),
        ("_greenback_shim_sync", _behind_shim),
        ("trampoline", _behind_trampoline),
        ("await_", _behind_await),
    ):
        function: Any = module_field(implementation, name)
        if function is not None:
            customize(function, get_target=get_target)
    wrapper = module_field(module, "async_context")
    if wrapper is not None:
        register_unwrap_context_manager(wrapper)(lambda wrapper: get_field(wrapper, "_cm"))


def _behind_shim(frame: types.FrameType, inner: Optional[types.FrameType]) -> Target:
    greenlets = reader()
    child = local_variable(frame, "child_greenlet")
    if inner is not None or greenlets is None or child is None or greenlets.is_running(child):
        return None
    return child if greenlets.frame(child) is not None else local_variable(frame, "orig_coro")


def _behind_trampoline(frame: types.FrameType, inner: Optional[types.FrameType]) -> Target:
    return local_variable(frame, "orig_coro") if _is_innermost(inner) else None


def _behind_await(frame: types.FrameType, inner: Optional[types.FrameType]) -> Target:
    return local_variable(frame, "coro") if _is_innermost(inner) else None


def _is_innermost(inner: Optional[types.FrameType]) -> bool:
    # On PyPy, switching greenlets has frames of its own.
    return inner is None or module_of_frame(inner) == "greenlet"


ROOM = Room({"greenback": _install})
