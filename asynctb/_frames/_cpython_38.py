"""Reader for CPython 3.6 to 3.10, where a frame is one object that ends with its stack of blocks and its slots.

The end of ``PyFrameObject`` (Include/cpython/frameobject.h)::

    int f_lasti, f_lineno, f_iblock; char f_executing /* f_state in 3.10 */;
    PyTryBlock f_blockstack[20];    /* int b_type, b_handler, b_level */
    PyObject *f_localsplus[];       /* local variables, cells, free variables, then the value stack */
"""

from __future__ import annotations

import ctypes
import gc
import sys
from itertools import chain
from operator import getitem
from types import FrameType
from typing import Any, Dict, Iterator, List, Optional, Tuple, cast

from .._code.bytecode import HANDLER_BLOCK, HAS_SHARED_FINALLY, local_slots
from .._code.simulation import Block, Blocks
from .._code.with_blocks import Plan, analyses, analysis_of, merge_plans, plans_at
from .._heap import LEADING, without_collection
from ._managers import Access, exit_at
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
from ._types import UNSTABLE, FrameRead, RawRead, no_plan, with_managers

_BLOCKS = 20
_BLOCK_INTS = 3
_HEADER_INTS = 4
#: Offsets of the slots and of `f_lasti` in the frame; the declared size includes one slot.
_SLOTS = FrameType.__basicsize__ - WORD
_HEADER = _SLOTS - ctypes.sizeof(ctypes.c_int) * (_HEADER_INTS + _BLOCK_INTS * _BLOCKS)
_HEADER_TYPE = ctypes.c_int * (_HEADER_INTS + _BLOCK_INTS * _BLOCKS)
#: Offset of `f_valuestack`, after the variable-size head, f_back, f_code, f_builtins, f_globals and f_locals.
_VALUE_STACK = object.__basicsize__ + 6 * WORD
_HAS_STATE = sys.version_info >= (3, 10)
#: Up to 3.9: offset of `f_stacktop`, NULL while the frame is executed and after it is finished.
_STACK_TOP = _VALUE_STACK + WORD
#: 3.10: values of `f_state` (enum _framestate) from which on the frame is finished; and the one between.
_FRAME_EXECUTING = 0
_FRAME_UNWINDING = 2
#: Bytes for which `b_handler` counts one.
_HANDLER_UNIT = 2 if sys.version_info >= (3, 10) else 1
#: Bits of a slot that are the address of an object: all.
_ADDRESS = ~0


def layout_problem() -> Optional[str]:
    """Return what is not where it should be in a frame, or None. Memory is read only inside objects that exist."""
    frame = sys._getframe()
    stack = ctypes.c_size_t.from_address(id(frame) + _VALUE_STACK).value
    if stack != id(frame) + _SLOTS + WORD * local_slots(frame.f_code):
        return "the value stack is not where it should be"
    ints = _HEADER_TYPE.from_address(id(frame) + _HEADER)[:]
    if not (0 <= ints[0] * _HANDLER_UNIT <= len(frame.f_code.co_code)) or ints[2] != 0:
        return "the stack of blocks is not where it should be"
    if _state(frame, ints) != (False, False):
        return "the state of the frame is not where it should be"
    return None


def read(frame: FrameType, owner: Optional[object], callee: Optional[FrameType]) -> RawRead:
    """Return the contexts of *frame*."""
    code = frame.f_code
    lasti = frame.f_lasti
    analysis = analyses.get(id(code))
    if analysis is None or analysis.code() is not code:
        analysis = analysis_of(code)
    if not analysis.has_with_blocks or lasti < 0:
        return lasti, (), None
    quick = analysis.quick.get(lasti)
    if owner is not None and quick is not None:
        # Only a suspended frame shows its stack to the collector. Then the instruction alone tells what is on it (but
        # on 3.8 in a ``finally``).
        contexts = quick(frame, frame, id(frame) + _SLOTS)
        if contexts is not None:
            return lasti, contexts, None
    header = _HEADER_TYPE.from_address(id(frame) + _HEADER)
    for _ in range(ATTEMPTS):
        lasti = frame.f_lasti
        ints = header[:]
        if frame.f_lasti != lasti:
            continue
        plans = analysis.plans.get(lasti) or plans_at(analysis, code, lasti)
        if not plans:
            return no_plan(analysis, lasti)
        if quick is None and len(plans) == 1 and plans[0].quick is not None:
            analysis.quick[lasti] = quick_read(plans[0].quick, lasti)
        is_suspended, is_finished = _state(frame, ints)
        if is_finished:
            return FrameRead(lasti, (), None)
        blocks = _blocks(ints)
        possible = [plan for plan in plans if plan.blocks == blocks]
        if HAS_SHARED_FINALLY and is_suspended and len(possible) > 1:
            depth = _suspended_depth(frame)
            possible = [plan for plan in possible if plan.suspended_depth == depth]
        plan = merge_plans(possible, analysis.local_slots)
        if plan is None:
            return FrameRead(lasti, (), "the frame is leaving its blocks because of an exception")
        if not plan.contexts:
            return FrameRead(lasti, (), None)
        try:
            if is_suspended:
                values = _read_suspended(frame, header, ints, plan)
            else:
                values = _read_slots(frame, header, ints, plan.pinned_slots)
        except Changed:
            continue
        contexts = with_managers(plan, values, frame, lasti, callee, _ACCESS)
        if callee is not None and (frame.f_lasti != lasti or header[:] != ints):
            continue  # the managers of enter and exit methods can be those of later calls
        return FrameRead(lasti, contexts, None)
    return FrameRead(lasti, (), UNSTABLE)


