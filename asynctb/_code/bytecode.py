"""The instruction sets of the supported interpreters: decoding, jumps, stack effects, exception tables.

Together with `asynctb._frames` this is the only place that distinguishes interpreter versions. Everything here is a
pure function of a code object. It reads ``co_code``, which is free of specialisation and of instrumentation, so that
tracing, profiling and the JIT make no difference.
"""

from __future__ import annotations

import dis
import sys
from types import CodeType
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

PYPY = sys.implementation.name == "pypy"

#: Whether handlers are found through a stack of blocks in the frame (CPython up to 3.10) instead of through
#: ``co_exceptiontable`` (CPython 3.11 and later, PyPy 3.11).
HAS_BLOCK_STACK = sys.version_info < (3, 11)
#: Whether ``finally`` bodies are there once, and are entered with stacks of several shapes (CPython up to 3.8; there as
#: subroutines).
HAS_SHARED_FINALLY = sys.version_info < (3, 9)
#: Whether the interpreter itself goes from ``return``, ``break`` and ``continue`` through the ``finally`` bodies and
#: exits around them, by its stack of blocks, which has the loops for this (CPython 3.6 and 3.7). It pushes the value
#: that is returned, or where it continues, and then the reason, a number (ceval.c, label ``fast_block_end``).
UNWINDS_BLOCKS = sys.version_info < (3, 8)
#: Whether the exception table can also name a handler for instructions outside of its block. On PyPy 3.11 (8.0.1) it
#: does, mostly after a ``return``, ``break`` or ``continue`` in a ``with``. For one, behind an ``async for`` loop of
#: ``with x:``, ``if y: return``, ``break``, what follows the loop is covered by the handler of the ``with``, whose exit
#: callable has left the stack. (The compiler goes through the blocks of instructions from each one to its jump targets
#: and to the one behind it, even where it ends with a jump, and a block keeps the handlers with which it was reached
#: first: pypy/interpreter/astcompiler/assemble.py, as reviewed in https://github.com/pypy/pypy/pull/5434.) If such an
#: instruction raises, the interpreter does enter that handler and calls what lies in the place of the exit callable:
#: "TypeError: 'int' object is not callable", another block's exit, or a crash where the stack is too short.
COVERS_TOO_MUCH = PYPY
#: Whether what enters and leaves a ``with`` item has the source range of the whole statement with its body, not that of
#: the item (CPython 3.11 and 3.12, PyPy 3.11).
WITH_HAS_RANGE_OF_STATEMENT = (3, 11) <= sys.version_info < (3, 13)
#: How many values describe an exception on entry to a handler: type, value, traceback of the new exception above
#: those of the previous one. The previous ones can be NULL (ceval.c of 3.8 to 3.10, label ``exception_unwind``).
EXCEPTION_SLOTS = 6
#: How far above the exit callable of a block (or its self) the value of the exception lies that the block is left on
#: account of: above the previous exception and the traceback or, later, above the offset of the instruction that raised
#: and the previous exception.
EXCEPTION_ABOVE_EXIT = 5 if HAS_BLOCK_STACK else 3
#: Bytes that one unit of a jump's operand stands for.
_JUMP_UNIT = 2 if sys.version_info >= (3, 10) else 1

