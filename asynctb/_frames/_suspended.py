"""The quick way to the contexts of a suspended frame, if all are active and their managers are bound in the usual way.

That is what most frames of a program are, and there can be a hundred thousand of them. So what happens is written out
for each number of contexts, with what is known of an instruction in variables of a closure.
"""

from __future__ import annotations

import gc
import struct
import types
from typing import Any, Callable, Dict, Tuple, cast

from .._code.with_blocks import QuickPlan, QuickRead
from .._objects import defines_exit, defining_exit
from .._quick import new_active_context
from ._memory import MEMORY, WORD

#: Bits of a slot that are a tag, and not the address of an object; since 3.14 (pycore_stackref.h).
_TAG = 3

# Each object is taken from its usual place in the list of what the collector sees, and must then be what its slot
# holds. As the list keeps its objects alive, a word that is the address of one of them means that object.
#
# Threads are switched after a call (and up to 3.11 by what a garbage collection runs, when a tuple is made), not
# between a comparison and the call that follows. So from 3.11 on the words are those at this instruction. Before,
# threads are switched between almost any two instructions; but a slot holds another exit callable each time a block is
# entered, and the same ones at the same instruction before and after are of the same contexts.
_SOURCE = """
def make(lasti, unpack, {parameters}):
    def read(frame, holder, address):
        known = last = None
        referents = get_referents(holder)
        if frame.f_lasti != lasti:
            return None
        try:
            {words}, = unpack(MEMORY, address)
            if frame.f_lasti != lasti:
                return None
            {found}, = {items},
        except (IndexError, StructError):  # a stack that is not shown, or beyond the end of the buffer
            return None
        {checks}
        return {results},
    return read
"""
_EXIT_CHECK = """
        if id(found{0}) != word{0} or type(found{0}) is not MethodType:
            return None
        found{0} = found{0}.__self__
        kind = type(found{0})
        if kind is not known or defining{0} is not last:  # managers of a kind tend to come together
            known, last = kind, defining{0}
            noted = last.get(id(kind))
            if (noted is None or noted() is not kind) and not defines_exit(kind, block{0}.is_async):
                return None
"""
_MANAGER_CHECK = """
        if id(found{0}) != word{0} and id(found{0}) != word{0} & ~TAG:
            return None
"""

_makers: Dict[Tuple[int, bool], Callable[..., QuickRead]] = {}


def quick_read(plan: QuickPlan, lasti: int) -> QuickRead:
    """Return what reads the contexts of a frame that is suspended at *lasti*, as *plan* says."""
    count = len(plan.slots)
    make = _makers.get((count, plan.holds_managers))
    if make is None:
        make = _makers[count, plan.holds_managers] = _maker(count, plan.holds_managers)
    layout = "".join(f"{(slot - before - 1) * WORD}xN" for before, slot in zip((-1, *plan.slots), plan.slots))
    defining = [defining_exit[block.is_async] for block in plan.blocks]
    return make(lasti, struct.Struct(layout).unpack_from, *plan.places, *plan.blocks, *defining)


def _maker(count: int, holds_managers: bool) -> Callable[..., QuickRead]:
    def each(text: str, separator: str = ", ") -> str:
        return separator.join([text.format(number) for number in range(count)])

    source = _SOURCE.format(
        parameters=", ".join(map(each, ("place{}", "block{}", "defining{}"))),
        words=each("word{}"),
        found=each("found{}"),
        items=each("referents[place{}]"),
        checks=each(_MANAGER_CHECK if holds_managers else _EXIT_CHECK, ""),
        results=each("new_active_context(found{0}, block{0})"),
    )
    space: Dict[str, Any] = {
        "MEMORY": MEMORY,
        "MethodType": types.MethodType,
        "StructError": struct.error,
        "TAG": _TAG,
        "__name__": __name__,
        "defines_exit": defines_exit,
        "get_referents": gc.get_referents,
        "new_active_context": new_active_context,
    }
    exec(source, space)
    return cast(Callable[..., QuickRead], space["make"])
