"""What is known about gevent. Its greenlets are listed with all others."""

from __future__ import annotations

import types
from typing import Callable, Dict, Mapping

from .._room import Room
from . import holders, hooks, links, waits

_Hooks = Mapping[str, Callable[[types.ModuleType], None]]


def _together(*tables: _Hooks) -> _Hooks:
    found: Dict[str, Callable[[types.ModuleType], None]] = {}
    for name in [name for table in tables for name in table]:
        functions = [table[name] for table in tables if name in table]

        def install(module: types.ModuleType, functions: object = functions) -> None:
            for function in functions:  # type: ignore[attr-defined]
                function(module)

        found[name] = install
    return found


ROOM = Room(
    _together(hooks.HOOKS, links.HOOKS, holders.HOOKS),
    # Of the hub: whatever it runs is another greenlet or a call from there.
    thread_calls=(("gevent.libev.corecext", "loop.run", "events"),),
)
waits.install()
