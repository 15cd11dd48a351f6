"""Hiding the functions of a whole library."""

from __future__ import annotations

import sys
import types
from typing import Any, Iterator, List, Set

from .._customize import customize
from .._objects import get_field, is_a, module_values

_get_class_dict: Any = vars(type)["__dict__"].__get__
#: The packages that `hide_package` was called for.
hidden_packages: Set[str] = set()


def hide_package(package: str) -> None:
    """Set `FrameInfo.hide` for the frames of all functions of *package* and its modules that are imported."""
    hidden_packages.add(package)
    for code in codes_of(package):
        customize(code, skip_frame=True)


def codes_of(package: str) -> Iterator[types.CodeType]:
    """Return the code of all functions and methods defined in *package*, with those defined inside them."""
    todo: List[Any] = []
    for name, module in tuple(sys.modules.items()):
        if _is_inside(name, package) and is_a(module, types.ModuleType):
            todo += module_values(module)
    seen: Set[int] = set()
    while todo:
        thing = todo.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        kind = type(thing)
        if kind is types.CodeType:
            yield thing
            todo += thing.co_consts
        elif kind is types.FunctionType:
            variables = thing.__globals__  # None for PyPy's own functions
            if variables is not None and _is_inside(variables.get("__name__"), package):
                todo.append(thing.__code__)
                # What decorators have put away.
                todo += [cell.cell_contents for cell in thing.__closure__ or () if _is_bound(cell)]
            else:  # what @contextmanager and the like have made of it is a function of another module
                todo.append(get_field(thing, "__wrapped__"))
        elif kind is classmethod or kind is staticmethod:
            todo.append(thing.__func__)
        elif kind is property:
            todo += [thing.fget, thing.fset, thing.fdel]
        elif is_a(thing, type):
            attributes = _get_class_dict(thing)
            if _is_inside(attributes.get("__module__"), package):
                todo += attributes.values()


def _is_inside(module_name: object, package: str) -> bool:
    return type(module_name) is str and (module_name == package or module_name.startswith(package + "."))


def _is_bound(cell: types.CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True
