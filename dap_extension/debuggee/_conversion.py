"""Results of the helper's copy of asynctb as those of the program's, which may be of another version, and back.

A hook of the program gets, and makes, objects of the classes that it can import.
"""

from __future__ import annotations

import types
from typing import Any, Dict, FrozenSet, List, Optional, Tuple

from asynctb._model import ContextInfo, FrameInfo, Position, Traceback, WithBlock
from asynctb._objects import class_attribute, get_field, is_a, module_field, type_name
from asynctb._stacks.customize import Walk
from asynctb._waits.facts import Held

#: The fields that hold other results, or tuples of them. In all others are objects of the program.
_INSIDE = frozenset({"block", "children", "contexts", "frames", "inner", "position"})
_CLASSES: Tuple[type, ...] = (ContextInfo, FrameInfo, Position, Traceback, WithBlock)


class Conversion:
    """What has been converted for one call of a hook: what it hands back unchanged stays what it was.

    :param module: the program's asynctb.
    """

    def __init__(self, module: types.ModuleType) -> None:
        found: List[Tuple[type, Any]] = [(cls, module_field(module, cls.__name__)) for cls in _CLASSES]
        self._theirs = {id(ours): theirs for ours, theirs in found if is_a(theirs, type)}
        self._ours: Dict[int, Any] = {id(theirs): ours for ours, theirs in found if is_a(theirs, type)}
        #: By the address of theirs: theirs and ours.
        self._made: Dict[int, Tuple[object, object]] = {}

    def to_program(self, ours: Any) -> Any:
        """Return a result of ours as one of theirs."""
        if type(ours) is tuple:
            return tuple(map(self.to_program, ours))
        cls = self._theirs.get(id(type(ours)))
        if cls is None:
            if any(type(ours) is each for each in _CLASSES):
                raise TypeError(f"the program's asynctb has no {type_name(type(ours))}")
            return ours
        known = _field_names(cls)
        made = cls(**{name: self._field(ours, name, self.to_program) for name in _field_names(type(ours)) & known})
        self._made[id(made)] = made, ours
        return made

    def from_program(self, theirs: Any) -> Any:
        """Return a result of theirs as one of ours; anything else as it is."""
        if type(theirs) is tuple:
            return tuple(map(self.from_program, theirs))
        known = self._made.get(id(theirs))
        if known is not None:
            return known[1]
        cls = self._ours.get(id(type(theirs)))
        if cls is None:
            return theirs
        names = _field_names(cls) & _field_names(type(theirs))
        ours = cls(**{name: self._field(theirs, name, self.from_program) for name in names})
        self._made[id(theirs)] = theirs, ours
        return ours

    @staticmethod
    def _field(result: object, name: str, convert: Any) -> Any:
        value = get_field(result, name)
        return convert(value) if name in _INSIDE else value


def _field_names(cls: type) -> FrozenSet[str]:
    fields: Any = class_attribute(cls, "__attrs_attrs__")
    return frozenset([get_field(field, "name") for field in tuple.__iter__(fields)])


class ProgramWalk:
    """A `Walk` for hooks of the program."""

    def __init__(self, walk: Walk, conversion: Conversion) -> None:
        self._walk = walk
        self._conversion = conversion

    def stack(self, root: object) -> Any:
        return self._conversion.to_program(self._walk.stack(root))

    def child(self, task: object) -> Any:
        return self._conversion.to_program(self._walk.child(task))

    def context(self, manager: object, *, is_async: bool = False, description: Optional[str] = None) -> Any:
        context = self._walk.context(manager, is_async=is_async, description=description)
        return self._conversion.to_program(context)


def held(theirs: object) -> object:
    """Return what a hook has said about a lock as a `Held` of ours."""
    return Held(*tuple.__iter__(theirs)) if is_a(theirs, tuple) else theirs  # type: ignore[arg-type]
