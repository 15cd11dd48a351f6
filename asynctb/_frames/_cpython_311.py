"""Reader for CPython 3.11 and later, where a frame is an ``_PyInterpreterFrame`` apart from its frame object.

Its slots are an array: local variables, cells, free variables, then the value stack (``localsplus`` in
Include/internal/pycore_frame.h of 3.11 to 3.13, pycore_interpframe_structs.h of 3.14). A generator-like object has its
frame inside itself, with the slots at its end.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from itertools import chain
from operator import getitem
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType
from typing import Any, Dict, Iterator, Optional, Tuple, cast

from .._code.bytecode import local_slots
from .._code.with_blocks import Plan, analyses, analysis_of, plans_at
from .._heap import LEADING, without_collection
from ._managers import Access, exit_at, find_at
from ._memory import (
    ATTEMPTS,
    WORD,
    Changed,
    array_of,
    objects_by_slot,
    with_objects,
    words_of,
)
from ._suspended import quick_read
from ._types import (
    UNSTABLE,
    FrameRead,
    RawRead,
    no_plan,
    with_managers,
    without_managers,
)

#: ``PyFrameObject.f_frame`` follows the object header and ``f_back`` (pycore_frame.h).
_POINTER_TO_FRAME = object.__basicsize__ + WORD
#: Words before ``stacktop`` (an int) or, since 3.14, ``stackpointer`` (a pointer).
_POINTERS = 8
_HAS_STACK_POINTER = sys.version_info >= (3, 14)
#: Bits of a slot that are the address of an object; since 3.14 the lowest two are a tag (pycore_stackref.h).
_ADDRESS = ~3 if _HAS_STACK_POINTER else ~0
#: The 8-bit field ``owner``; see `_OWNERS`.
if _HAS_STACK_POINTER:
    _OWNER = (_POINTERS + 1) * WORD + 2
elif sys.version_info >= (3, 12):
    _OWNER = _POINTERS * WORD + 6
else:
    _OWNER = _POINTERS * WORD + 5
#: FRAME_OWNED_BY_THREAD and FRAME_OWNED_BY_GENERATOR. The slots of others have been released: the frame is finished.
_OWNED_BY_THREAD, _OWNED_BY_GENERATOR = 0, 1
_OWNERS = {_OWNED_BY_THREAD: None, _OWNED_BY_GENERATOR: None}
#: Up to 3.11 allocating a container can start a garbage collection in the middle of a read.
_ENTER_REPLACES_MANAGER = sys.version_info < (3, 12)
_GC_INTERRUPTS = sys.version_info < (3, 12)
#: How many of the published offsets to look through; the table is longer.
_DEBUG_OFFSETS = 64


def _suspended_frame_offset() -> int:
    """Return where the slots of a frame begin, counted from the frame.

    The frame of a generator is the last member of the generator, and the slots are the last of the frame.
    """
    generator = cast("GeneratorType[None, None, None]", (None for _ in ()))
    frame = ctypes.c_size_t.from_address(id(generator.gi_frame) + _POINTER_TO_FRAME).value
    return type(generator).__basicsize__ - (frame - id(generator))


_SLOTS = _suspended_frame_offset()
#: Where the slots lie in objects that have a frame inside them: it is their last member, and the slots are its last.
#: By the identity of the type: hashing a type can run code of its metaclass.
_SIZES = {id(kind): kind.__basicsize__ for kind in (CoroutineType, GeneratorType, AsyncGeneratorType)}


def layout_problem() -> Optional[str]:
    """Return what is not where it should be in a frame, or None. Memory is read only inside objects that exist."""

    def program(marker: object) -> Iterator[None]:
        yield

    marker = object()
    generator = cast("GeneratorType[None, None, None]", program(marker))
    next(generator)
    frame = ctypes.c_size_t.from_address(id(generator.gi_frame) + _POINTER_TO_FRAME).value
    if not id(generator) < frame < id(generator) + type(generator).__basicsize__:
        return "the frame of a generator is not inside it"
    word = ctypes.c_size_t.from_address(frame + _SLOTS).value
    if word & _ADDRESS != id(marker):
        return "the local variables of a frame are not where they should be"
    # Called from C code, because on 3.11 the neighbouring field says whether a frame is, and can be 1, too.
    owners = {ctypes.c_uint8.from_address(frame + _OWNER).value, *map(_owner_of_running, (None,))}
    if owners != {_OWNED_BY_GENERATOR, _OWNED_BY_THREAD}:
        return "the owner of a frame is not where it should be"
    if _HAS_STACK_POINTER:
        top = ctypes.c_size_t.from_address(frame + _POINTERS * WORD).value
        if top != frame + _SLOTS + WORD * local_slots(generator.gi_code):
            return "the stack pointer of a frame is not where it should be"
    return _debug_offsets_problem() if sys.version_info >= (3, 13) else None


def _owner_of_running(_: None) -> int:
    frame = ctypes.c_size_t.from_address(id(sys._getframe()) + _POINTER_TO_FRAME).value
    return ctypes.c_uint8.from_address(frame + _OWNER).value


def _debug_offsets_problem() -> Optional[str]:
    """Compare the offsets used here with those that CPython publishes for debuggers (pycore_debug_offsets.h)."""
    offsets = (ctypes.c_uint64 * _DEBUG_OFFSETS).in_dll(ctypes.pythonapi, "_PyRuntime")[:]
    cookie, version, free_threaded = offsets[:3]
    if cookie.to_bytes(8, sys.byteorder) != b"xdebugpy" or version >> 16 != sys.hexversion >> 16:
        return "the interpreter does not publish its offsets"
    if free_threaded:
        return "the interpreter is built without the global interpreter lock"
    # ... localsplus, owner, and since 3.14 stackpointer: neighbours in the table of _PyInterpreterFrame.
    expected = [_SLOTS, _OWNER] + ([_POINTERS * WORD] if _HAS_STACK_POINTER else [])
    if not any(offsets[index : index + len(expected)] == expected for index in range(len(offsets))):
        return "the interpreter publishes other offsets"
    return None


class _Finished(Exception):
    """The frame is no longer executed, and has left all its with-blocks."""


def read(frame: FrameType, owner: Optional[object], callee: Optional[FrameType]) -> RawRead:
    """Return the contexts of *frame*."""
    code = frame.f_code
    lasti = frame.f_lasti
    analysis = analyses.get(id(code))
    if analysis is None or analysis.code() is not code:
        analysis = analysis_of(code)
    quick = analysis.quick.get(lasti)
    base = _SIZES.get(id(type(owner)))
    if quick is not None and base is not None:
        contexts = quick(frame, owner, id(owner) + base)
        if contexts is not None:
            return lasti, contexts, None
    if not analysis.has_with_blocks:
        return lasti, (), None
    for _ in range(ATTEMPTS):
        plans = analysis.plans.get(lasti) or plans_at(analysis, code, lasti)
        if not plans:
            return no_plan(analysis, lasti)
        plan = plans[0]
        if not plan.contexts:
            return lasti, (), None
        if quick is None and plan.quick is not None:
            analysis.quick[lasti] = quick_read(plan.quick, lasti)
        try:
            values = None if owner is None else _read_generator(owner, frame, lasti, plan)
            if values is None:
                slots = plan.slots if _HAS_STACK_POINTER else plan.pinned_slots
                values = _read_slots(frame, lasti, slots, analysis.local_slots + code.co_stacksize)
        except Changed:
            lasti = frame.f_lasti
            continue
        except _Finished:
            return FrameRead(lasti, (), None)
        return FrameRead(lasti, with_managers(plan, values, frame, lasti, callee, _ACCESS), None)
    return FrameRead(lasti, without_managers(plan, UNSTABLE), UNSTABLE)


def _read_generator(owner: object, frame: FrameType, lasti: int, plan: Plan) -> Optional[Dict[int, object]]:
    """Return what the slots hold that *plan* names, or None if the generator-like *owner* does not show its stack.

    Nor does an owner of any other type, also one that inherits or has the same names: where its slots are is not known.
    No pointer is followed. The words of *owner* itself are looked up among the objects that it refers to, which the
    garbage collector knows. While it runs, it shows its stack since 3.14 only.

    :raises Changed: if it went on meanwhile.
    """
    base = _SIZES.get(id(type(owner)))
    if base is None:
        return None
    slots = plan.slots
    if not slots:
        return {}
    first = slots[0]
    array = array_of(slots, id(owner) + base)
    words = array[:]
    referents = gc.get_referents(owner)
    if frame.f_lasti != lasti or array[:] != words:
        raise Changed
    by_address = dict(zip(map(id, referents), referents))
    values = {}
    for slot in slots:
        word = words[slot - first] & _ADDRESS
        if word:
            value = by_address.get(word)
            if value is None:
                return None
            values[slot] = value
    return values


def _read_slots(frame: FrameType, lasti: int, slots: Tuple[int, ...], limit: int) -> Dict[int, object]:
    """Return what *slots* hold, but for those that hold NULL, of a frame that this or another thread is executing.

    :param limit: how many slots the frame has, or 0 if *slots* are local variables and cells, which are always valid.
    :raises Changed: if the frame is not at *lasti* any more.
    :raises _Finished: if the frame is no longer executed.
    """
    return objects_by_slot(slots, _read(frame, lasti, slots, limit, True), _ADDRESS)


def _read(frame: FrameType, lasti: int, slots: Tuple[int, ...], limit: int, takes_objects: bool) -> Tuple[Any, ...]:
    """Return the words in *slots*, and then if *takes_objects* the objects of those that are not NULL.

    All ctypes objects are made before the first check, so that no audit hook runs after it.
    """
    pointer = ctypes.c_size_t.from_address(id(frame) + _POINTER_TO_FRAME)
    base = pointer.value
    if 0 <= base - id(frame) <= FrameType.__basicsize__:
        raise _Finished  # what is left of it has been moved into the frame object
    if not slots:
        return ()
    array = array_of(slots, base + _SLOTS)
    owner = ctypes.c_uint8.from_address(base + _OWNER)
    expected = ({lasti: None}, {base: None}, _OWNERS)
    read: Iterator[Any] = map(getitem, expected, map(getattr, (frame, pointer, owner), ("f_lasti", "value", "value")))
    checks = len(expected)
    if _HAS_STACK_POINTER and limit:
        # It lies above every slot that holds a reference, also while the stack is being unwound.
        top = ctypes.c_size_t.from_address(base + _POINTERS * WORD)
        valid = range(base + _SLOTS + WORD * (slots[-1] + 1), base + _SLOTS + WORD * limit + 1)
        read = chain(read, map(valid.index, map(getattr, (top,), ("value",))))
        checks += 1
    words: Iterator[Any] = words_of(slots, array)
    if takes_objects:
        words = with_objects(words, _ADDRESS)
    if _GC_INTERRUPTS:
        words = without_collection(words)
    try:
        results = tuple(chain(read, words))[checks:]
    except (KeyError, ValueError):
        raise Changed from None
    return results[LEADING:-1] if _GC_INTERRUPTS else results


def read_local(frame: FrameType, slot: int, owner: Optional[object] = None) -> Optional[object]:
    """Return what a local variable or cell of *frame* holds. Such slots are valid at any instruction."""
    for _ in range(ATTEMPTS):
        try:
            return _read_slots(frame, frame.f_lasti, (slot,), 0).get(slot)
        except Changed:
            continue
        except _Finished:
            break
    return None


def _find_released(frame: FrameType, lasti: int, slot: int) -> Optional[object]:
    """Return the manager that *frame* is calling a method of.

    The slot holds it, although the reference may have been released (3.12 and later); on 3.11 it is its exit callable
    meanwhile. Either is looked up by its address.
    """
    try:
        (word,) = _read(frame, lasti, (slot,), 0, False)
        address = word & _ADDRESS
        if not address:
            return None
        if _ENTER_REPLACES_MANAGER:
            found: Any = exit_at(address)
            # The slot must still hold it, as a reference of our own keeps the address from being given to another.
            if found is None or _read(frame, lasti, (slot,), 0, False) != (word,):
                return None
            return cast(object, found.__self__)
        local_values = _read_slots(frame, lasti, tuple(range(analysis_of(frame.f_code).local_slots)), 0)
    except (Changed, _Finished):
        return None
    return find_at(address, [*local_values.values(), *dict.values(frame.f_globals)])


_ACCESS = Access(read_local, _find_released)
