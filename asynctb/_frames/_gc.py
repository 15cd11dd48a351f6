"""Telling apart the values on a frame's stack by their order alone, as the garbage collector lists them.

Where no memory is read, this is what there is: a list of the objects that a frame or a generator-like object refers to,
the values of its stack last, without NULLs.
"""

from __future__ import annotations

from typing import Dict, List, Set

from .._code.simulation import Kind, Stage
from .._code.with_blocks import Plan
from .._objects import class_attribute, is_a
from ._managers import manager_of_exit


def exits_by_order(
    plan: Plan, depth: int, first: int, referents: List[object], lists_once: bool = False
) -> Dict[int, object]:
    """Return the exit callables and selfs that *plan* names, by slot, those of them that can be told.

    Every way to assign the end of *referents* to the stack is tried. What is the same in all of them is certain.

    :param depth: how many values of the stack *referents* ends with.
    :param first: the slot of the lowest value of the stack.
    :param lists_once: whether *referents* has each object only once, so that most values can be missing (PyPy).
    """
    for only_managers in (True, False):
        found = _Assignment(plan, depth, first, referents, lists_once, only_managers).certain()
        if found:
            return found
    return {}


def exception_of(plan: Plan, referents: List[object]) -> Dict[int, object]:
    """Return the exception that *plan* names, by slot, if it is the only one among *referents*."""
    slots = [context.error_slot for context in plan.contexts if context.error_slot >= 0]
    found = {id(referent): referent for referent in referents if slots and is_a(referent, BaseException)}
    return dict(zip(slots, found.values())) if len(found) == 1 else {}


class _Assignment:
    """All ways to assign the end of a list of referents to the values of a stack."""

    def __init__(
        self, plan: Plan, depth: int, first: int, referents: List[object], lists_once: bool, only_managers: bool
    ) -> None:
        """Find them.

        :param only_managers: whether what an exit is bound to must have an exit method.
        """
        self.first = first
        self.referents = referents
        self.depth = depth
        #: By position: whether a manager that is bound there, or its exit, is async.
        self.bound: Dict[int, bool] = {}
        self.exits = set()
        for context in plan.contexts:
            if context.exit_slot >= 0:
                self.exits.add(context.exit_slot - first)
                self.bound[max(context.exit_slot, context.self_slot) - first] = context.block.is_async
        self.only_managers = only_managers
        # By position: whether the stack can hold an object there that is listed, and one that is not, or NULL.
        self.listed: List[bool] = []
        self.missing: List[bool] = []
        for position, symbol in enumerate(plan.stack[:depth]):
            kind = symbol.kind if symbol is not None else None
            can_be_null = kind in (Kind.NULL, Kind.MAYBE_NULL)
            if kind is Kind.EXIT_SELF:  # NULL only if the exit is not a method of the manager
                can_be_null = not (only_managers and position in self.bound)
            # Each time a block is entered, its exit is a new object.
            is_new = position in self.exits or (symbol is not None and kind is Kind.EXIT and symbol.stage is Stage.DONE)
            self.listed.append(kind is not Kind.NULL)
            self.missing.append(position not in self.exits and (can_be_null or (lists_once and not is_new)))
        # By position: how many referents can lie below it.
        self.below: List[Set[int]] = [{len(referents)}]
        for position in range(depth - 1, -1, -1):
            above = self.below[-1]
            counts = {count - 1 for count in above if count and self._fits(position, count - 1)}
            self.below.append(counts | above if self.missing[position] else counts)
        self.below.reverse()

    def _fits(self, position: int, index: int) -> bool:
        if not self.listed[position]:
            return False
        if not self.only_managers or position not in self.bound:
            return True
        value, is_async = self.referents[index], self.bound[position]
        if position in self.exits:
            return manager_of_exit(value, is_async) is not None
        return class_attribute(type(value), "__aexit__" if is_async else "__exit__") is not None

    def certain(self) -> Dict[int, object]:
        """Return the object in each slot of interest for which there is only one."""
        result = {}
        counts = self.below[0]
        for position in range(self.depth):
            above = self.below[position + 1]
            places = [count for count in counts if count + 1 in above and self._fits(position, count)]
            skips = counts & above if self.missing[position] else set()
            if position in self.exits or position in self.bound:
                objects = {id(self.referents[index]): self.referents[index] for index in places}
                if len(objects) == 1 and not skips:
                    (result[self.first + position],) = objects.values()
            counts = {count + 1 for count in places} | skips
        return result
