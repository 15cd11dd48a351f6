"""What the program has registered with its own asynctb, of whatever version.

asynctb lists in ``asynctb._third_party`` what others than itself have registered. Versions from before there was that
list keep their own hooks and those of others together; they are told apart by the module that a function is from, and
where there is no function (`customize` can merely hide) by what it is about: asynctb hides frames of the frameworks
that it knows.
"""

from __future__ import annotations

import os
import sys
import types
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from asynctb._frameworks import _registry
from asynctb._objects import exact_str, filename_of, get_field, is_a, module_field
from asynctb._stacks.registries import is_own

_NAME = "asynctb"
_OPTIONS = ("skip_frame", "skip_callees", "get_target")
#: Where versions from 0.1 on keep hooks by type: the public function, and the variable, of which module of these.
_MODULES = ("asynctb._stacks.customize", "asynctb._customize", "asynctb._waits.facts")
_BY_TYPE = (
    ("register_root", "roots"),
    ("register_unwrap_awaitable", "awaitables"),
    ("register_unwrap_context_manager", "context_managers"),
    ("register_elaborate_context", "elaborators"),
    ("register_holders", "held_by"),
)
_VARIABLES = ("handling_by_code", "stack_finders", "waiting_functions", *[variable for _, variable in _BY_TYPE])
#: What else the first version hides frames of.
_ALSO_HIDDEN = ("async_generator", "outcome", "threading")


class Entry(NamedTuple):
    """One hook: the public function that it was registered with, what it is about, and the hook or the options."""

    name: str
    subject: Any
    value: Any


class ProgramRegistries(NamedTuple):
    """The program's asynctb, and what has been registered with it."""

    module: types.ModuleType
    entries: List[Entry]
    #: Why there may be more, or None.
    problem: Optional[str] = None


def find_registries() -> Optional[ProgramRegistries]:
    """Return what there is in the program, or None if it has no asynctb, or has not imported it to the end."""
    module = _imported(_NAME)
    if module is None or module_field(module, "customize") is None:
        return None
    table = module_field(module, "_third_party")
    if type(table) is dict:
        return ProgramRegistries(module, [entry for entry in map(_entry, tuple(table.values())) if entry is not None])
    registry = _imported(_NAME + "._registry")
    if registry is not None and module_field(registry, "HANDLING_FOR_CODE") is not None:
        return ProgramRegistries(module, [*_of_alpha(registry)])
    modules = [*filter(None, map(_imported, _MODULES))]
    variables: Dict[str, Any] = {}
    for name in _VARIABLES:
        found = [module_field(each, name) for each in modules]
        variables[name] = next((field for field in found if field is not None), ())
    if type(variables["handling_by_code"]) is dict:
        return ProgramRegistries(module, [*_of_first_layouts(variables)])
    version = exact_str(module_field(module, "__version__")) or "of an unknown version"
    return ProgramRegistries(module, [], f"The program's asynctb {version} keeps them in a way that is not known.")


def _imported(name: str) -> Optional[types.ModuleType]:
    module: Any = sys.modules.get(name)
    if not is_a(module, types.ModuleType):
        return None
    spec = module_field(module, "__spec__")
    return None if spec is not None and get_field(spec, "_initializing") is True else module


def _entry(found: object) -> Optional[Entry]:
    if type(found) is not tuple or len(found) != 3 or type(found[0]) is not str:
        return None
    return Entry(*found)


def _of_first_layouts(variables: Dict[str, Any]) -> Iterator[Entry]:
    for name, variable in _BY_TYPE:
        hooks = get_field(variables[variable], "_hooks")
        for cls, hook in tuple(hooks.values()) if type(hooks) is dict else ():
            if not is_own(hook, _NAME + "."):
                yield Entry(name, cls, hook)
    yield from _handlings(variables["handling_by_code"].values())
    for finder in tuple(variables["stack_finders"]):
        if not is_own(finder, _NAME + "."):
            yield Entry("register_stack_finder", finder, finder)
    for code, description, _ in tuple(variables["waiting_functions"]):
        yield Entry("register_wait", code, (description, "unknown"))


def _of_alpha(registry: types.ModuleType) -> Iterator[Entry]:
    """Read version 0.0.0a0, of 2020, which dispatches by `functools.singledispatch`."""
    for name in ("register_unwrap_awaitable", "register_unwrap_context_manager"):
        register = module_field(registry, name)
        if type(register) is types.FunctionType:
            cells = dict(zip(register.__code__.co_freevars, register.__closure__ or ()))
            for cls, hook in tuple(cells["registry"].cell_contents.items()):
                if not is_own(hook, _NAME + "."):
                    yield Entry(name, cls, hook)
    found = get_field(module_field(registry, "HANDLING_FOR_CODE"), "_data")
    yield from _handlings([(code, handling) for code, handling in tuple(found.values())])


def _handlings(found: Any) -> Iterator[Entry]:
    """Yield what others have said about functions.

    :param found: objects with options as fields, or pairs of code objects and such.
    """
    known = _KnownCode()
    for each in tuple(found):
        code, handling = each if type(each) is tuple else (get_field(each, "code"), each)
        options = {name: option for name in _OPTIONS for option in [get_field(handling, name)] if option}
        if options and not is_own(options.get("get_target"), _NAME + ".") and not known.has(code):
            yield Entry("customize", code, options)


class _KnownCode:
    """Tells what belongs to the frameworks that asynctb knows."""

    def __init__(self) -> None:
        names = {name.partition(".")[0] for name in (*_registry.subjects(), *_ALSO_HIDDEN)}
        self._places: Tuple[str, ...] = ()
        for module in filter(None, map(_imported, names)):
            file = exact_str(module_field(module, "__file__"))
            if file is not None:
                folder, name = os.path.split(file)
                self._places += (folder + os.sep if name.startswith("__init__.") else file,)

    def has(self, code: types.CodeType) -> bool:
        return filename_of(code).startswith(self._places)