# From 3.12 on `dis.opmap` also lists pseudo-instructions, which only the compiler sees.
OPCODES: Dict[str, int] = {name: number for name, number in dis.opmap.items() if number < 256}
_FLAG_IN_LOAD_GLOBAL = not PYPY and sys.version_info >= (3, 11)
_FLAG_IN_LOAD_ATTR = not PYPY and sys.version_info >= (3, 12)
#: The signs of the operands of BINARY_OP (CPython 3.11 and later).
BINARY_OPERATORS: Tuple[str, ...] = tuple(sign for _, sign in getattr(dis, "_nb_ops", ()))
_EXTENDED_ARG = OPCODES["EXTENDED_ARG"]
_JUMPS_RELATIVE = frozenset(dis.hasjrel)
_JUMPS = _JUMPS_RELATIVE | frozenset(dis.hasjabs)
_JUMPS_BACKWARD = frozenset(number for name, number in OPCODES.items() if "BACKWARD" in name)
_CALL_FUNCTION_EX = OPCODES.get("CALL_FUNCTION_EX", -1)
#: What `dis.stack_effect` of CPython 3.6 and 3.7 says of these is of the other case, or nothing: the effects if they
#: jump and if they do not.
_EFFECTS_BY_JUMP = {
    OPCODES[name]: effects
    for name, effects in {
        "FOR_ITER": (-1, 1),
        "JUMP_IF_TRUE_OR_POP": (0, -1),
        "JUMP_IF_FALSE_OR_POP": (0, -1),
        "POP_EXCEPT": (-3, -3),
    }.items()
    if UNWINDS_BLOCKS
}
#: Types of entries in a stack of blocks, as frames have them: those of ``finally`` and ``with``, from 3.8 on also of
#: ``except``, are called as what sets up the first; and that of a handler that is being executed (opcode.h).
FINALLY_BLOCK = OPCODES.get("SETUP_FINALLY", 0)
LOOP_BLOCK = OPCODES.get("SETUP_LOOP", 0)
HANDLER_BLOCK = 257

#: Instructions that begin a with-block.
_ENTERING = bytes(
    OPCODES[name]
    for name in ("SETUP_WITH", "SETUP_ASYNC_WITH", "BEFORE_WITH", "BEFORE_ASYNC_WITH", "LOAD_SPECIAL")
    if name in OPCODES
)


def _inline_cache_units() -> List[int]:
    """Return, by opcode, how many 2-byte units of inline cache follow the instruction (CPython 3.11 and later)."""
    entries = getattr(dis, "_inline_cache_entries", None)
    if entries is None:
        return [0] * 256
    if isinstance(entries, list):  # 3.11, 3.12
        return entries[:256]
    units = [0] * 256  # a mapping from names since 3.13
    for name, number in OPCODES.items():
        units[number] = entries.get(name, 0)
    return units


_CACHE_UNITS = _inline_cache_units()


class Instruction(NamedTuple):
    """An instruction with its EXTENDED_ARG prefixes. Offsets are in bytes."""

    #: Where the instruction itself is, which is what ``f_lasti`` says.
    offset: int
    #: Where its first EXTENDED_ARG prefix is, or the same as `offset`. Jumps lead here.
    start: int
    opcode: int
    name: str
    arg: int
    #: Where the instruction after it and its inline cache begins.
    next: int
    #: Where it can jump to, or -1.
    target: int


class Handler(NamedTuple):
    """An entry of the exception table: what happens if an instruction between `start` and `end` raises."""

    start: int
    end: int
    target: int
    #: How many values of the stack the handler keeps.
    depth: int
    #: Whether the offset of the instruction that raised is pushed before the exception.
    pushes_lasti: bool


def has_with_blocks(code: CodeType) -> bool:
    """Return False if *code* surely has no with-block; an inline cache can look like an opcode."""
    opcodes = code.co_code[::2]
    return any(opcode in opcodes for opcode in _ENTERING)


def decode(code: CodeType) -> List[Instruction]:
    """Return the instructions of *code* in the order of their offsets."""
    bytecode = code.co_code
    names = dis.opname
    result = []
    offset = start = extended = 0
    while offset < len(bytecode):
        opcode = bytecode[offset]
        arg = extended | bytecode[offset + 1]
        if opcode == _EXTENDED_ARG:
            extended = arg << 8
            offset += 2
            continue
        following = offset + 2 + 2 * _CACHE_UNITS[opcode]
        target = _jump_target(opcode, arg, following) if opcode in _JUMPS else -1
        result.append(Instruction(offset, start, opcode, names[opcode], arg, following, target))
        offset = start = following
        extended = 0
    return result


