"""pytest: the frames between the command and the test are hidden, and those of the plugins that run async tests."""

from __future__ import annotations

import types

from ._hiding import hide_package
from ._room import Room


def _install(module: types.ModuleType) -> None:
    for package in ("_pytest", "pluggy", "pytest_asyncio", "pytest_timeout", "pytest_trio"):
        hide_package(package)


ROOM = Room({"_pytest.runner": _install})
