"""Readers that read no memory: what the garbage collector shows, what the bytecode tells, or nothing."""

from __future__ import annotations

import gc
import types
from types import FrameType
from typing import Optional, Tuple

import attrs

from .._code.bytecode import HAS_BLOCK_STACK
from .._code.simulation import NULL
from .._code.with_blocks import CodeAnalysis, Plan, analysis_of, merge_plans, plans_at
from .._model import ContextInfo
from ._gc import exception_of, exits_by_order
from ._managers import Access, no_released
from ._types import UNKNOWN_MANAGER, FrameRead, no_plan, with_managers, without_managers

NOT_READ = "frames that are being executed are not read in this mode"
NO_MEMORY = "frames are not read in this mode"
OFF = "context managers are not looked for in this mode"


def read_static(frame: FrameType, owner: Optional[object], callee: Optional[FrameType]) -> FrameRead:
    """Return the contexts of *frame* without their managers."""
    return _static(frame, NO_MEMORY)


def read_nothing(frame: FrameType, owner: Optional[object], callee: Optional[FrameType]) -> FrameRead:
    """Return where *frame* is."""
    return FrameRead(frame.f_lasti, (), OFF)


def read_through_gc(frame: FrameType, owner: Optional[object], callee: Optional[FrameType]) -> FrameRead:
    """Return the contexts of *frame*, with managers if it belongs to *owner* and is suspended."""
    code = frame.f_code
    lasti = frame.f_lasti
    analysis = analysis_of(code)
    if not analysis.has_with_blocks:
        return FrameRead(lasti, (), None)
    if not _is_suspended(owner, frame):
        return _static(frame, NOT_READ)
    referents = gc.get_referents(frame if HAS_BLOCK_STACK else owner)
    if frame.f_lasti != lasti or not _is_suspended(owner, frame):
        return _static(frame, NOT_READ)
    results = []
    for plan in plans_at(analysis, code, lasti):
        if plan.is_between:
            continue
        error = exception_of(plan, referents)
        # From 3.11 on the exception that a generator handles follows the values of the stack.
        on_stack = referents[:-1] if error and not HAS_BLOCK_STACK else referents
        values = exits_by_order(plan, plan.suspended_depth, analysis.local_slots, on_stack)
        values.update(error)
        for planned in plan.contexts:
            above = planned.awaited_slot - analysis.local_slots + 1
            if above > 0 and all(symbol == NULL for symbol in plan.stack[above : plan.suspended_depth]):
                values[planned.awaited_slot] = on_stack[-1]
        results.append(with_managers(plan, values, frame, lasti, callee, _ACCESS))
    if not results:
        return no_plan(analysis, lasti)
    # Where several plans are possible (3.8), those that do not fit what the collector lists find fewer managers.
    most = max(map(_known, results))
    found, *others = [contexts for contexts in results if _known(contexts) == most]
    for other in others:
        common = _common(found, other)
        if common is None:
            return FrameRead(lasti, (), "which blocks the frame is in depends on how it came there")
        found = common
    return FrameRead(lasti, found, None)


def _known(contexts: Tuple[ContextInfo, ...]) -> int:
    return sum(context.manager is not None for context in contexts)


def _common(found: Tuple[ContextInfo, ...], other: Tuple[ContextInfo, ...]) -> Optional[Tuple[ContextInfo, ...]]:
    """Return *found* with the managers that *other* has too, or None if they are different contexts."""
    if [(context.block, context.phase) for context in found] != [(context.block, context.phase) for context in other]:
        return None
    return tuple(
        [
            context
            if context.manager is same.manager
            else attrs.evolve(context, manager=None, unknown=UNKNOWN_MANAGER, exception=None)
            for context, same in zip(found, other)
        ]
    )


def _static(frame: FrameType, why: str) -> FrameRead:
    lasti = frame.f_lasti
    analysis = analysis_of(frame.f_code)
    plan = _plan_at(analysis, frame, lasti)
    if plan is None:
        return no_plan(analysis, lasti)
    return FrameRead(lasti, without_managers(plan, why), None)


def _plan_at(analysis: CodeAnalysis, frame: FrameType, lasti: int) -> Optional[Plan]:
    return merge_plans(
        [plan for plan in plans_at(analysis, frame.f_code, lasti) if not plan.is_between], analysis.local_slots
    )


def _is_suspended(owner: object, frame: FrameType) -> bool:
    if type(owner) is types.CoroutineType:
        return not owner.cr_running
    if type(owner) is types.GeneratorType:
        return not owner.gi_running
    # ag_running says whether an asend() or such is under way, which can be suspended.
    return type(owner) is types.AsyncGeneratorType and frame.f_back is None


def _read_local(frame: FrameType, slot: int, owner: object) -> Optional[object]:
    """Return the first local variable of the suspended *frame* of *owner*.

    The collector lists the local variables after the globals (3.8 to 3.10) or the code (later). Whether what is found
    is right does not matter: the caller checks that it has the method that *frame* executes.
    """
    if slot != 0 or not _is_suspended(owner, frame):
        return None
    if HAS_BLOCK_STACK:
        referents, anchor = gc.get_referents(frame), id(frame.f_globals)
    else:
        referents, anchor = gc.get_referents(owner), id(frame.f_code)
    following = None
    for index, referent in enumerate(referents[:-1]):
        if id(referent) == anchor:
            following = referents[index + 1]
    return following


_ACCESS = Access(_read_local, no_released)