def _jump_target(opcode: int, arg: int, following: int) -> int:
    if opcode not in _JUMPS_RELATIVE:
        return arg * _JUMP_UNIT
    if opcode in _JUMPS_BACKWARD:
        return following - arg * _JUMP_UNIT
    return following + arg * _JUMP_UNIT


def stack_effect(opcode: int, arg: int, jump: bool) -> int:
    """Return by how much the instruction changes the depth of the stack, if it jumps or if it does not."""
    if PYPY and opcode == _CALL_FUNCTION_EX:
        return -1 - (arg & 1)  # dis.stack_effect aborts the process on flags that it does not expect
    operand = arg if opcode >= dis.HAVE_ARGUMENT else None
    if UNWINDS_BLOCKS:
        effects = _EFFECTS_BY_JUMP.get(opcode)
        return dis.stack_effect(opcode, operand) if effects is None else effects[not jump]
    return dis.stack_effect(opcode, operand, jump=jump)


def exception_table(code: CodeType) -> List[Handler]:
    """Return the entries of ``co_exceptiontable``, sorted by `Handler.start`; they do not overlap.

    The format is described in Objects/exception_handling_notes.txt of CPython 3.11 (InternalDocs/ since 3.13).
    """
    if HAS_BLOCK_STACK:
        return []
    numbers = _varints(code.co_exceptiontable)  # type: ignore[attr-defined,unused-ignore]  # since 3.11
    result = []
    for start in numbers:
        length, target, depth = next(numbers), next(numbers), next(numbers)
        result.append(Handler(start * 2, (start + length) * 2, target * 2, depth >> 1, bool(depth & 1)))
    return result


def _varints(table: bytes) -> Iterator[int]:
    """Yield the numbers of *table*: six bits to a byte, most significant first, bit 6 set if more follow."""
    value = 0
    for byte in table:
        value = value << 6 | byte & 63
        if not byte & 64:
            yield value
            value = 0


def local_slots(code: CodeType) -> int:
    """Return how many slots for locals, cells and free variables lie below the stack of a frame of *code*."""
    if HAS_BLOCK_STACK or PYPY:
        return code.co_nlocals + len(code.co_cellvars) + len(code.co_freevars)
    # Since 3.11 an argument that is also a cell has one slot.
    return len({*code.co_varnames, *code.co_cellvars}) + len(code.co_freevars)


def variable_name(code: CodeType, opcode_name: str, arg: int) -> str:
    """Return the name that *arg* stands for in the instruction *opcode_name*, of the families FAST and DEREF."""
    if not HAS_BLOCK_STACK and not PYPY:
        return code._varname_from_oparg(arg)  # type: ignore[attr-defined, no-any-return]
    if "FAST" in opcode_name:
        return code.co_varnames[arg]
    return (code.co_cellvars + code.co_freevars)[arg]


def name_operand(code: CodeType, instruction: Instruction) -> Optional[str]:
    """Return the name that an instruction loads or stores, from variables, globals or attributes; None for others."""
    name, arg = instruction.name, instruction.arg
    if name.endswith(("_NAME", "_GLOBAL", "_ATTR", "_DICT_OR_GLOBALS")):
        # The lowest bit of these says whether a NULL or self is pushed beside the value.
        has_flag = (name == "LOAD_GLOBAL" and _FLAG_IN_LOAD_GLOBAL) or (name == "LOAD_ATTR" and _FLAG_IN_LOAD_ATTR)
        return code.co_names[arg >> 1 if has_flag else arg]
    if name.endswith(("_FAST", "_DEREF", "_FAST_CHECK", "_FAST_BORROW", "_CLASSDEREF")):
        return variable_name(code, name, arg)
    return None