def _state(frame: FrameType, ints: List[int]) -> Tuple[bool, bool]:
    """Return whether the frame is suspended (or has not begun), and whether it is finished."""
    state = ints[3] & 0xFF
    if _HAS_STATE:
        state = state - 256 if state > 127 else state
        return state < _FRAME_EXECUTING, state > _FRAME_EXECUTING and state != _FRAME_UNWINDING
    if state:
        return False, False
    is_suspended = ctypes.c_size_t.from_address(id(frame) + _STACK_TOP).value != 0
    return is_suspended, not is_suspended


def _suspended_depth(frame: FrameType) -> int:
    """Return how many values are on the stack of a suspended frame (up to 3.9)."""
    first, end = (ctypes.c_size_t * 2).from_address(id(frame) + _VALUE_STACK)[:]
    return (end - first) // WORD


def _blocks(ints: List[int]) -> Blocks:
    """Return the stack of blocks in the header *ints*."""
    result = []
    for first in range(_HEADER_INTS, _HEADER_INTS + _BLOCK_INTS * ints[2], _BLOCK_INTS):
        kind, handler, level = ints[first : first + _BLOCK_INTS]
        result.append(Block(kind, -1 if kind == HANDLER_BLOCK else handler * _HANDLER_UNIT, level))
    return tuple(result)


def _read_suspended(
    frame: FrameType, header: ctypes.Array[ctypes.c_int], ints: List[int], plan: Plan
) -> Dict[int, object]:
    """Return what the slots hold that *plan* names, of the frame of a suspended generator-like object.

    No pointer is followed: words of the frame are looked up among the objects that the collector finds in it.

    :raises Changed: if the frame went on meanwhile.
    """
    slots = plan.slots
    if not slots:
        return {}
    first = slots[0]
    array = array_of(slots, id(frame) + _SLOTS)
    words = array[:]
    referents = gc.get_referents(frame)
    if array[:] != words or header[:] != ints:
        raise Changed
    by_address = dict(zip(map(id, referents), referents))
    return {slot: by_address[words[slot - first]] for slot in slots if words[slot - first] in by_address}


def _read_slots(
    frame: FrameType, header: ctypes.Array[ctypes.c_int], ints: List[int], slots: Tuple[int, ...]
) -> Dict[int, object]:
    """Return what *slots* hold, but for those that hold NULL, of a frame that this or another thread is executing.

    The eval loop of these versions can switch threads between almost any two instructions, so the check takes in the
    whole stack of blocks.

    :raises Changed: if the frame went on meanwhile.
    """
    if not slots:
        return {}
    array = array_of(slots, id(frame) + _SLOTS)
    check = map({tuple(ints): None}.__getitem__, map(tuple, map(getitem, (header,), (slice(None),))))
    read: Iterator[Any] = chain(check, without_collection(with_objects(words_of(slots, array), _ADDRESS)))
    try:
        results = tuple(read)[1 + LEADING : -1]
    except KeyError:
        raise Changed from None
    return objects_by_slot(slots, results, _ADDRESS)


def read_local(frame: FrameType, slot: int, owner: Optional[object] = None) -> Optional[object]:
    """Return what a local variable or cell of *frame* holds; None if it is finished, and no callee any more."""
    header = _HEADER_TYPE.from_address(id(frame) + _HEADER)
    for _ in range(ATTEMPTS):
        ints = header[:]
        if _state(frame, ints)[1]:
            return None
        try:
            return _read_slots(frame, header, ints, (slot,)).get(slot)
        except Changed:
            continue
    return None


def _find_released(frame: FrameType, lasti: int, slot: int) -> Optional[object]:
    """Return the manager that *frame* is calling the enter method of.

    The slot holds its exit callable meanwhile. It is looked up by its address, and the slot must still hold that
    address in the end, as a reference of our own keeps it from being given to something else.
    """
    header = _HEADER_TYPE.from_address(id(frame) + _HEADER)
    ints = header[:]
    if _HAS_STATE and ints[3] & 0xFF != _FRAME_EXECUTING:
        return None
    held = ctypes.c_size_t.from_address(id(frame) + _SLOTS + WORD * slot)
    word = held.value
    found: Any = exit_at(word) if word else None
    if found is None or held.value != word or header[:] != ints or frame.f_lasti != lasti:
        return None
    return cast(object, found.__self__)


_ACCESS = Access(read_local, _find_released)
