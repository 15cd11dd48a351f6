"""The target of a with item (``x`` in ``with y as x``) as source text, from the bytecode that stores it.

A target is straight code: it takes apart what the enter method returned, and stores each part. It is executed here with
texts for values. What is not recognised leaves the target unknown.
"""

from __future__ import annotations

from types import CodeType
from typing import Dict, List, Optional, Union

from . import bytecode
from .bytecode import Instruction

_BINARY = {"BINARY_ADD": "+", "BINARY_SUBTRACT": "-", "BINARY_MULTIPLY": "*", "BINARY_FLOOR_DIVIDE": "//"}
_BINARY.update(BINARY_MODULO="%", BINARY_TRUE_DIVIDE="/")
_UNARY = {"UNARY_NEGATIVE": "-", "UNARY_INVERT": "~"}
_IGNORED = ("NOP", "END_SEND", "SETUP_ASYNC_WITH", "NOT_TAKEN", "PRECALL")
_CALLS = ("CALL", "CALL_KW", "CALL_FUNCTION", "CALL_FUNCTION_KW", "CALL_METHOD", "CALL_METHOD_KW")
#: Identities of the types of constants whose `repr` is code of the interpreter.
_PLAIN = frozenset(map(id, (int, float, complex, str, bytes, bool, type(None), type(...))))
#: Longer targets are not worth to be followed.
_MAX_INSTRUCTIONS = 200


class _Part:
    """Part of the value that the enter method returned."""

    def __init__(self) -> None:
        #: The target it is stored to.
        self.text: Optional[str] = None
        #: What it is taken apart into, if it is.
        self.parts: Optional[List[_Part]] = None
        self.is_starred = False

    def source(self) -> Optional[str]:
        if self.parts is None:
            return None if self.text is None else "*" + self.text if self.is_starred else self.text
        texts = [part.source() for part in self.parts]
        known = [text for text in texts if text is not None]
        if len(known) < len(texts):
            return None
        return f"({known[0]},)" if len(known) == 1 else f"({', '.join(known)})"


class _Text(str):
    """Source text of an expression that must be put in parentheses when it is an operand."""


class _Tuple(_Text):
    """Source text of a tuple, which must be put in parentheses but as an index."""


#: What lies beside a callable that is called without a self of its own, and beside a method in place of its self.
_NULL = _Text()

Value = Union[str, _Part]


class _Unknown(Exception):
    """An instruction that no target is made of."""


def target_of(
    code: CodeType, instructions: Dict[int, Instruction], start: Instruction, is_async: bool
) -> Optional[str]:
    """Return the target of the with item that *start* begins, or None if it has none or it cannot be told.

    :param instructions: those of *code*, by the offset where each begins with its prefixes.
    """
    try:
        return _Machine(code, instructions).run(_first_store(instructions, start, is_async))
    except (_Unknown, LookupError, ValueError):  # the last: an integer is too long to be written down
        return None


def _first_store(instructions: Dict[int, Instruction], start: Instruction, is_async: bool) -> int:
    """Return the offset of the instruction after which the enter method has returned and been awaited."""
    instruction = start
    if start.name == "LOAD_SPECIAL":
        while instruction.name != "CALL":
            instruction = instructions[instruction.next]
    if is_async:
        while instruction.name not in ("SEND", "YIELD_FROM"):
            instruction = instructions[instruction.next]
        if instruction.name == "SEND":
            return instruction.target
    return instruction.next