def common_constant(arg: int) -> Optional[str]:
    """Return the source text of a constant that LOAD_COMMON_CONSTANT loads (CPython 3.14 and later), or None."""
    names = getattr(dis, "_common_constants", ())
    value = names[arg] if arg < len(names) else Ellipsis
    is_plain = value is None or type(value) is bool or type(value) is str or type(value) is int
    return repr(value) if is_plain else None


def slot_of_argument(code: CodeType, argument: int) -> int:
    """Return the slot of an argument, or of the cell that holds it if an inner function uses it."""
    name = code.co_varnames[argument]
    if HAS_BLOCK_STACK and name in code.co_cellvars:
        return code.co_nlocals + code.co_cellvars.index(name)
    return argument  # since 3.11 the cell replaces the argument


def slot_of_variable(code: CodeType, name: str) -> int:
    """Return the slot of a variable of a function, or of the cell that holds it; -1 if there is none of that name."""
    if HAS_BLOCK_STACK:
        slots = {**_numbered(code.co_varnames, 0), **_numbered(code.co_cellvars + code.co_freevars, code.co_nlocals)}
    else:  # since 3.11 the cell of an argument replaces it
        slots = _numbered(dict.fromkeys((*code.co_varnames, *code.co_cellvars, *code.co_freevars)), 0)
    return slots.get(name, -1)


def _numbered(names: Iterable[str], first: int) -> Dict[str, int]:
    return {name: slot for slot, name in enumerate(names, first)}


def stored_locals(instruction: Instruction) -> Tuple[int, ...]:
    """Return the slots of the local variables that get another value, or none, by *instruction*."""
    name, arg = instruction.name, instruction.arg
    if name in ("STORE_FAST", "DELETE_FAST", "LOAD_FAST_AND_CLEAR"):
        return (arg,)
    if name == "STORE_FAST_LOAD_FAST":
        return (arg >> 4,)
    if name == "STORE_FAST_STORE_FAST":
        return (arg >> 4, arg & 15)
    return ()


def loaded_local(instruction: Instruction) -> int:
    """Return the slot of the local variable that *instruction* leaves on top of the stack, or -1."""
    name, arg = instruction.name, instruction.arg
    if name in ("LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW"):
        return arg
    if name in ("LOAD_FAST_LOAD_FAST", "LOAD_FAST_BORROW_LOAD_FAST_BORROW", "STORE_FAST_LOAD_FAST"):
        return arg & 15
    return -1


def stores_variable(code: CodeType, name: str) -> bool:
    """Return whether *code*, or a function defined in it, can give the variable *name* another value."""
    for instruction in decode(code):
        if instruction.name in ("STORE_DEREF", "DELETE_DEREF"):
            if variable_name(code, instruction.name, instruction.arg) == name:
                return True
        elif name in [variable_name(code, "STORE_FAST", slot) for slot in stored_locals(instruction)]:
            return True
    return any(
        type(constant) is CodeType and name in constant.co_freevars and stores_variable(constant, name)
        for constant in code.co_consts
    )


#: First line, last line, first column, last column; see `asynctb._model.Position`.
Range = Tuple[Optional[int], Optional[int], Optional[int], Optional[int]]


def source_ranges(code: CodeType) -> List[Range]:
    """Return the source range of each 2-byte unit of *code*; before CPython 3.11 they have the line alone."""
    if hasattr(code, "co_positions"):
        return list(code.co_positions())
    units = len(code.co_code) // 2
    result: List[Range] = []
    line: Optional[int] = None
    # From 3.10 on instructions without a line are told apart; they have None in co_lines but not in findlinestarts.
    lines = getattr(code, "co_lines", None)
    starts = ((start, line) for start, _, line in lines()) if lines is not None else dis.findlinestarts(code)
    for start, following in starts:
        result.extend([(line, line, None, None)] * (start // 2 - len(result)))
        line = following
    result.extend([(line, line, None, None)] * (units - len(result)))
    return result
