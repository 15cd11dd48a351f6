"""What an instruction calls, as far as the instructions before it tell: by names, not by what is on the stack.

What lies in the slots of a running frame may have been released already, so it is not looked at. Only straight code is
understood; whatever else there is leaves the callee unknown.
"""

from __future__ import annotations

import dis
import opcode
import sys
from types import CodeType
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple, Union, cast

from . import bytecode
from .bytecode import PYPY, Instruction

#: From CPython 3.11 on there are two slots for a callee: for itself, and for the object that it is a method of or NULL.
_TWO_SLOTS = "PUSH_NULL" in bytecode.OPCODES and not PYPY
_NULL_COMES_LAST = sys.version_info >= (3, 13)
_CALLS = ("CALL", "PRECALL", "CALL_KW", "CALL_FUNCTION", "CALL_FUNCTION_KW", "CALL_FUNCTION_EX", "CALL_METHOD")
_ENTERS = ("BEFORE_WITH", "SETUP_WITH")
_CALLING = frozenset(bytecode.OPCODES[name] for name in (*_CALLS, *_ENTERS) if name in bytecode.OPCODES)
_FOR_ITER = bytecode.OPCODES["FOR_ITER"]
_CALLING_OR_ITERATING = _CALLING | {_FOR_ITER}
_NOTHING_DONE = ("NOP", "CACHE", "KW_NAMES", "RESUME", "NOT_TAKEN")
#: Larger functions are not worth to be decoded for this.
_MAX_BYTES = 50_000
#: What one expression has before its call.
_MAX_INSTRUCTIONS = 100


class Name(NamedTuple):
    """A variable. The kind is the name of the instruction that loads it."""

    kind: str
    name: str


class Attribute(NamedTuple):
    """An attribute of the value of another expression."""

    owner: Expression
    name: str
    #: Whether it is looked up in the type alone, as for the methods of a with statement.
    is_special: bool = False


class Result(NamedTuple):
    """What a call returned."""

    callee: Expression


class Constant(NamedTuple):
    """A value that the code has."""

    value: object


class Element(NamedTuple):
    """What another value has at an index or under a key."""

    owner: Expression
    key: Expression


class Slice(NamedTuple):
    """A new slice."""

    parts: Tuple[Expression, ...]


class Items(NamedTuple):
    """A new list, tuple or set."""

    items: Tuple[Expression, ...]


Expression = Union[Name, Attribute, Element, Slice, Result, Constant, Items]


class Call(NamedTuple):
    """What an instruction calls, and with what; an argument of which nothing can be told is None."""

    callee: Expression
    #: None if there are arguments of which it cannot be told how many.
    positional: Optional[Sequence[Optional[Expression]]]
    keywords: Dict[str, Optional[Expression]]


class _Null:
    """What is pushed beside a callee that is no method."""


_NULL = _Null()
_Slot = Union[Expression, _Null, None]


def callee_at(code: CodeType, offset: int) -> Optional[Expression]:
    """Return what the instruction at *offset* calls; None if it calls nothing, or nothing that can be told."""
    call = call_at(code, offset)
    return None if call is None or (code.co_code[offset] == _FOR_ITER) else call.callee


def call_at(code: CodeType, offset: int) -> Optional[Call]:
    """Return what the instruction at *offset* calls, that of a for loop included, and with what; None as before."""
    if not 0 <= offset < len(code.co_code) <= _MAX_BYTES or code.co_code[offset] not in _CALLING_OR_ITERATING:
        return None
    instructions = bytecode.decode(code)
    targets = {instruction.target for instruction in instructions}
    before: List[Instruction] = []
    for instruction in instructions:
        if instruction.offset == offset:
            if instruction.opcode == _FOR_ITER:
                # Whatever jumps here has left the iterator where it was.
                if not before or before[-1].name != "GET_ITER" or before[-1].start in targets:
                    return None
                iterated = _run(code, before[:-1], targets).at(1)
                if iterated is None or isinstance(iterated, _Null):
                    return None
                return Call(Attribute(iterated, "__next__", True), (), {})
            return None if instruction.start in targets else _run(code, before, targets).call(instruction, before)
        before.append(instruction)
    return None


