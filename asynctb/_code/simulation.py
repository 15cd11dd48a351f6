"""Symbolic execution of a code object: what lies on the value stack before each instruction.

The interpreter keeps the exit callable of each with-block on the value stack of the frame. Where it lies and in which
phase its block is follows from the bytecode alone, because the compiler gives each instruction a stack of one shape.
(CPython up to 3.8 is the exception: the body of a ``finally`` is entered with stacks of several shapes, which the
frame's stack of blocks tells apart, or the depth of its stack. So a state has both, and an instruction can have several
states.)

The simulation follows every edge once, exceptions included, and never guesses from patterns of instructions.
"""

from __future__ import annotations

from bisect import bisect_right
from enum import IntEnum
from heapq import heappop, heappush
from types import CodeType
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from . import bytecode
from .bytecode import Handler, Instruction


class Stage(IntEnum):
    """How far the life of a with-block has come. Where two paths meet, the later stage holds."""

    #: The exit has been looked up, but the enter not called yet.
    PENDING = 0
    ENTERING = 1
    ACTIVE = 2
    EXITING = 3
    #: The exit has returned or raised; its remains are about to be popped.
    DONE = 4


class Kind(IntEnum):
    """What a symbol on the stack stands for."""

    #: The exit callable of a block.
    EXIT = 0
    #: The self of the exit function, or NULL if the slot below is a bound callable (CPython 3.14 and later).
    EXIT_SELF = 1
    #: The enter function of a block (CPython 3.14 and later).
    ENTER = 2
    #: What the enter or exit of an async block returned and what is being awaited.
    AWAITED = 3
    #: NULL.
    NULL = 4
    #: An object or NULL, or a value that is not an object.
    MAYBE_NULL = 5
    #: Where a ``finally`` subroutine returns to (CPython 3.8).
    RETURN_ADDRESS = 6
    #: An exception's topmost value, pushed on entry to a handler (CPython up to 3.10).
    EXCEPTION = 7
    #: That a ``finally`` body or an exit was entered by a ``break`` (CPython 3.6 and 3.7).
    LEAVING = 8
    #: The same for a ``return`` or ``continue``, with a value below: what is returned, or where it continues.
    LEAVING_WITH_VALUE = 9
    #: Above an exception that an exit has swallowed (CPython 3.6 and 3.7).
    SILENCED = 10


class Symbol(NamedTuple):
    """What is known about a slot of the stack; None stands for an object of which nothing is known."""

    kind: Kind
    #: The block it belongs to, counted in the order of discovery, or as `Kind` says.
    block: int = -1
    stage: Stage = Stage.DONE


class Block(NamedTuple):
    """An entry of a frame's stack of blocks (CPython up to 3.10)."""

    #: Such as `bytecode.FINALLY_BLOCK`.
    kind: int
    #: Offset of the handler or, of a loop, of what follows it; -1 while the handler is being executed.
    handler: int
    #: Depth of the stack that the handler keeps.
    level: int


Stack = Tuple[Optional[Symbol], ...]
Blocks = Tuple[Block, ...]


class State(NamedTuple):
    """What a frame looks like between two instructions."""

    stack: Stack
    #: Empty since CPython 3.11, and on PyPy.
    blocks: Blocks


class Successor(NamedTuple):
    """A state, and the offset of the instruction that it leads to."""

    offset: int
    state: State


#: A slot that holds NULL.
NULL = Symbol(Kind.NULL)
#: An exception's topmost value.
EXCEPTION = Symbol(Kind.EXCEPTION)
_MAYBE_NULL = Symbol(Kind.MAYBE_NULL)
_RETURN_ADDRESS = Symbol(Kind.RETURN_ADDRESS)
#: See `bytecode.EXCEPTION_SLOTS`: previous traceback and value (can be NULL) and type, then the new ones.
_EXCEPTION_VALUES: Stack = (_MAYBE_NULL, _MAYBE_NULL, None, _MAYBE_NULL, None, EXCEPTION)
_LEAVING = Symbol(Kind.LEAVING)
_LEAVING_WITH_VALUE = Symbol(Kind.LEAVING_WITH_VALUE)
_SILENCED = Symbol(Kind.SILENCED)
#: What is left of a frame that returns.
_LEFT = State((), ())
#: More states than this at one instruction are not worth following (``finally`` in ``finally`` on CPython up to 3.8).
_MAX_STATES = 1000

