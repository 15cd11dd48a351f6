"""Collecting objects of the program without hashing, comparing or importing anything of it."""

from __future__ import annotations

import gc
import itertools
import sys
import time
import types
import weakref
from typing import Any, Dict, Iterable, List, Optional, Set, cast

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


class Searches:
    """Limits how often all objects of the process are searched where that may be left out."""

    #: The share of the time that searches may take.
    SHARE = 0.05

    def __init__(self) -> None:
        self._not_before = 0.0

    def due(self) -> bool:
        """Return whether there has been no search for long enough."""
        return time.monotonic() >= self._not_before

    def done(self, seconds: float) -> None:
        """Record a search that took so long."""
        self._not_before = max(self._not_before, time.monotonic()) + seconds / self.SHARE


heap_searches = Searches()


class Heap:
    """All objects that the garbage collector knows at one moment; collected at the first question.

    It keeps all of them alive, itself among them, until `drop` is called.
    """

    def __init__(self) -> None:
        #: Whether a search may be made that is not needed for sure; all questions get the same answer.
        self.worth_searching = heap_searches.due()
        self._objects: Optional[List[object]] = None

    def instances(self, classes: Iterable[type]) -> List[object]:
        """Return the objects of exactly these types."""
        began = time.monotonic()
        if self._objects is None:
            self._objects = gc.get_objects()
        wanted = {id(cls) for cls in classes}
        # Not the types themselves, which a set would hash: a metaclass can define how.
        found = list(itertools.compress(self._objects, map(wanted.__contains__, map(id, map(type, self._objects)))))
        heap_searches.done(time.monotonic() - began)
        return found

    def drop(self) -> None:
        """Let go of all objects."""
        self._objects = None


def with_subclasses(*classes: type) -> List[type]:
    """Return *classes* and all their subclasses."""
    found: Dict[int, type] = {}
    todo = list(classes)
    while todo:
        cls = todo.pop()
        if id(cls) not in found:
            found[id(cls)] = cls
            todo += type.__subclasses__(cls)
    return list(found.values())
