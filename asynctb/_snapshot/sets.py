"""Collecting objects of the program without hashing, comparing or importing anything of it."""

from __future__ import annotations

import sys
import types
import weakref
from typing import Any, Iterable, List, Optional, Set, cast

from .._objects import get_field, is_a

#: How often to copy a set again that changes while it is copied.
_ATTEMPTS = 100


def imported(name: str) -> Optional[types.ModuleType]:
    """Return a module of the program if it is imported (perhaps not to its end)."""
    module = sys.modules.get(name)
    return cast(types.ModuleType, module) if is_a(module, types.ModuleType) else None


def copy_set(members: Any) -> List[object]:
    """Return the members of a set or of a WeakSet, without hashing or comparing them."""
    weak = type(members) is weakref.WeakSet
    inner = get_field(members, "data") if weak else members
    if type(inner) is not set:
        return []
    for _ in range(_ATTEMPTS):
        try:
            # One call of C code, during which no thread switches; but the garbage collector may run, and remove some.
            copy = list(cast(Set[object], inner))
        except RuntimeError:
            continue
        return [obj for obj in [ref() for ref in cast(List[Any], copy)] if obj is not None] if weak else copy
    return []


def unique(objects: Iterable[object]) -> List[object]:
    """Return each object once, by identity."""
    return list({id(obj): obj for obj in objects}.values())
