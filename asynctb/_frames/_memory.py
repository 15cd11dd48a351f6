"""The memory of this process, for readers of frames."""

from __future__ import annotations

import ctypes
import gc
import sys
from itertools import chain, islice
from typing import Any, Callable, Iterator

#: All of it as one buffer, whose offsets are addresses: `struct` reads several words from it at once, without a new
#: object of `ctypes` (and an audit event) for each place. On machines of 32 bits it ends in the middle.
MEMORY = memoryview((ctypes.c_char * sys.maxsize).from_address(0))

#: How many items that mean nothing `without_collection` puts in front; behind, it is one.
LEADING = 2


def without_collection(items: Iterator[Any]) -> Iterator[Any]:
    """Return an iterator with *items* in which making an object starts no garbage collection.

    Up to CPython 3.11, making a container can start one, and with it code of the program. Where *items* come from C
    functions and one call of `tuple` consumes the result, the collector is off within this call only: neither another
    thread nor a signal handler sees it, or comes in between.

    :raises KeyError: when consumed, if another thread has switched the collector on or off meanwhile.
    """
    if not gc.isenabled():
        return chain(_called(gc.isenabled, {False: None}), (None,), items, (None,))
    return chain(
        _called(gc.isenabled, {True: None}), _called(gc.disable, {None: None}), items, _called(gc.enable, {None: None})
    )


def _called(function: Callable[[], object], expected: Any) -> Iterator[None]:
    """Yield one item, for which *function* is called; it must return a key of *expected*."""
    return map(expected.__getitem__, islice(iter(function, ...), 1))
