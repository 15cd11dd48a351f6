"""Where hooks are kept: what asynctb itself knows, and on top of it what others have registered.

Of a hook of asynctb's own and one of somebody else for the same type or function, that of somebody else is used,
whichever was registered first: rooms are loaded when their framework is imported, which may be later.
"""

from __future__ import annotations

import functools
import types
import weakref
from typing import Any, Callable, Dict, Generic, Optional, Tuple, TypeVar, cast

from .._objects import exact_str, mro_of, type_name

H = TypeVar("H")
F = TypeVar("F", bound=Callable[..., Any])

_PACKAGE = __name__.rpartition("_stacks.")[0]

#: All that others have registered, in its order: the name of the public function, what it is about (a type, a code
#: object, or for stack finders the function itself), and the hook, or for `customize` the options that were given. By
#: the name and the address of what it is about. A debugger's copy of asynctb, which may be of another version, finds
#: this as ``asynctb._third_party``.
third_party: Dict[Tuple[str, int], Tuple[str, Any, Any]] = {}

#: Types of managers that no hook is about: most of them. Looked at before the registries, for speed; see `note_type`.
plain_manager_types: Dict[int, weakref.ref[type]] = {}


def is_own(function: object, package: str = _PACKAGE) -> bool:
    """Return whether a hook is asynctb's own.

    :param package: the name of asynctb, with a dot at the end; that of another copy for its hooks.
    """
    while type(function) is functools.partial:
        function = function.func
    if type(function) is types.MethodType:
        return is_own(function.__func__, package)
    if type(function) is types.FunctionType:
        return is_own_module(function.__globals__, package)
    return type_name(type(function)).startswith(package)


def is_own_module(variables: Dict[str, Any], package: str = _PACKAGE) -> bool:
    """Return whether these are the global variables of a module of asynctb."""
    return (exact_str(dict.get(variables, "__name__")) or "").startswith(package)


class TypeRegistry(Generic[H]):
    """Hooks by type; a subclass has the hook of its nearest base.

    :param name: of the public function that others register hooks with, if there is one.
    """

    def __init__(self, name: str = "") -> None:
        self._name = name
        self._own: Dict[int, Tuple[type, H]] = {}
        self._others: Dict[int, Tuple[type, H]] = {}
        self._found: Dict[int, Tuple[weakref.ref[type], Optional[H]]] = {}

    def register(self, cls: type, hook: H) -> None:
        if is_own(hook):
            self._own[id(cls)] = cls, hook
        else:
            self._others[id(cls)] = cls, hook
            third_party[self._name, id(cls)] = self._name, cls, hook
        self._forget_found()

    def withdraw(self, cls: type) -> None:
        """Take back what others have registered for *cls*."""
        self._others.pop(id(cls), None)
        third_party.pop((self._name, id(cls)), None)
        self._forget_found()

    def _forget_found(self) -> None:
        self._found.clear()
        plain_manager_types.clear()

    def find(self, cls: type) -> Optional[H]:
        entry = self._found.get(id(cls))
        if entry is not None and entry[0]() is cls:
            return entry[1]
        hook = None
        for base in mro_of(cls):
            registered = self._others.get(id(base)) or self._own.get(id(base))
            if registered is not None:
                hook = registered[1]
                break
        key, found = id(cls), self._found
        found[key] = weakref.ref(cls, functools.partial(found.pop, key)), hook
        return hook

    def find_own(self, cls: type) -> Optional[H]:
        """Return the hook of asynctb itself, whatever others have registered."""
        return next((self._own[id(base)][1] for base in mro_of(cls) if id(base) in self._own), None)

    def decorator(self, cls: type) -> Callable[[F], F]:
        if not isinstance(cls, type):
            raise TypeError(f"expected a type, got {cls!r}")

        def register(function: F) -> F:
            self.register(cls, cast(H, function))
            return function

        return register
