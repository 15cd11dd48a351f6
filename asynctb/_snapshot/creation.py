"""Where tasks and threads were made: what frameworks record themselves, and what a program has asked us to record."""

from __future__ import annotations

import functools
import sys
import types
import weakref
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple, cast

from .._code.with_blocks import position_at
from .._model import Location
from .._objects import class_attribute, filename_of, funcname_of, is_a, module_field
from .._stacks.customize import customize
from .sets import imported

#: Where a program that is debugged has its records, if it records.
_MODULE = "asynctb._snapshot.creation"
#: How many records there are at least before those are dropped whose objects are gone.
_FEWEST = 10_000
#: Methods that make or start what is to be recorded: module, class and method, whether that returns it; it is ``self``
#: otherwise. Without a method: the functions of the module make tasks for others.
Makers = Sequence[Tuple[str, str, bool]]

#: By identity of the object, which is not kept alive: the instruction that made it.
_records: Dict[int, Tuple[weakref.ref[Any], types.CodeType, int]] = {}
_makers: List[Tuple[str, str, bool]] = []
_packages: Set[str] = {__name__.partition(".")[0]}
#: By the names of modules that have made something, whether they are of these.
_is_makers: Dict[str, bool] = {}
_is_on = False
_most = _FEWEST
#: Each gets an object and returns where it was made if its framework has recorded that, or None.
finders: List[Callable[[object], Optional[Location]]] = []


class _Patched(NamedTuple):
    cls: type
    name: str
    original: Callable[..., Any]
    ours: Callable[..., Any]


_patched: List[_Patched] = []


def add_makers(makers: Makers) -> None:
    """Add what a room knows."""
    _makers.extend(makers)
    _packages.update(module.partition(".")[0] for module, _, _ in makers)
    _is_makers.clear()


def record_creation(on: bool = True) -> None:
    """Record from now on where tasks and threads are made, so that `Activity.created_at` tells; or stop that.

    It costs about a microsecond for each. Of a framework that is imported later, nothing is recorded until a
    snapshot is made, or this is called again.

    :param on: whether to record.
    """
    global _is_on
    _is_on = on
    if on:
        record_more()
        return
    for each in _patched:
        if type.__dict__["__dict__"].__get__(each.cls).get(each.name) is each.ours:
            setattr(each.cls, each.name, each.original)
    _patched.clear()
    _records.clear()


def record_more() -> None:
    """Record what is made by frameworks that have been imported meanwhile, if that is wanted."""
    for module_name, path, is_returned in _makers if _is_on else ():
        module = imported(module_name)
        class_name, _, name = path.rpartition(".")
        cls: Any = module_field(module, class_name) if module is not None and class_name else None
        original = class_attribute(cls, name) if is_a(cls, type) else None
        if type(original) is not types.FunctionType or any(original is each.ours for each in _patched):
            continue
        ours = _returning(original) if is_returned else _starting(original)
        functools.update_wrapper(ours, original)
        customize(ours, skip_frame=True)
        setattr(cls, name, ours)
        _patched.append(_Patched(cls, name, original, ours))


def _returning(original: Callable[..., Any]) -> Callable[..., Any]:
    def create(*args: Any, **kwargs: Any) -> Any:
        made = original(*args, **kwargs)
        _record(made, sys._getframe(1))
        return made

    return create


def _starting(original: Callable[..., Any]) -> Callable[..., Any]:
    def start(*args: Any, **kwargs: Any) -> Any:
        if args:
            _record(args[0], sys._getframe(1))
        return original(*args, **kwargs)

    return start


def _record(made: object, caller: Optional[types.FrameType]) -> None:
    try:
        frame = caller
        while frame is not None:
            name = dict.get(frame.f_globals, "__name__")
            if type(name) is not str or not (_is_makers[name] if name in _is_makers else _is_maker(name)):
                _records[id(made)] = weakref.ref(made), frame.f_code, frame.f_lasti
                break
            frame = frame.f_back
        if len(_records) > _most:
            _forget()
    except Exception:  # it cannot be referred to weakly, or the caller is near the recursion limit
        pass


def _is_maker(name: str) -> bool:
    """Return whether a module only makes tasks for others."""
    found = _is_makers[name] = name.partition(".")[0] in _packages
    return found


def _forget() -> None:
    """Drop the records of what is gone."""
    global _most
    for key, record in tuple(_records.items()):
        if record[0]() is None and _records.get(key) is record:
            _records.pop(key, None)
    _most = max(_FEWEST, 2 * len(_records))


class Creations:
    """What is recorded at the moment."""

    def __init__(self) -> None:
        module = imported(_MODULE)
        records = module_field(module, "_records") if module is not None else None
        self._records: Dict[int, object] = records if type(records) is dict else {}

    def place_of(self, made: object) -> Optional[Location]:
        """Return where *made* was made, or None if nobody has recorded it."""
        record = self._records.get(id(made)) if self._records else None
        if type(record) is tuple and len(record) == 3:
            reference, code, lasti = record
            if type(reference) is weakref.ref and type(code) is types.CodeType and reference() is made:
                position = position_at(code, cast(int, lasti))
                return Location(filename_of(code), position.line, funcname_of(code))
        for find in finders:
            found = find(made)
            if found is not None:
                return found
        return None
