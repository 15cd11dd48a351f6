"""The memory of this process, and how readers of frames read slots of a frame that a thread is executing.

Their checks and what is made here are one chain of C functions, which a single call of `tuple` consumes: no bytecode
runs from the first check to the last new reference, so that the GIL is held throughout.
"""

from __future__ import annotations

import ctypes
import sys
from itertools import chain, compress, repeat, tee
from operator import and_, getitem
from typing import Any, Dict, Iterator, Tuple, Type

WORD = ctypes.sizeof(ctypes.c_void_p)
#: How often a frame is read again that changes while it is read.
ATTEMPTS = 50

#: All of it as one buffer, whose offsets are addresses: `struct` reads several words from it at once, without a new
#: object of `ctypes` (and an audit event) for each place. On machines of 32 bits it ends in the middle.
MEMORY = memoryview((ctypes.c_char * sys.maxsize).from_address(0))

_array_types: Dict[int, Type[ctypes.Array[ctypes.c_size_t]]] = {}
# Py_NewRef came with 3.10; what PyObject_SelfIter does is to return a new reference to its argument.
_new_reference = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p)(
    ("Py_NewRef" if sys.version_info >= (3, 10) else "PyObject_SelfIter", ctypes.pythonapi)
)


class Changed(Exception):
    """The frame went on while it was being read."""


def array_of(slots: Tuple[int, ...], address: int) -> ctypes.Array[ctypes.c_size_t]:
    """Return the words from the first of *slots*, which are in order, to the last one.

    :param address: where slot 0 lies.
    """
    first = slots[0]
    length = slots[-1] + 1 - first
    kind = _array_types.get(length)
    if kind is None:
        kind = _array_types[length] = ctypes.c_size_t * length
    return kind.from_address(address + WORD * first)


def words_of(slots: Tuple[int, ...], array: ctypes.Array[ctypes.c_size_t]) -> Iterator[int]:
    """Return the words in *slots*, to be read from *array* when the first of them is taken."""
    all_words: Iterator[int] = chain.from_iterable(map(getitem, (array,), (slice(None),)))
    return compress(all_words, [slot in slots for slot in range(slots[0], slots[-1] + 1)])


def with_objects(words: Iterator[int], mask: int) -> Iterator[Any]:
    """Return *words*, and then a new reference to the object of each, but for those that are NULL.

    What comes of it is for `objects_by_slot`.

    :param mask: the bits of a word that are the address of an object.
    """
    words, addresses = tee(words)
    return chain(words, map(_new_reference, filter(None, map(and_, addresses, repeat(mask)))))


def objects_by_slot(slots: Tuple[int, ...], results: Tuple[Any, ...], mask: int) -> Dict[int, object]:
    """Return what *slots* hold, but for those that hold NULL, given what `with_objects` has yielded."""
    objects = iter(results[len(slots) :])
    return {slot: next(objects) for slot, word in zip(slots, results) if word & mask}
