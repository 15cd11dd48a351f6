"""Interpreters beside this one in the process: what they do is not seen from here, which a snapshot says."""

from __future__ import annotations

import sys
import types
from typing import Any, List

#: The module that makes them, from CPython 3.13 on and before: whoever makes them in Python has imported it. It is not
#: imported for this: programs that have it are few, and it counts them in one call, under its own locks.
_MODULES = ("_interpreters", "_xxsubinterpreters")


def interpreter_notes() -> List[str]:
    """Return a note of how many other interpreters there are, if there are any."""
    count = _others()
    if not count:
        return []
    subject, verb = ("1 other interpreter", "is") if count == 1 else (f"{count} other interpreters", "are")
    return [f"{subject} of this process {verb} not shown: an interpreter sees its own threads and tasks alone."]


def _others() -> int:
    for name in _MODULES:
        module: Any = sys.modules.get(name)
        if type(module) is not types.ModuleType:
            continue
        list_all: Any = vars(module).get("list_all")
        if type(list_all) is types.BuiltinFunctionType:  # not what the program has put there
            return len(list_all()) - 1
    return 0
