"""Static analysis of code objects: source positions, and which with-blocks an instruction is inside.

Pure and cached: weakly, and by the identity of the code object, because code objects that are equal need not have the
same positions.
"""

from __future__ import annotations

import functools
import inspect
import weakref
from types import CodeType, FrameType
from typing import Any, Callable, Dict, Iterator, List, Literal, NamedTuple, Optional, Sequence, Set, Tuple, Union

from .._model import ContextInfo, Phase, Position, WithBlock
from . import bytecode
from .bytecode import Instruction
from .simulation import (
    EXCEPTION,
    NULL,
    Blocks,
    Inconsistent,
    Kind,
    Simulation,
    Stack,
    Stage,
    State,
    called,
    exiting_by_exception,
    suspended_depth,
)
from .targets import target_of


class PlannedContext(NamedTuple):
    """A context of a frame, and where its manager can be found.

    Slots count the values of a frame from its first local variable, so that those of the stack follow those of the
    locals, cells and free variables; -1 stands for none.
    """

    block: WithBlock
    phase: Phase
    #: Holds the exit callable.
    exit_slot: int = -1
    #: Holds the self of the exit function, or NULL (CPython 3.14 and later).
    self_slot: int = -1
    #: Holds what ``__aenter__`` or ``__aexit__`` returned, while it is awaited.
    awaited_slot: int = -1
    #: Held the manager or the exit callable. It may have been released meanwhile, so only the address may be looked at.
    address_slot: int = -1
    #: Local variable that the manager was loaded from, if that cannot have changed since.
    local_slot: int = -1
    #: Local variable that the target is, if that cannot have changed since.
    target_slot: int = -1
    #: Whether the exit callable stays in its slot even if the instruction raises.
    is_pinned: bool = False
    #: Holds the exception on whose account the block is being left, also while the instruction is being executed.
    error_slot: int = -1


class QuickPlan(NamedTuple):
    """How to find the managers of a suspended frame whose contexts are all active and of the usual kind."""

    blocks: Tuple[WithBlock, ...]
    #: For each block, the slot of its manager (since 3.14) or of its exit callable, counted from the first slot.
    slots: Tuple[int, ...]
    #: For each block, the place of that object in a list that ends with the values of the suspended stack, as an index
    #: from the end.
    places: Tuple[int, ...]
    holds_managers: bool


class Plan(NamedTuple):
    """What the contexts of a frame are while it is at an instruction."""

    #: Outermost first.
    contexts: Tuple[PlannedContext, ...]
    #: Every slot that `contexts` names, but for addresses, in order.
    slots: Tuple[int, ...]
    #: Those of them that hold what they should also while the instruction is being executed or raises.
    pinned_slots: Tuple[int, ...]
    #: None unless `contexts` are all active.
    quick: Optional[QuickPlan]
    #: The stack before the instruction, for readers that know its values only by their order.
    stack: Stack
    #: How many of its values are left while the frame is suspended there.
    suspended_depth: int
    #: What the frame's stack of blocks has to be for this plan to hold (CPython up to 3.10).
    blocks: Blocks
    #: Whether it holds after the instruction (when threads are switched on CPython up to 3.10).
    is_between: bool


def _make_plan(
    contexts: Tuple[PlannedContext, ...],
    first: int,
    stack: Stack,
    suspended_depth: int,
    blocks: Blocks,
    is_between: bool = False,
) -> Plan:
    """Return a plan for a frame that has *first* slots below the stack."""
    slots: Set[int] = set()
    pinned: Set[int] = set()
    for context in contexts:
        pinned.update((context.local_slot, context.target_slot, context.error_slot))
        slots.add(context.awaited_slot)
        (pinned if context.is_pinned else slots).update((context.exit_slot, context.self_slot))
    pinned.discard(-1)
    slots.discard(-1)
    return Plan(
        contexts,
        tuple(sorted(slots | pinned)),
        tuple(sorted(pinned)),
        _make_quick(contexts, first, stack[:suspended_depth]),
        stack,
        suspended_depth,
        blocks,
        is_between,
    )


def _make_quick(contexts: Tuple[PlannedContext, ...], first: int, stack: Stack) -> Optional[QuickPlan]:
    """Return the quick plan for a frame that has *first* slots below *stack* while it is suspended, if there is one."""
    if not contexts or any(context.phase != "active" for context in contexts):
        return None
    holds_managers = contexts[0].self_slot >= 0  # since 3.14; or NULL if the exit callable is not a method of it
    slots = tuple([context.self_slot if holds_managers else context.exit_slot for context in contexts])
    if slots[0] < 0 or list(slots) != sorted(set(slots)):  # merged plans do not know all slots
        return None
    # The collector lists no NULLs.
    places = tuple([-sum(symbol != NULL for symbol in stack[slot - first :]) for slot in slots])
    return QuickPlan(tuple([context.block for context in contexts]), slots, places, holds_managers)