_NEVER_FALLS_THROUGH = frozenset({"RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "INTERPRETER_EXIT"}) | {
    name for name in bytecode.OPCODES if name.startswith(("JUMP_FORWARD", "JUMP_ABSOLUTE", "JUMP_BACKWARD"))
}


class Inconsistent(Exception):
    """The simulation does not fit the code: it was not made by the compiler of this interpreter."""


class BlockStart(NamedTuple):
    """Where and how a with-block begins."""

    #: The instruction that looks up the exit method.
    instruction: Instruction
    is_async: bool


class Simulation:
    """The states of a code object.

    :raises Inconsistent: if the code does not fit the simulation.
    """

    def __init__(self, code: CodeType) -> None:
        #: The with-blocks, in the order of discovery; `Symbol.index` counts them.
        self.starts: List[BlockStart] = []
        #: By offset.
        self.instructions: Dict[int, Instruction] = {}
        #: By offset of the instruction that has not been executed yet; unreachable instructions are missing.
        self.states: Dict[int, List[State]] = {}
        #: By offset of the first EXTENDED_ARG prefix.
        self.by_start: Dict[int, Instruction] = {}
        self._index_of_start: Dict[int, int] = {}
        self._handlers = bytecode.exception_table(code)
        self._handler_starts = [handler.start for handler in self._handlers]
        for instruction in bytecode.decode(code):
            self.instructions[instruction.offset] = instruction
            self.by_start[instruction.start] = instruction
        self._starts = sorted(self.by_start)
        self._jump_targets = {instruction.target for instruction in self.by_start.values()}
        # A generator of 3.10 begins with the None that it was sent first on its stack.
        self._run((None,) if self.by_start[0].name == "GEN_START" else ())

    def _run(self, stack: Stack) -> None:
        work = [Successor(0, State(stack, ()))]
        #: A heap of the offsets of instructions that an entry of the exception table covers.
        covered: List[int] = []
        #: By handler, how it was entered last: mostly in the same way from all the instructions that it covers.
        entered: Dict[int, Successor] = {}
        while work or covered:
            if not work:
                # A handler is entered first from the first instruction that it covers, which follows the beginning of
                # its block: not all of the others need be in that block (see `bytecode.COVERS_TOO_MUCH`).
                offset = heappop(covered)
                raised = self._raised(self.instructions[offset], self.states[offset][0])
                if raised is not None and raised != entered.get(raised.offset):
                    entered[raised.offset] = raised
                    work.append(raised)
                continue
            offset, state = work.pop()
            instruction = self.by_start.get(offset)
            if instruction is None:
                raise Inconsistent("jump into an instruction")
            states = self.states.setdefault(instruction.offset, [])
            if bytecode.HAS_SHARED_FINALLY:
                if state in states:
                    continue
                if len(states) >= _MAX_STATES:
                    raise Inconsistent("too many states")
                states.append(state)
            elif states:
                try:
                    state = _join(states[0], state)
                except Inconsistent:
                    if not bytecode.COVERS_TOO_MUCH:
                        raise
                    continue
                if state == states[0]:
                    continue
                states[0] = state
            else:
                states.append(state)
            work.extend(self.successors(instruction, state))
            if self._handler_of(instruction) is not None:
                heappush(covered, instruction.offset)

    def successors(self, instruction: Instruction, state: State) -> List[Successor]:
        """Return the states that can follow when *instruction* is executed in *state* and does not raise.

        With a stack of blocks, those that follow when it raises are there from the beginning of the block on.
        """
        step = _STEPS.get(instruction.name)
        if step is not None:
            result = step(self, instruction, state)
        else:
            stack, blocks = state
            result = []
            if instruction.target >= 0:
                effect = bytecode.stack_effect(instruction.opcode, instruction.arg, True)
                result.append(Successor(instruction.target, State(_resize(stack, effect), blocks)))
            if instruction.name not in _NEVER_FALLS_THROUGH:
                effect = bytecode.stack_effect(instruction.opcode, instruction.arg, False)
                result.append(Successor(instruction.next, State(_resize(stack, effect), blocks)))
        return result

    def states_after(self, instruction: Instruction, state: State) -> List[State]:
        """Return the states before whatever comes after *instruction*, unless by an exception or a plain jump."""
        if bytecode.UNWINDS_BLOCKS and instruction.name in ("RETURN_VALUE", "BREAK_LOOP", "CONTINUE_LOOP"):
            return _first(self.successors(instruction, state))
        top = state.stack[-1] if state.stack else None
        if instruction.name == "END_FINALLY" and top in (_LEAVING, _LEAVING_WITH_VALUE):
            ways = ("BREAK_LOOP",) if top == _LEAVING else ("RETURN_VALUE", "CONTINUE_LOOP")
            return [after for how in ways for after in _first(_unwind(self, how, state))]
        return [after for offset, after in self.successors(instruction, state) if offset == instruction.next]

    def _raised(self, instruction: Instruction, state: State) -> Optional[Successor]:
        """Return the state that follows when *instruction* raises in *state*, or None if no handler can go on."""
        handler = self._handler_of(instruction)
        if handler is None:
            return None
        if len(state.stack) < handler.depth:
            if bytecode.COVERS_TOO_MUCH:
                return None
            raise Inconsistent("handler keeps more values than there are")
        return _raise(instruction, state.stack, handler)

    def _handler_of(self, instruction: Instruction) -> Optional[Handler]:
        index = bisect_right(self._handler_starts, instruction.offset) - 1
        if index >= 0 and instruction.offset < self._handlers[index].end:
            return self._handlers[index]
        return None

    def instruction_at(self, lasti: int) -> Optional[Instruction]:
        """Return the instruction that ``f_lasti`` means.

        It can point at the first EXTENDED_ARG prefix (up to 3.10) or into the inline cache (3.11, 3.12).
        """
        instruction = self.instructions.get(lasti)
        if instruction is None:
            index = bisect_right(self._starts, lasti) - 1
            instruction = self.by_start[self._starts[index]] if index >= 0 else None
            if instruction is not None and lasti >= instruction.next:
                return None
        return instruction

    def block_entered_at(self, instruction: Instruction) -> int:
        """Return the index of the block whose enter method *instruction* looks up and calls, or -1."""
        if instruction.name in ("SETUP_WITH", "BEFORE_WITH", "BEFORE_ASYNC_WITH"):
            return self._index_of_start.get(instruction.offset, -1)
        return -1

    def local_of_manager(self, start: BlockStart) -> int:
        """Return the slot of the local variable that the manager of a block is loaded from, or -1."""
        index = bisect_right(self._starts, start.instruction.start) - 1
        while index > 0:
            # Whatever jumps here brings another manager.
            if self._starts[index] in self._jump_targets:
                return -1
            index -= 1
            before = self.by_start[self._starts[index]]
            if before.name not in ("NOP", "COPY"):
                return bytecode.loaded_local(before)
        return -1

    def making(self, instruction: Instruction) -> List[Instruction]:
        """Return what makes the value that *instruction* takes, but for what is before the last jump."""
        index = bisect_right(self._starts, instruction.start) - 1
        ends = [index - 1] if index > 0 else []
        if instruction.start in self._jump_targets:
            jumps = [other.start for other in self.by_start.values() if other.target == instruction.start]
            ends += [bisect_right(self._starts, start) - 1 for start in jumps]
        found = []
        for end in ends:
            values = 0
            for start in self._starts[end::-1]:
                other = self.by_start[start]
                jumps_here = other.target >= 0
                if jumps_here and start != self._starts[end]:
                    break
                found.append(other)
                values += bytecode.stack_effect(other.opcode, other.arg, jumps_here)
                if values > 0 or start in self._jump_targets:
                    break
        return found

    def begin(self, instruction: Instruction, is_async: bool) -> int:
        """Return the index of the block that *instruction* begins."""
        index = self._index_of_start.get(instruction.offset)
        if index is None:
            index = self._index_of_start[instruction.offset] = len(self.starts)
            self.starts.append(BlockStart(instruction, is_async))
        return index


def _resize(stack: Stack, effect: int) -> Stack:
    """Return *stack* with *effect* more or fewer values, the new ones unknown."""
    if effect >= 0:
        return stack + (None,) * effect
    if len(stack) < -effect:
        raise Inconsistent("more values popped than pushed")
    return stack[:effect]


def _join(known: State, new: State) -> State:
    if len(known.stack) != len(new.stack) or known.blocks != new.blocks:
        raise Inconsistent("paths meet with different stacks")
    return State(tuple(map(_join_symbols, known.stack, new.stack)), known.blocks)


def _join_symbols(known: Optional[Symbol], new: Optional[Symbol]) -> Optional[Symbol]:
    if known == new:
        return known
    if known is not None and new is not None and known.kind is new.kind and known.block == new.block:
        return max(known, new, key=lambda symbol: symbol.stage)
    for symbol in (known, new):
        if symbol is not None and symbol.kind in (Kind.NULL, Kind.MAYBE_NULL):
            return _MAYBE_NULL
        if symbol is not None and symbol.kind in (Kind.EXIT, Kind.AWAITED):
            raise Inconsistent("paths meet with different blocks")
    return None


def _raise(instruction: Instruction, stack: Stack, handler: Handler) -> Successor:
    """Return the state in which *handler* is entered when *instruction* raises."""
    kept = stack[: handler.depth]
    if instruction.name == "WITH_EXCEPT_START":
        kept = _advance(kept, _innermost_exit(kept), Stage.DONE)
    for symbol in stack[handler.depth :]:
        if symbol is not None and symbol.kind is Kind.AWAITED:
            kept = _finish_await(kept, symbol.block)
    # From 3.14 on the offset is not an object but a tagged integer.
    return Successor(handler.target, State(kept + ((_MAYBE_NULL, None) if handler.pushes_lasti else (None,)), ()))


def _advance(stack: Stack, index: int, stage: Stage) -> Stack:
    """Return *stack* with block *index* in *stage*."""
    return tuple(
        symbol._replace(stage=stage)
        if symbol is not None and symbol.kind is Kind.EXIT and symbol.block == index
        else symbol
        for symbol in stack
    )


def _finish_await(stack: Stack, index: int) -> Stack:
    """Return *stack* after what the enter or exit of block *index* returned has been awaited."""
    for symbol in stack:
        if symbol is not None and symbol.kind is Kind.EXIT and symbol.block == index:
            return _advance(stack, index, Stage.ACTIVE if symbol.stage is Stage.ENTERING else Stage.DONE)
    return stack


def _innermost_exit(stack: Stack) -> int:
    for symbol in reversed(stack):
        if symbol is not None and symbol.kind is Kind.EXIT:
            return symbol.block
    raise Inconsistent("exit without a block")


def _top(stack: Stack) -> Optional[Symbol]:
    if not stack:
        raise Inconsistent("more values popped than pushed")
    return stack[-1]


Step = Callable[[Simulation, Instruction, State], List[Successor]]
_STEPS: Dict[str, Step] = {}


def _step(*names: str) -> Callable[[Step], Step]:
    """Register a function as the effect of the instructions *names*; its first argument is the simulation."""

    def register(function: Step) -> Step:
        for name in names:
            _STEPS[name] = function
        return function

    return register


def _next(instruction: Instruction, stack: Stack, blocks: Blocks) -> List[Successor]:
    return [Successor(instruction.next, State(stack, blocks))]


# Values that are moved, copied or known to be something.


@_step("SWAP")
def _swap(_: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    stack = list(state.stack)
    stack[-1], stack[-instruction.arg] = stack[-instruction.arg], stack[-1]
    return _next(instruction, tuple(stack), state.blocks)


@_step("ROT_TWO", "ROT_THREE", "ROT_FOUR", "ROT_N")
def _rotate(_: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    count = {"ROT_TWO": 2, "ROT_THREE": 3, "ROT_FOUR": 4}.get(instruction.name, instruction.arg)
    stack = state.stack
    return _next(instruction, (*stack[:-count], stack[-1], *stack[-count:-1]), state.blocks)


@_step("COPY", "DUP_TOP", "DUP_TOP_TWO")
def _copy(_: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    first, count = {"DUP_TOP": (1, 1), "DUP_TOP_TWO": (2, 2)}.get(instruction.name, (instruction.arg, 1))
    start = len(state.stack) - first
    if start < 0:
        raise Inconsistent("copy of a value that is not there")
    copies = state.stack[start : start + count]
    copies = tuple(None if symbol is not None and symbol.kind <= Kind.AWAITED else symbol for symbol in copies)
    return _next(instruction, state.stack + copies, state.blocks)


@_step("PUSH_NULL", "BEGIN_FINALLY")
def _push_null(_: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    return _next(instruction, (*state.stack, NULL), state.blocks)


#: Instructions that can push a NULL or a self beside the value, and how many values they pop.
_LOADS = {"LOAD_GLOBAL": 0, "LOAD_ATTR": 1, "LOAD_METHOD": 1, "LOAD_SUPER_ATTR": 3, "GET_ITER": 1}


@_step(*_LOADS)
def _load(_: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    popped = _LOADS[instruction.name]
    pushed = popped + bytecode.stack_effect(instruction.opcode, instruction.arg, False)
    # Which of two comes first depends on the version, and which is NULL on the object.
    values: Stack = (None,) if pushed == 1 else (_MAYBE_NULL,) * pushed
    return _next(instruction, _resize(state.stack, -popped) + values, state.blocks)


@_step("LOAD_FAST_AND_CLEAR")
def _load_fast_and_clear(_: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    # The value of a variable that an inlined comprehension hides, or NULL if it has none.
    return _next(instruction, (*state.stack, _MAYBE_NULL), state.blocks)


@_step("CALL_FUNCTION_EX")
def _call_function_ex(_: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    effect = bytecode.stack_effect(instruction.opcode, instruction.arg, False)
    return _next(instruction, (*_resize(state.stack, effect - 1), None), state.blocks)


@_step("RETURN_GENERATOR")
def _return_generator(_: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    # dis.stack_effect of 3.11 and 3.12 leaves out the value that the POP_TOP after it pops.
    return _next(instruction, (*state.stack, None), state.blocks)


@_step("PRECALL", "GET_AWAITABLE", "NOP", "RESUME")
def _keep(_: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    # dis.stack_effect of 3.11 splits the effect of a call over PRECALL and CALL.
    return _next(instruction, state.stack, state.blocks)


# With-blocks.


@_step("BEFORE_WITH", "BEFORE_ASYNC_WITH")
def _before_with(simulation: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    stack, is_async = state.stack, instruction.name == "BEFORE_ASYNC_WITH"
    index = simulation.begin(instruction, is_async)
    if is_async:
        pushed: Stack = (Symbol(Kind.EXIT, index, Stage.ENTERING), Symbol(Kind.AWAITED, index))
    else:
        pushed = (Symbol(Kind.EXIT, index, Stage.ACTIVE), None)
    return _next(instruction, stack[:-1] + pushed, state.blocks)


@_step("LOAD_SPECIAL")
def _load_special(simulation: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    """Replace the manager by a special method and its self or NULL (CPython 3.14 and later).

    The operand says which: 0 and 2 are ``__enter__`` and ``__aenter__``, 1 and 3 ``__exit__`` and ``__aexit__``
    (Include/internal/pycore_opcode_utils.h of 3.14).
    """
    stack = state.stack
    if instruction.arg in (1, 3):
        index = simulation.begin(instruction, instruction.arg == 3)
        pushed: Stack = (Symbol(Kind.EXIT, index, Stage.PENDING), Symbol(Kind.EXIT_SELF, index))
    elif instruction.arg in (0, 2):
        pushed = (Symbol(Kind.ENTER, _innermost_exit(stack)), _MAYBE_NULL)
    else:
        pushed = (None, _MAYBE_NULL)
    return _next(instruction, _resize(stack, -1) + pushed, state.blocks)


def called(instruction: Instruction, stack: Stack) -> Optional[Symbol]:
    """Return what *instruction* calls, if it is a call with positional arguments."""
    if instruction.name not in ("CALL", "CALL_FUNCTION"):
        return None
    position = instruction.arg + (2 if instruction.name == "CALL" else 1)
    if position > len(stack):
        raise Inconsistent("call of a value that is not there")
    return stack[-position]


@_step("CALL", "CALL_FUNCTION")
def _call(simulation: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    stack = state.stack
    symbol = called(instruction, stack)
    stack = stack[: -instruction.arg - (2 if instruction.name == "CALL" else 1)]
    result = None
    if symbol is not None and symbol.kind in (Kind.EXIT, Kind.ENTER):
        if simulation.starts[symbol.block].is_async:
            result = Symbol(Kind.AWAITED, symbol.block)
        if symbol.kind is Kind.ENTER:
            stack = _advance(stack, symbol.block, Stage.ACTIVE if result is None else Stage.ENTERING)
    return _next(instruction, (*stack, result), state.blocks)


def exiting_by_exception(instruction: Instruction, stack: Stack) -> int:
    """Return the index of the block whose exit *instruction* calls other than by a plain call, or -1."""
    if instruction.name in ("WITH_EXCEPT_START", "WITH_CLEANUP_START"):
        return _innermost_exit(stack)
    return -1


@_step("WITH_EXCEPT_START")
def _with_except_start(simulation: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    index = _innermost_exit(state.stack)
    if simulation.starts[index].is_async:
        stack = (*_advance(state.stack, index, Stage.EXITING), Symbol(Kind.AWAITED, index))
    else:
        stack = (*_advance(state.stack, index, Stage.DONE), None)
    return _next(instruction, stack, state.blocks)


# Awaiting.


@_step("SEND")
def _send(_: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    effect = bytecode.stack_effect(instruction.opcode, instruction.arg, True)
    # Up to 3.11 it leaves the result alone, later the awaitable with the result above it.
    after = state.stack if effect == 0 else _replace_awaited(state.stack)
    return [*_next(instruction, *state), Successor(instruction.target, State(after, state.blocks))]


@_step("YIELD_FROM")
def _yield_from(_: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    return _next(instruction, _replace_awaited(state.stack), state.blocks)


def _replace_awaited(stack: Stack) -> Stack:
    """Return *stack* with the value that an awaitable returned in place of the awaitable and what was sent to it."""
    kept = _resize(stack, -2)
    awaited = stack[-2]
    if awaited is not None and awaited.kind is Kind.AWAITED:
        kept = _finish_await(kept, awaited.block)
    return (*kept, None)


def suspended_depth(instruction: Instruction, stack: Stack) -> int:
    """Return how many values of *stack* a frame keeps that is suspended in *instruction*, with *stack* before it."""
    if instruction.name in ("YIELD_VALUE", "RESUME"):
        return len(stack) - 1  # the value that is yielded or will be sent is not there
    if instruction.name == "YIELD_FROM":
        return len(stack) - 2  # PyPy keeps the awaitable elsewhere in the frame
    return len(stack)


@_step("END_SEND")
def _end_send(_: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    effect = bytecode.stack_effect(instruction.opcode, instruction.arg, False)
    kept = _resize(state.stack, effect - 1)
    awaited = state.stack[len(kept)]
    if awaited is not None and awaited.kind is Kind.AWAITED:
        kept = _finish_await(kept, awaited.block)
    return _next(instruction, (*kept, None), state.blocks)


@_step("CLEANUP_THROW")
def _cleanup_throw(_: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    # Pops the awaitable, what was sent and the exception; pushes None and a value. The END_SEND that follows pops
    # the None as if it were the awaitable.
    return _next(instruction, (*_resize(state.stack, -2), None), state.blocks)


# Stack of blocks (CPython up to 3.10).


def _enter_handler(instruction: Instruction, stack: Stack, blocks: Blocks) -> Successor:
    handler = (*blocks, Block(bytecode.HANDLER_BLOCK, -1, len(stack)))
    return Successor(instruction.target, State(stack + _EXCEPTION_VALUES, handler))


def _pop_block(blocks: Blocks) -> Blocks:
    if not blocks:
        raise Inconsistent("more blocks popped than pushed")
    return blocks[:-1]


@_step("SETUP_FINALLY", "SETUP_EXCEPT")
def _setup_finally(_: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    stack, blocks = state
    entered = (*blocks, Block(instruction.opcode, instruction.target, len(stack)))
    return [*_next(instruction, stack, entered), _enter_handler(instruction, stack, blocks)]


@_step("SETUP_WITH")
def _setup_with(simulation: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    stack, blocks = state
    index = simulation.begin(instruction, False)
    stack = (*stack[:-1], Symbol(Kind.EXIT, index, Stage.ACTIVE))
    entered = (*blocks, Block(bytecode.FINALLY_BLOCK, instruction.target, len(stack)))
    return [*_next(instruction, (*stack, None), entered), _enter_handler(instruction, stack, blocks)]


@_step("SETUP_ASYNC_WITH")
def _setup_async_with(_: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    stack, blocks = state
    kept = _resize(stack, -1)
    entered = (*blocks, Block(bytecode.FINALLY_BLOCK, instruction.target, len(kept)))
    return [*_next(instruction, stack, entered), _enter_handler(instruction, kept, blocks)]


@_step("POP_BLOCK")
def _pop_block_step(_: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    stack, blocks = state
    outer = _pop_block(blocks)
    return _next(instruction, stack[: blocks[-1].level] if bytecode.UNWINDS_BLOCKS else stack, outer)


@_step("POP_EXCEPT", "END_ASYNC_FOR")
def _pop_except(_: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    effect = bytecode.stack_effect(instruction.opcode, instruction.arg, False)
    blocks = _pop_block(state.blocks) if bytecode.HAS_BLOCK_STACK else state.blocks
    return _next(instruction, _resize(state.stack, effect), blocks)


# Loops as blocks, and leaving blocks by way of the stack of blocks (CPython 3.6 and 3.7).


def _unwind(simulation: Simulation, how: str, state: State, target: int = -1) -> List[Successor]:
    """Return where the interpreter goes on from *state* by RETURN_VALUE, BREAK_LOOP or CONTINUE_LOOP.

    A ``finally`` body or exit on the way leaves what is below its reason as it is (but for the exit callable), so that
    it need not be followed to its end: the way goes on as if it had ended.

    :param target: where it continues.
    """
    stack, blocks = state
    reason: Stack = (_LEAVING,) if how == "BREAK_LOOP" else (None, _LEAVING_WITH_VALUE)
    found: List[Successor] = []
    while blocks:
        block = blocks[-1]
        is_loop = block.kind == bytecode.LOOP_BLOCK
        if is_loop and how == "CONTINUE_LOOP":
            return [*found, Successor(target, State(stack, blocks))]
        stack, blocks = stack[: block.level], blocks[:-1]
        if is_loop and how == "BREAK_LOOP":
            return [*found, Successor(block.handler, State(stack, blocks))]
        if block.kind == bytecode.FINALLY_BLOCK:
            found.append(Successor(block.handler, State(stack + reason, blocks)))
            if simulation.by_start[block.handler].name == "WITH_CLEANUP_START":
                stack = stack[:-1]
    return found


def _first(unwound: List[Successor]) -> List[State]:
    """Return the state after the first step of what `_unwind` returned."""
    return [after for _, after in unwound[:1]] or [_LEFT]


@_step("RETURN_VALUE")
def _return_value(simulation: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    return _unwind(simulation, instruction.name, state) if bytecode.UNWINDS_BLOCKS else []


@_step("SETUP_LOOP")
def _setup_loop(_: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    block = Block(bytecode.LOOP_BLOCK, instruction.target, len(state.stack))
    return _next(instruction, state.stack, (*state.blocks, block))


@_step("BREAK_LOOP")
def _break_loop(simulation: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    return _unwind(simulation, instruction.name, state)


@_step("CONTINUE_LOOP")
def _continue_loop(simulation: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    return _unwind(simulation, instruction.name, state, instruction.target)


# The end of a ``finally`` and exits in two steps (CPython up to 3.8).


@_step("CALL_FINALLY")
def _call_finally(_: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    # The subroutine leaves what is below the return address as it is, so it need not be followed to where it returns.
    called = State((*state.stack, _RETURN_ADDRESS), state.blocks)
    return [Successor(instruction.target, called), *_next(instruction, *state)]


@_step("END_FINALLY")
def _end_finally(_: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    stack, blocks = state
    top = _top(stack)
    if top == NULL or (top is None and bytecode.UNWINDS_BLOCKS):
        return _next(instruction, stack[:-1], blocks)
    if top == _SILENCED:
        return _next(instruction, stack[: blocks[-1].level], _pop_block(blocks))
    if top in (EXCEPTION, _RETURN_ADDRESS, _LEAVING, _LEAVING_WITH_VALUE):
        return []
    raise Inconsistent("END_FINALLY without a reason")


@_step("POP_FINALLY")
def _pop_finally(_: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    stack, blocks = state
    result: Stack = ()
    if instruction.arg:
        result, stack = stack[-1:], _resize(stack, -1)
    top = _top(stack)
    if top == EXCEPTION:
        return _next(instruction, _resize(stack, -bytecode.EXCEPTION_SLOTS) + result, _pop_block(blocks))
    return _next(instruction, stack[:-1] + result, blocks)


@_step("WITH_CLEANUP_START")
def _with_cleanup_start(simulation: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    """Take the exit callable from below what tells the reason, and push the exception or None and its result.

    The reason is an exception or NULL; before CPython 3.8, NULL is None, and there are others (`Kind.LEAVING`).
    """
    stack, blocks = state
    top = _top(stack)
    count = bytecode.EXCEPTION_SLOTS if top == EXCEPTION else 2 if top == _LEAVING_WITH_VALUE else 1
    below = len(stack) - count - 1
    symbol = stack[below] if below >= 0 else None
    if symbol is None or symbol.kind is not Kind.EXIT:
        raise Inconsistent("WITH_CLEANUP_START without a block")
    result = Symbol(Kind.AWAITED, symbol.block) if simulation.starts[symbol.block].is_async else None
    if top != EXCEPTION:
        return _next(instruction, (*stack[:below], *stack[below + 1 :], None, result), blocks)
    # What describes the previous exception moves down by one slot, and its handler with it.
    stack = stack[:below] + stack[below + 1 : below + 4] + (NULL,) + stack[below + 4 :] + (None, result)
    blocks = (*_pop_block(blocks), blocks[-1]._replace(level=blocks[-1].level - 1))
    return _next(instruction, stack, blocks)


@_step("WITH_CLEANUP_FINISH")
def _with_cleanup_finish(_: Simulation, instruction: Instruction, state: State) -> List[Successor]:
    stack, blocks = _resize(state.stack, -2), state.blocks
    result = _next(instruction, stack, blocks)
    top = _top(stack)
    if top == EXCEPTION:
        # If the exit returned true, the exception is forgotten.
        if bytecode.UNWINDS_BLOCKS:
            result += _next(instruction, (*stack, _SILENCED), blocks)
        else:
            result += _next(instruction, (*stack[: blocks[-1].level], NULL), _pop_block(blocks))
    return result
