"""gevent: its own frames are hidden; its greenlets are found as greenlets."""

from __future__ import annotations

import types

from ._hiding import hide_package


def install(module: types.ModuleType) -> None:
    hide_package("gevent")