def _common(known: PlannedContext, other: PlannedContext) -> PlannedContext:
    """Return what two plans of a context have in common."""
    names = ("exit_slot", "self_slot", "awaited_slot", "address_slot", "local_slot", "target_slot", "error_slot")
    unknown: Dict[str, Any] = {name: -1 for name in names if getattr(known, name) != getattr(other, name)}
    return known._replace(is_pinned=known.is_pinned and other.is_pinned, **unknown)


class AnalysedBlock(NamedTuple):
    """A with-block, and the local variables that tell about its manager as long as it lasts; see `PlannedContext`."""

    block: WithBlock
    local_slot: int
    target_slot: int


class FirstArgument(NamedTuple):
    """Where a frame keeps the first positional argument that its function was called with."""

    slot: int
    name: str
    #: Whether it is the first item of a tuple (``*args``).
    in_tuple: bool


def merge_plans(plans: Sequence[Plan], first: int) -> Optional[Plan]:
    """Return what all of *plans* have in common, or None if they do not agree on which contexts there are."""
    if not plans:
        return None
    merged = plans[0]
    for plan in plans[1:]:
        if len(plan.contexts) != len(merged.contexts):
            return None
        contexts = []
        for known, other in zip(merged.contexts, plan.contexts):
            if known.block is not other.block or known.phase != other.phase:
                return None
            contexts.append(known if known == other else _common(known, other))
        merged = _make_plan(tuple(contexts), first, merged.stack, merged.suspended_depth, merged.blocks)
    return merged


#: Reads the contexts of a suspended frame, given the frame, what refers to the values on its stack, and the address of
#: its slots; returns None if they are not of the usual kind.
QuickRead = Callable[[FrameType, object, int], Optional[Tuple[ContextInfo, ...]]]


class CodeAnalysis:
    """What is known about a code object; made by `analysis_of`."""

    __slots__ = (
        "code",
        "error",
        "first_argument",
        "has_with_blocks",
        "local_slots",
        "plans",
        "positions",
        "quick",
        "ranges",
        "simulation",
        "with_blocks",
    )

    def __init__(self, code: CodeType) -> None:
        self.code = weakref.ref(code, functools.partial(analyses.pop, id(code)))
        self.has_with_blocks = bytecode.has_with_blocks(code)
        self.local_slots = bytecode.local_slots(code)
        #: The plans by ``f_lasti``, filled in by `plans_at`. More than one only where blocks tell them apart.
        self.plans: Dict[int, Tuple[Plan, ...]] = {}
        #: What the reader of frames has made of `Plan.quick`, by ``f_lasti``.
        self.quick: Dict[int, QuickRead] = {}
        #: Why there are no plans, or None.
        self.error: Optional[str] = None
        #: What `first_argument_of` returned, once it has been asked; False before.
        self.first_argument: Union[FirstArgument, Literal[False], None] = False
        self.simulation: Optional[Simulation] = None
        #: The blocks of `Simulation.starts`.
        self.with_blocks: List[AnalysedBlock] = []
        #: What `position_at` returned, by ``f_lasti``.
        self.positions: Dict[int, Position] = {}
        self.ranges: Optional[List[bytecode.Range]] = None


#: What `analysis_of` returned, by the identity of the code object, which can be another one's by now (see `note_type`).
analyses: Dict[int, CodeAnalysis] = {}


def analysis_of(code: CodeType) -> CodeAnalysis:
    """Return what is known about *code*."""
    analysis = analyses.get(id(code))
    if analysis is None or analysis.code() is not code:
        analysis = analyses[id(code)] = CodeAnalysis(code)
    return analysis


def plans_at(analysis: CodeAnalysis, code: CodeType, lasti: int) -> Tuple[Plan, ...]:
    """Return the plans that are possible while ``f_lasti`` of a frame of *code* is *lasti*.

    If there are none, the instruction is unreachable or the code could not be followed; see `CodeAnalysis.error`.
    """
    plans = analysis.plans.get(lasti)
    if plans is None:
        plans = analysis.plans[lasti] = tuple(_make_plans(analysis, code, lasti))
    return plans


