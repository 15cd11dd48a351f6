"""What the garbage collector knows of, searched without keeping what other threads are still building.

CPython resizes a tuple under construction only while nobody else refers to it (``_PyTuple_Resize`` in
Objects/tupleobject.c, which `tuple` calls up to 3.13): a reference of ours, and ``tuple(generator)`` fails in another
thread. The collector lists such tuples. So whatever it lists is thinned out within the very C call that lists it: no
bytecode runs, no thread switches and no collection starts before only the objects of the wanted types are left.
The program stands still for as long as such a call takes.
"""

from __future__ import annotations

import functools
import gc
import sys
import time
from itertools import chain, compress, islice
from operator import and_
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence

#: How many items that mean nothing `without_collection` puts in front; behind, it is one.
LEADING = 2
#: How often to try again where another thread switches the collector on or off meanwhile.
_ATTEMPTS = 50
#: Up to CPython 3.11, making a container can start a collection, and with it code of the program.
_COLLECTS_ANYWHERE = sys.implementation.name == "cpython" and sys.version_info < (3, 12)
_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE (Include/object.h)
#: Whether the objects of a heap type refer to it (``subtype_traverse`` in Objects/typeobject.c).
_REFER_TO_TYPES = sys.implementation.name == "cpython" and sys.version_info >= (3, 9)
#: CPython 3.12 has some 400 objects that it has frozen itself. A program freezes all that there is, thousands at least.
_MOST_FROZEN_AT_START = 2_000
#: What list the objects of each generation, from the youngest on; before CPython 3.8, all at once.
_GENERATIONS: Sequence[Callable[[], List[object]]] = (
    [functools.partial(gc.get_objects, generation=generation) for generation in range(3)]
    if sys.version_info >= (3, 8)
    else [gc.get_objects]
)
#: The collector compares each reference of each object with each of the objects asked for.
_MOST_REFERENTS = 16


def without_collection(items: Iterator[Any]) -> Iterator[Any]:
    """Return an iterator with *items* in which making an object starts no garbage collection.

    Up to CPython 3.11, making a container can start one, and with it code of the program. Where *items* come from C
    functions and one call of `tuple` or `list` consumes the result, the collector is off within this call only: neither
    another thread nor a signal handler sees it, or comes in between.

    :raises KeyError: when consumed, if another thread has switched the collector on or off meanwhile.
    """
    if not gc.isenabled():
        return chain(called(gc.isenabled, {False: None}), (None,), items, (None,))
    return chain(
        called(gc.isenabled, {True: None}), called(gc.disable, {None: None}), items, called(gc.enable, {None: None})
    )


def called(function: Callable[[], object], expected: Any) -> Iterator[None]:
    """Yield one item, for which *function* is called; it must return a key of *expected*."""
    return map(expected.__getitem__, islice(iter(function, ...), 1))


def instances(classes: Iterable[type], address: Optional[int] = None) -> List[object]:
    """Return the objects of exactly these types that the collector knows; with *address*, the one that is there.

    A look at each object takes 50 to 75 nanoseconds, during which the program stands still; 10 to 15 where the types
    are made at run time, as classes are, so that their objects refer to them.
    """
    wanted = list(classes)
    if _REFER_TO_TYPES and len(wanted) <= _MOST_REFERENTS and all(_flags_of(cls) & _HEAP_TYPE for cls in wanted):
        return _picked(functools.partial(gc.get_referrers, *wanted), wanted, address)
    return _picked(gc.get_objects, wanted, address)


def young_instance(classes: Iterable[type], address: int, most: int) -> Optional[object]:
    """Return the object of exactly one of these types at *address*, looked for from the youngest generation on.

    :param most: how many objects may be looked at; a generation that has more is not.
    """
    wanted = list(classes)
    for listing in _GENERATIONS:
        if _count(listing) > most:
            break
        found = _picked(listing, wanted, address)
        if found:
            return found[0]
    return None


def referrers(objects: Sequence[object], classes: Iterable[type]) -> List[object]:
    """Return the objects of exactly these types that refer to one of *objects*, as far as the collector sees that.

    It takes 10 to 15 nanoseconds for each object of the process, more for many *objects*; meanwhile the program
    stands still.
    """
    return _picked(functools.partial(gc.get_referrers, *objects), classes, None)


# The slot of `type`: a metaclass can define an attribute of that name.
_flags_of: Callable[[type], int] = type.__dict__["__flags__"].__get__


def _count(listing: Callable[[], List[object]]) -> int:
    """Return how many objects *listing* lists."""
    return next(map(len, islice(iter(listing, ...), 1)))


def _picked(listing: Callable[[], List[object]], classes: Iterable[type], address: Optional[int]) -> List[object]:
    """Return those of the objects that *listing* returns that are exactly of *classes*, and at *address* if given.

    One call of `list` consumes a chain of C functions that lists, selects, and lets go of the rest.
    """
    # Not the types themselves, which a set would hash: a metaclass can define how.
    wanted = {id(cls) for cls in classes}
    for _ in range(_ATTEMPTS):
        listed: List[List[object]] = []
        try:
            if _COLLECTS_ANYWHERE:
                return list(without_collection(_steps(listing, listed, wanted, address)))[1 + LEADING : -2]
            return list(_steps(listing, listed, wanted, address))[1:-1]
        except KeyError:
            listed.clear()
    raise RuntimeError("another thread keeps switching the garbage collector on and off")


def _steps(
    listing: Callable[[], List[object]], listed: List[List[object]], wanted: set[int], address: Optional[int]
) -> Iterator[Any]:
    """Return the steps of one search: an item for the listing, those selected, and one for letting go.

    What has been listed is let go of by emptying the list: these very iterators are listed, too, and some still refer
    to the list in the end.
    """

    def objects() -> Iterator[object]:
        return chain.from_iterable(listed)

    selected: Iterator[Any] = map(wanted.__contains__, map(id, map(type, objects())))
    if address is not None:
        selected = map(and_, map(address.__eq__, map(id, objects())), selected)
    return chain(
        map(listed.append, islice(iter(listing, ...), 1)),
        compress(objects(), selected),
        map(list.clear, listed),
    )


def frozen() -> bool:
    """Return whether objects are kept from the collector (`gc.freeze`), which then lists them nowhere."""
    count: Optional[Callable[[], int]] = getattr(gc, "get_freeze_count", None)
    return count is not None and count() > _MOST_FROZEN_AT_START


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


class Searches:
    """Limits how often all objects of the process are searched where that may be left out."""

    #: The share of the time that searches may take.
    SHARE = 0.05

    def __init__(self) -> None:
        self._not_before = 0.0

    def due(self) -> bool:
        """Return whether there has been no search for long enough."""
        return time.monotonic() >= self._not_before

    def run(self, search: Callable[[], List[object]]) -> List[object]:
        """Return what *search* finds, and take down how long it took."""
        began = time.monotonic()
        found = search()
        now = time.monotonic()
        self._not_before = max(self._not_before, now) + (now - began) / self.SHARE
        return found


heap_searches = Searches()
