"""Reader for PyPy, which reads no memory: `gc.get_referents` lists what a frame refers to, the stack last.

It does so also while the frame is being executed; then the operands of the instruction may have been popped.
"""

from __future__ import annotations

import gc
from types import FrameType
from typing import Dict, Mapping, Optional

from .._code.with_blocks import Plan, analysis_of, plans_at
from ._gc import exception_of, exits_by_order
from ._managers import Access, manager_of_exit, no_released
from ._types import UNSTABLE, FrameRead, no_plan, with_managers, without_managers

_ATTEMPTS = 50


def read(frame: FrameType, owner: Optional[object], callee: Optional[FrameType]) -> FrameRead:
    """Return the contexts of *frame*."""
    code = frame.f_code
    analysis = analysis_of(code)
    lasti = frame.f_lasti
    if not analysis.has_with_blocks:
        return FrameRead(lasti, (), None)
    for _ in range(_ATTEMPTS):
        plans = analysis.plans.get(lasti) or plans_at(analysis, code, lasti)
        if not plans:
            return no_plan(analysis, lasti)
        plan = plans[0]
        if not plan.contexts:
            return FrameRead(lasti, (), None)
        # Reading f_lasti makes compiled code write back what it keeps of the frame in registers.
        referents = gc.get_referents(frame)
        if frame.f_lasti != lasti:
            lasti = frame.f_lasti
            continue
        # While it is executed or after it is suspended, some of the values above the exits have been popped.
        values = exits_by_order(plan, len(plan.stack), analysis.local_slots, referents, lists_once=True)
        values.update(_variables(plan, frame, values))
        values.update(exception_of(plan, referents))
        if frame.f_lasti != lasti:
            lasti = frame.f_lasti
            continue
        return FrameRead(lasti, with_managers(plan, values, frame, lasti, callee, _ACCESS), None)
    return FrameRead(lasti, without_managers(plan, UNSTABLE), UNSTABLE)


def _variables(plan: Plan, frame: FrameType, values: Mapping[int, object]) -> Dict[int, object]:
    """Return the local variables that managers were loaded from, where no exit callable tells the manager."""
    found: Dict[int, object] = {}
    for context in plan.contexts:
        if context.local_slot >= 0 and manager_of_exit(values.get(context.exit_slot), context.block.is_async) is None:
            value = _read_local(frame, context.local_slot)
            if value is not None:
                found[context.local_slot] = value
    return found


def _read_local(frame: FrameType, slot: int, owner: Optional[object] = None) -> Optional[object]:
    """Return what a local variable of *frame* holds, past a cell."""
    names = frame.f_code.co_varnames
    return frame.f_locals.get(names[slot]) if slot < len(names) else None


_ACCESS = Access(_read_local, no_released)