def _make_plans(analysis: CodeAnalysis, code: CodeType, lasti: int) -> Iterator[Plan]:
    if not analysis.has_with_blocks or lasti < 0:
        yield _make_plan((), 0, (), 0, ())
        return
    if analysis.simulation is None and analysis.error is None:
        try:
            simulation = Simulation(code)
        except Inconsistent as error:
            analysis.error = f"the bytecode cannot be followed: {error}"
        else:
            analysis.with_blocks = _with_blocks(code, simulation)
            # Last: a signal handler can raise in between, and then this is done again.
            analysis.simulation = simulation
    if analysis.simulation is None:
        return
    simulation = analysis.simulation
    instruction = simulation.instruction_at(lasti)
    if instruction is None:
        return
    for state in simulation.states.get(instruction.offset, ()):
        contexts = tuple(_contexts_of(analysis, simulation, instruction, state.stack))
        yield _make_plan(
            contexts,
            analysis.local_slots,
            state.stack,
            suspended_depth(instruction, state.stack),
            state.blocks,
        )
        if bytecode.HAS_BLOCK_STACK:
            # Threads are switched also between two instructions, and then f_lasti is still that of the first.
            for after in simulation.states_after(instruction, state):
                if not _has_moved(state, after):
                    continue
                if instruction.name != "WITH_CLEANUP_START":  # which moves a block and calls the exit afterwards
                    contexts = tuple(_contexts_of(analysis, simulation, None, after.stack))
                yield _make_plan(contexts, analysis.local_slots, after.stack, len(after.stack), after.blocks, True)


def _with_blocks(code: CodeType, simulation: Simulation) -> List[AnalysedBlock]:
    stores: List[List[int]] = [[] for _ in simulation.starts]
    for offset, states in simulation.states.items():
        stored = bytecode.stored_locals(simulation.instructions[offset])
        if stored:
            symbols = {symbol for state in states for symbol in state.stack if symbol and symbol.kind <= Kind.AWAITED}
            for index in {symbol.block for symbol in symbols}:
                stores[index] += stored
    result = []
    analysis = analysis_of(code)
    for start, stored_inside in zip(simulation.starts, stores):
        target = target_of(code, simulation.by_start, start.instruction, start.is_async)
        block = WithBlock(start.is_async, target, _position_of_item(analysis, code, simulation, start.instruction))
        local = simulation.local_of_manager(start)
        target_slot = code.co_varnames.index(target) if target in code.co_varnames else -1
        result.append(
            AnalysedBlock(
                block,
                -1 if local in stored_inside else local,
                target_slot if stored_inside.count(target_slot) == 1 else -1,
            )
        )
    return result


def _has_moved(before: State, after: State) -> bool:
    """Whether an instruction changed the stack of blocks or the places of the exit callables."""
    return before.blocks != after.blocks or any(
        symbol is not None and symbol.kind is Kind.EXIT and symbol in after.stack and symbol != after.stack[slot]
        for slot, symbol in enumerate(before.stack)
    )


def _contexts_of(
    analysis: CodeAnalysis, simulation: Simulation, instruction: Optional[Instruction], stack: Stack
) -> Iterator[PlannedContext]:
    """Yield the contexts of a frame that has *stack* and executes *instruction*, is suspended in it, or in none."""
    first = analysis.local_slots
    callee = exiting = None
    if instruction is not None:
        callee = called(instruction, stack)
        exiting = exiting_by_exception(instruction, stack)
    selfs: Dict[int, int] = {}
    awaited: Dict[int, int] = {}
    for slot, symbol in enumerate(stack, first):
        if symbol is not None and symbol.kind is Kind.EXIT_SELF:
            selfs[symbol.block] = slot
        elif symbol is not None and symbol.kind is Kind.AWAITED:
            awaited[symbol.block] = slot
    seen = set()
    for slot, symbol in enumerate(stack, first):
        if symbol is None or symbol.kind not in (Kind.EXIT, Kind.AWAITED) or symbol.block in seen:
            continue
        index = symbol.block
        seen.add(index)
        block, local, target = analysis.with_blocks[index]
        plan = PlannedContext(block, "exiting", local_slot=local)
        self_slot = selfs.get(index, -1)
        held = plan._replace(exit_slot=slot, self_slot=self_slot, awaited_slot=awaited.get(index, -1))
        error_slot = max(slot, self_slot) + bytecode.EXCEPTION_ABOVE_EXIT
        if symbol.kind is Kind.AWAITED:  # what the exit returned has taken its place
            below = stack[: slot - first]
            is_by_exception = len(below) > 1 and below[-2] == EXCEPTION  # CPython 3.8; its type is there once more
            yield plan._replace(awaited_slot=slot, error_slot=slot - 3 if is_by_exception else -1)
        elif callee == symbol:
            yield plan._replace(address_slot=self_slot)
        elif index == exiting:
            keeps_exit = instruction is not None and instruction.name == "WITH_EXCEPT_START"
            known = held._replace(is_pinned=True) if keeps_exit else plan
            is_by_exception = keeps_exit or stack[-1] == EXCEPTION  # otherwise it is CPython 3.8
            yield known._replace(error_slot=error_slot) if is_by_exception else known
        elif symbol.stage is Stage.ACTIVE:
            yield held._replace(phase="active", target_slot=target, is_pinned=True)
        elif symbol.stage is Stage.EXITING:
            yield held._replace(is_pinned=True, error_slot=error_slot)
        elif symbol.stage is Stage.ENTERING or (callee is not None and callee[:2] == (Kind.ENTER, index)):
            yield held._replace(phase="entering")
    entering = simulation.block_entered_at(instruction) if instruction is not None else -1
    if entering >= 0:
        block, local, _ = analysis.with_blocks[entering]
        top = first + len(stack) - 1
        plan = PlannedContext(block, "entering", local_slot=local)
        # PyPy has put the exit callable there, and lets nobody see what has been released.
        yield plan._replace(exit_slot=top) if bytecode.PYPY else plan._replace(address_slot=top)