def _run(code: CodeType, instructions: Sequence[Instruction], targets: Set[int]) -> _Machine:
    machine = _Machine(code)
    for each in instructions[-_MAX_INSTRUCTIONS:]:
        if each.start in targets:
            machine.stack.clear()
        machine.execute(each)
    return machine


def has_no_arguments(code: CodeType, offset: int) -> bool:
    """Return whether the instruction at *offset* calls something without any argument, or enters a with block."""
    for instruction in bytecode.decode(code):
        if instruction.offset == offset:
            return instruction.name in _ENTERS or (
                instruction.name in ("CALL", "PRECALL", "CALL_FUNCTION", "CALL_METHOD") and instruction.arg == 0
            )
    return False


class _Machine:
    """Executes instructions with expressions for values; what is below those that are listed is unknown."""

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.stack: List[_Slot] = []

    def at(self, depth: int) -> _Slot:
        """Return the value that has *depth* - 1 others above it; None if it is unknown."""
        return self.stack[-depth] if 0 < depth <= len(self.stack) else None

    def drop(self, count: int) -> None:
        del self.stack[max(0, len(self.stack) - count) :]

    def callee(self, instruction: Instruction) -> Optional[Expression]:
        """Return what *instruction* calls."""
        name = instruction.name
        if name in _ENTERS:
            manager = self.at(1)
            return None if manager is None or isinstance(manager, _Null) else Attribute(manager, "__enter__", True)
        above = self.arguments(instruction)
        slots = [self.at(above + 1)]
        if name == "CALL_METHOD" or (_TWO_SLOTS and name != "CALL_METHOD"):
            slots.insert(0, self.at(above + 2))
        return next((slot for slot in slots if not isinstance(slot, _Null)), None)

    def call(self, instruction: Instruction, before: Sequence[Instruction]) -> Optional[Call]:
        """Return what *instruction* calls, and with what.

        :param before: the instructions before it.
        """
        callee = self.callee(instruction)
        if callee is None:
            return None
        name = instruction.name
        if name in _ENTERS:
            return Call(callee, (), {})
        names: object = ()
        if name == "CALL_FUNCTION_EX":
            return Call(callee, None, {})
        if name in ("CALL_KW", "CALL_FUNCTION_KW"):
            constant = self.at(1)
            if not isinstance(constant, Constant):
                return Call(callee, None, {})
            names = constant.value
        else:
            last = next((each for each in reversed(before) if each.name not in ("PRECALL", "CACHE", "NOP")), None)
            if last is not None and last.name == "KW_NAMES":
                names = self.code.co_consts[last.arg]
        keywords = cast(Tuple[str, ...], names)
        above = self.arguments(instruction)
        values = [self.at(above - index) for index in range(instruction.arg)]
        given = [None if isinstance(value, _Null) else value for value in values]
        split = len(given) - len(keywords)
        return Call(callee, given[:split], dict(zip(keywords, given[split:])))

    @staticmethod
    def arguments(instruction: Instruction) -> int:
        """Return how many values are above what *instruction* calls."""
        name, arg = instruction.name, instruction.arg
        if name == "CALL_FUNCTION_EX":
            return 2 if arg & 1 or not _EX_IS_FLAGGED else 1
        return arg + (name in ("CALL_KW", "CALL_FUNCTION_KW"))

    def execute(self, instruction: Instruction) -> None:
        name, arg = instruction.name, instruction.arg
        if name in _NOTHING_DONE or name == "PRECALL":
            return
        if name in _CALLS:
            called = self.callee(instruction)
            self.drop(self.arguments(instruction) + (2 if _TWO_SLOTS or name == "CALL_METHOD" else 1))
            self.stack.append(None if called is None else Result(called))
        elif name == "PUSH_NULL":
            self.stack.append(_NULL)
        elif name in ("LOAD_ATTR", "LOAD_METHOD"):
            owner = self.at(1)
            self.drop(1)
            attribute = bytecode.name_operand(self.code, instruction) or self.code.co_names[arg]
            known = owner is not None and not isinstance(owner, _Null)
            value = Attribute(owner, attribute) if known else None  # type: ignore[arg-type]
            # Of a method, both slots stand for the same here.
            self.stack += [value] * (1 + self.effect(instruction))
        elif name == "LOAD_SPECIAL":
            owner = self.at(1)
            self.drop(1)
            special = ("__enter__", "__exit__", "__aenter__", "__aexit__")[arg & 3]
            known = owner is not None and not isinstance(owner, _Null)
            self.stack += [Attribute(owner, special, True) if known else None] * 2  # type: ignore[arg-type]
        elif name in ("LOAD_FAST_LOAD_FAST", "LOAD_FAST_BORROW_LOAD_FAST_BORROW"):
            self.stack += [self.local(arg >> 4), self.local(arg & 15)]
        elif name in ("LOAD_GLOBAL", "LOAD_NAME"):
            self.load(instruction)
        elif name in ("LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW", "LOAD_DEREF"):
            text = bytecode.name_operand(self.code, instruction)
            self.stack.append(Name("LOAD_FAST", text) if text is not None else None)
        elif name == "COPY":
            self.stack.append(self.at(arg))
        elif name == "SWAP" and len(self.stack) >= arg:
            self.stack[-arg], self.stack[-1] = self.stack[-1], self.stack[-arg]
        elif name == "LOAD_CONST":
            self.stack.append(Constant(self.code.co_consts[arg]))
        elif name == "LOAD_SMALL_INT":
            self.stack.append(Constant(arg))
        elif name == "LOAD_COMMON_CONSTANT":  # among others, some numbers
            self.stack.append(Constant(-1) if bytecode.common_constant(arg) == "-1" else None)
        elif name in ("BUILD_TUPLE", "BUILD_LIST", "BUILD_SET"):
            self.build(Items, arg)
        elif name == "BINARY_SUBSCR" or (name == "BINARY_OP" and arg == _SUBSCRIPT):
            self.subscribe()
        elif name == "BINARY_SLICE":
            self.build(Slice, 2)
            self.subscribe()
        elif name == "BUILD_SLICE":
            self.build(Slice, arg)
        elif name == "STORE_FAST_LOAD_FAST":
            self.stack[:] = [self.local(arg & 15)]
        elif name == "BUILD_MAP" or name.startswith(("BINARY_", "UNARY_")):
            effect = self.effect(instruction)
            self.drop(1 - effect)
            self.stack.append(None)
        elif name in ("DICT_MERGE", "LIST_EXTEND"):
            self.drop(1)
        else:  # a jump, the end of a statement, or what no plain call has
            self.stack.clear()

    def build(self, made: Callable[[Tuple[Expression, ...]], Expression], count: int) -> None:
        """Put what is made of the uppermost *count* values in their place."""
        items = [self.at(count - index) for index in range(count)]
        self.drop(count)
        known = tuple([each for each in items if each is not None and not isinstance(each, _Null)])
        self.stack.append(made(known) if len(known) == count else None)

    def subscribe(self) -> None:
        self.build(lambda pair: Element(*pair), 2)

    def local(self, slot: int) -> Name:
        return Name("LOAD_FAST", bytecode.variable_name(self.code, "LOAD_FAST", slot))

    def load(self, instruction: Instruction) -> None:
        text = bytecode.name_operand(self.code, instruction)
        value = Name(instruction.name, text) if text is not None else None
        both: List[_Slot] = [value, _NULL] if _NULL_COMES_LAST else [_NULL, value]
        self.stack += both if self.effect(instruction) > 1 else [value]

    @staticmethod
    def effect(instruction: Instruction) -> int:
        return bytecode.stack_effect(instruction.opcode, instruction.arg, False)


#: The operand of BINARY_OP that stands for a subscript, from CPython 3.14 on. Before, there is an instruction for it.
_SUBSCRIPT = next(
    (index for index, (name, _) in enumerate(getattr(opcode, "_nb_ops", ())) if name == "NB_SUBSCR"), None
)
#: Whether the operand of CALL_FUNCTION_EX says whether there are keyword arguments; if not, NULL is there instead.
_EX_IS_FLAGGED = "CALL_FUNCTION_EX" in bytecode.OPCODES and bytecode.OPCODES["CALL_FUNCTION_EX"] >= dis.HAVE_ARGUMENT