class _Machine:
    def __init__(self, code: CodeType, instructions: Dict[int, Instruction]) -> None:
        self.code = code
        self.instructions = instructions
        self.stack: List[Value] = []
        #: How many parts still have to be stored.
        self.left = 1
        #: The names of the keyword arguments of the next call, where an instruction before it sets them.
        self.keywords: object = ()
        #: The tuple of constants that has been loaded last; one of names is on top of the stack if a call takes it.
        self.constants: object = ()

    def run(self, offset: int) -> Optional[str]:
        root = _Part()
        self.stack.append(root)
        for _ in range(_MAX_INSTRUCTIONS):
            instruction = self.instructions[offset]
            if instruction.name == "POP_TOP":  # no target
                return None
            self.execute(instruction)
            if not self.left:
                return root.source()
            offset = instruction.next
        return None

    def pop_text(self, as_operand: bool = False) -> str:
        value = self.stack.pop()
        if isinstance(value, _Part) or value is _NULL:
            raise _Unknown
        return f"({value})" if as_operand and isinstance(value, _Text) else value

    def pop_item(self) -> str:
        """Return the text of an argument, or of an item of a tuple."""
        is_tuple = isinstance(self.stack[-1], _Tuple)
        return self.pop_text(as_operand=is_tuple)

    def store(self, text: str) -> None:
        part = self.stack.pop()
        if not isinstance(part, _Part):
            raise _Unknown
        part.text = text
        self.left -= 1

    def variable(self, slot: int) -> str:
        return bytecode.variable_name(self.code, "LOAD_FAST", slot)

    def execute(self, instruction: Instruction) -> None:
        name, arg = instruction.name, instruction.arg
        stack = self.stack
        if name in _IGNORED:
            return
        if name in ("UNPACK_SEQUENCE", "UNPACK_EX"):
            self.unpack(arg & 0xFF if name == "UNPACK_EX" else arg, arg >> 8 if name == "UNPACK_EX" else None)
        elif name in ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF"):
            self.store(bytecode.name_operand(self.code, instruction) or "")
        elif name == "STORE_FAST_STORE_FAST":
            self.store(self.variable(arg >> 4))
            if self.left:  # else the second one is the target of something else
                self.store(self.variable(arg & 15))
        elif name == "STORE_FAST_LOAD_FAST":
            self.store(self.variable(arg >> 4))
            stack.append(self.variable(arg & 15))
        elif name in ("LOAD_FAST_LOAD_FAST", "LOAD_FAST_BORROW_LOAD_FAST_BORROW"):
            stack += [self.variable(arg >> 4), self.variable(arg & 15)]
        elif name == "STORE_ATTR":
            owner = self.pop_text(as_operand=True)
            self.store(f"{owner}.{bytecode.name_operand(self.code, instruction)}")
        elif name in ("STORE_SUBSCR", "STORE_SLICE"):
            index = self.pop_slice() if name == "STORE_SLICE" else self.pop_text()
            self.store(f"{self.pop_text(as_operand=True)}[{index}]")
        elif name in ("LOAD_CONST", "LOAD_SMALL_INT", "LOAD_COMMON_CONSTANT"):
            stack.append(self.constant(name, arg))
        elif name in ("BUILD_SLICE", "BUILD_TUPLE"):
            parts = [self.pop_item() for _ in range(arg)][::-1]
            stack.append(_Text(":".join(_without_none(parts))) if name == "BUILD_SLICE" else _tuple(parts))
        elif name == "PUSH_NULL":
            stack.append(_NULL)
        elif name == "KW_NAMES":
            self.keywords = self.code.co_consts[arg]
        elif name in _CALLS:
            self.call(name, arg)
        elif name in _UNARY:
            stack.append(_Text(_UNARY[name] + self.pop_text(as_operand=True)))
        elif name in _BINARY or name in ("BINARY_OP", "BINARY_SUBSCR"):
            self.binary(instruction)
        elif name == "BINARY_SLICE":
            index = self.pop_slice()
            stack.append(f"{self.pop_text(as_operand=True)}[{index}]")
        elif name == "LOAD_METHOD":
            stack += [f"{self.pop_text(as_operand=True)}.{self.code.co_names[arg]}", _NULL]
        elif name.startswith("LOAD_") and "SUPER" not in name:
            self.load(instruction)
        else:
            raise _Unknown

    def unpack(self, before: int, after: Optional[int]) -> None:
        whole = self.stack.pop()
        if not isinstance(whole, _Part):
            raise _Unknown
        whole.parts = [_Part() for _ in range(before + (after + 1 if after is not None else 0))]
        if after is not None:
            whole.parts[before].is_starred = True
        self.left += len(whole.parts) - 1
        self.stack += whole.parts[::-1]

    def pop_slice(self) -> str:
        stop = self.pop_text()
        return ":".join(_without_none([self.pop_text(), stop]))

    def constant(self, name: str, arg: int) -> str:
        if name == "LOAD_SMALL_INT":
            return str(arg)
        if name == "LOAD_COMMON_CONSTANT":
            text = bytecode.common_constant(arg)
            if text is None:
                raise _Unknown
            return text
        value = self.code.co_consts[arg]
        if id(type(value)) in _PLAIN:
            return "..." if value is ... else repr(value)
        if type(value) is tuple and all(id(type(item)) in _PLAIN for item in value):
            self.constants = value
            return _tuple(["..." if item is ... else repr(item) for item in value])
        if type(value) is slice and all(id(type(item)) in _PLAIN for item in (value.start, value.stop, value.step)):
            bounds = [repr(value.start), repr(value.stop)] + ([repr(value.step)] if value.step is not None else [])
            return _Text(":".join(_without_none(bounds)))
        raise _Unknown

    def binary(self, instruction: Instruction) -> None:
        operator = _BINARY.get(instruction.name, "[]")
        if instruction.name == "BINARY_OP":
            operator = bytecode.BINARY_OPERATORS[instruction.arg]
        right = self.pop_text(as_operand=operator != "[]")
        left = self.pop_text(as_operand=True)
        self.stack.append(f"{left}[{right}]" if operator == "[]" else _Text(f"{left} {operator} {right}"))

    def load(self, instruction: Instruction) -> None:
        text = bytecode.name_operand(self.code, instruction)
        if text is None:
            raise _Unknown
        values = bytecode.stack_effect(instruction.opcode, instruction.arg, False)
        if instruction.name == "LOAD_ATTR":
            text = f"{self.pop_text(as_operand=True)}.{text}"
            values += 1
        self.stack += [text, _NULL] if values > 1 else [text]

    def call(self, name: str, arg: int) -> None:
        if name.endswith("_KW"):
            self.stack.pop()
            self.keywords = self.constants
        names, self.keywords = self.keywords, ()
        if type(names) is not tuple or not all(type(keyword) is str for keyword in names):
            raise _Unknown
        arguments = [self.pop_item() for _ in range(arg)][::-1]
        first = arg - len(names)
        arguments[first:] = [f"{keyword}={text}" for keyword, text in zip(names, arguments[first:])]
        if name.startswith("CALL_FUNCTION"):
            function = self.pop_text(as_operand=True)
        else:  # since CPython 3.13 the NULL lies above the function, before below
            if self.stack[-1] is _NULL:
                self.stack.pop()
                function = self.pop_text(as_operand=True)
            else:
                function = self.pop_text(as_operand=True)
                if self.stack.pop() is not _NULL:
                    raise _Unknown
        self.stack.append(f"{function}({', '.join(arguments)})")


def _tuple(items: List[str]) -> _Tuple:
    return _Tuple(f"{items[0]}," if len(items) == 1 else ", ".join(items))


def _without_none(bounds: List[str]) -> List[str]:
    return ["" if bound == "None" else bound for bound in bounds]