def first_argument_of(code: CodeType) -> Optional[FirstArgument]:
    """Return where frames of *code* keep their first argument, or None if there is none or it can be replaced."""
    analysis = analysis_of(code)
    found = analysis.first_argument
    if found is False:
        found = analysis.first_argument = _find_first_argument(code)
    return found


def _find_first_argument(code: CodeType) -> Optional[FirstArgument]:
    if code.co_argcount:
        slot, in_tuple = 0, False
    elif code.co_flags & inspect.CO_VARARGS:
        slot, in_tuple = code.co_kwonlyargcount, True
    else:
        return None
    name = code.co_varnames[slot]
    if bytecode.stores_variable(code, name):
        return None
    return FirstArgument(bytecode.slot_of_argument(code, slot), name, in_tuple)


def position_at(code: CodeType, lasti: int) -> Position:
    """Return the source position of the instruction that ``f_lasti`` of a frame of *code* points at.

    A frame that has not begun is at the first line of its function. One that enters or leaves a with-block is at the
    item.
    """
    analysis = analysis_of(code)
    position = analysis.positions.get(lasti)
    if position is None:
        if lasti < 0:
            position = Position(code.co_firstlineno)
        else:
            position = _item_at(analysis, code, lasti) or Position(*_recorded_range(analysis, code, lasti))
        analysis.positions[lasti] = position
    return position


def _recorded_range(analysis: CodeAnalysis, code: CodeType, lasti: int) -> bytecode.Range:
    if analysis.ranges is None:
        analysis.ranges = bytecode.source_ranges(code)
    unit = lasti // 2
    return analysis.ranges[unit] if unit < len(analysis.ranges) else (None, None, None, None)


def _item_at(analysis: CodeAnalysis, code: CodeType, lasti: int) -> Optional[Position]:
    """Return the position of the with item that *lasti* enters or leaves, if the interpreter does not record it."""
    if not bytecode.WITH_HAS_RANGE_OF_STATEMENT or not analysis.has_with_blocks:
        return None
    plans = plans_at(analysis, code, lasti)
    simulation = analysis.simulation
    if simulation is None:
        return None
    recorded = _recorded_range(analysis, code, lasti)
    if not any(recorded == _recorded_range(analysis, code, start.instruction.offset) for start in simulation.starts):
        return None  # it is in the body of the block
    found = {id(plan.contexts[-1].block): plan.contexts[-1] for plan in plans if plan.contexts}
    if len(found) != 1:
        return None
    (context,) = found.values()
    return context.block.position if context.phase != "active" else None


def _position_of_item(analysis: CodeAnalysis, code: CodeType, simulation: Simulation, start: Instruction) -> Position:
    """Return the position of the with item that *start* enters."""
    statement = _recorded_range(analysis, code, start.offset)
    if not bytecode.WITH_HAS_RANGE_OF_STATEMENT or None in statement:
        return Position(*statement)
    begins, ends = [], []
    for instruction in simulation.making(start):
        found = line, end_line, column, end_column = _recorded_range(analysis, code, instruction.offset)
        if found == statement:
            continue
        if line is not None and end_line is not None and column is not None and end_column is not None:
            begins.append((line, column))
            ends.append((end_line, end_column))
    if not begins or min(begins) <= (statement[0], statement[2]) or max(ends) > (statement[1], statement[3]):
        return Position(*statement)
    (line, column), (end_line, end_column) = min(begins), max(ends)
    return Position(line, end_line, column, end_column)
