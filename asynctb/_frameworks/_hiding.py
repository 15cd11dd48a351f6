"""Hiding the functions of a whole library."""

from __future__ import annotations

import sys
import types
from typing import Any, Dict, Iterator, List, Sequence, Set

from .._objects import get_field, is_a, module_field, module_values
from .._stacks.customize import customize

_get_class_dict: Any = vars(type)["__dict__"].__get__

#: Names of packages, and of their modules that have been looked at.
hidden_packages: Dict[str, Set[str]] = {}


def hide_package(package: str) -> None:
    """Set `FrameInfo.hide` for the frames of all functions of *package* and its modules, also those imported later."""
    hidden_packages.setdefault(package, set())
    hide_new_modules()


def hide_new_modules() -> bool:
    """Do so for the modules that have been imported since, and return whether an import has not finished."""
    unfinished = False
    new: Dict[str, List[types.ModuleType]] = {}
    for name, module in tuple(sys.modules.items()):
        package = name.partition(".")[0] if type(name) is str else ""
        if package in hidden_packages and name not in hidden_packages[package] and is_a(module, types.ModuleType):
            spec = module_field(module, "__spec__")
            if spec is not None and get_field(spec, "_initializing") is True:
                unfinished = True
                continue
            hidden_packages[package].add(name)
            new.setdefault(package, []).append(module)
    for package, modules in new.items():
        for code in _codes_in(package, modules):
            customize(code, skip_frame=True)
    return unfinished


def codes_of(package: str) -> Iterator[types.CodeType]:
    """Return the code of all functions and methods defined in *package*, with those defined inside them."""
    modules = tuple(sys.modules.items())
    return _codes_in(package, [module for name, module in modules if _is_inside(name, package)])


def _codes_in(package: str, modules: Sequence[types.ModuleType]) -> Iterator[types.CodeType]:
    todo: List[Any] = []
    for module in modules:
        if is_a(module, types.ModuleType):
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
