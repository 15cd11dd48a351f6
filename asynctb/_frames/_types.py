"""What the readers of frames have in common."""

from __future__ import annotations

from types import FrameType
from typing import Callable, Literal, Mapping, NamedTuple, Optional, Tuple

from .._code.with_blocks import CodeAnalysis, Plan
from .._model import ContextInfo
from .._objects import is_a
from .._quick import new_context_info
from ._managers import Access, find_manager

Mode = Literal["full", "gc-only", "static-only", "off"]
#: From the most to the least exact.
MODES: Tuple[Mode, ...] = ("full", "gc-only", "static-only", "off")

UNKNOWN_MANAGER = "the context manager cannot be told from what the frame holds"
UNSTABLE = "the frame changed each time it was read"


#: Reads a slot of a frame that holds a local variable or a cell.
LocalReader = Callable[[FrameType, int], Optional[object]]


class FrameRead(NamedTuple):
    """What could be found out about a frame."""

    #: ``f_lasti`` at the moment that `contexts` describes.
    lasti: int
    #: Outermost first.
    contexts: Tuple[ContextInfo, ...]
    #: Why `contexts` may be incomplete, or None if they are exact.
    unknown: Optional[str]


#: A `FrameRead` or, because that is much faster to make, a mere tuple of its fields.
RawRead = Tuple[int, Tuple[ContextInfo, ...], Optional[str]]
#: Reads a frame, given the generator-like object it belongs to and the frame that it called, if they are known.
Reader = Callable[[FrameType, Optional[object], Optional[FrameType]], RawRead]


def with_managers(
    plan: Plan,
    values: Mapping[int, object],
    frame: FrameType,
    lasti: int,
    callee: Optional[FrameType],
    access: Access,
) -> Tuple[ContextInfo, ...]:
    """Return the contexts of *plan*, given what the slots of *frame* hold and what it called."""
    result = []
    for planned in plan.contexts:
        manager = find_manager(planned, values, frame, lasti, callee, access)
        unknown = UNKNOWN_MANAGER if manager is None else None
        error = values.get(planned.error_slot)
        exception = error if error is not None and is_a(error, BaseException) else None
        result.append(new_context_info(manager, planned.block, planned.phase, None, None, (), unknown, exception))
    return tuple(result)


def without_managers(plan: Plan, why: str) -> Tuple[ContextInfo, ...]:
    """Return the contexts of *plan* with unknown managers."""
    return tuple(
        [new_context_info(None, planned.block, planned.phase, None, None, (), why, None) for planned in plan.contexts]
    )


def no_plan(analysis: CodeAnalysis, lasti: int) -> FrameRead:
    """Return what is known of a frame at an instruction for which there is no plan."""
    return FrameRead(lasti, (), analysis.error or "the frame is at an instruction that should not be reachable")
