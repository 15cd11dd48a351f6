"""pytest: the frames between the command and the test are hidden, and those of the plugins that run async tests."""

from __future__ import annotations

import types
from typing import Optional

from .._frames import local_variable
from .._objects import class_attribute, module_field
from .._stacks.customize import Target, customize
from ._hiding import hide_package
from ._room import Room


def _install(module: types.ModuleType) -> None:
    for package in ("_pytest", "pluggy", "pytest_asyncio", "pytest_timeout", "pytest_trio"):
        hide_package(package)


def _install_trio(module: types.ModuleType) -> None:
    run = class_attribute(module_field(module, "TrioFixture"), "run")
    if type(run) is types.FunctionType:
        customize(run, get_target=lambda frame, inner: _fixture(frame))


def _fixture(frame: types.FrameType) -> Target:
    """Return the generator of a fixture whose task waits for the tests that use it; it stands at its yield."""
    generator = local_variable(frame, "func_value")
    if type(generator) is types.AsyncGeneratorType:
        return generator if generator.ag_await is None and _is_suspended(generator.ag_frame) else None
    if type(generator) is types.GeneratorType:
        return generator if not generator.gi_running and _is_suspended(generator.gi_frame) else None
    return None


def _is_suspended(frame: Optional[types.FrameType]) -> bool:
    """Return whether the frame of a generator has begun, and neither ended nor been called."""
    return frame is not None and frame.f_lasti >= 0 and frame.f_back is None


ROOM = Room({"_pytest.runner": _install, "pytest_trio.plugin": _install_trio})
