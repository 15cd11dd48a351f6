"""Where hooks are kept: what asynctb itself knows, and on top of it what others have registered.

Of a hook of asynctb's own and one of somebody else for the same type or function, that of somebody else is used,
whichever was registered first: rooms are loaded when their framework is imported, which may be later.
"""

from __future__ import annotations

import functools
import types
import weakref
from typing import Any, Callable, Dict, Generic, List, Optional, Tuple, TypeVar, cast

from .._objects import exact_str, mro_of, type_name
from .virtual import is_abstract, registrations, virtual_subclasses

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


#: Those with hooks for classes that others can be registered with, and what `virtual.registrations` was when it was
#: last looked at which are.
_with_abstract: List[TypeRegistry[Any]] = []
_registrations: object = None


def refresh_virtual() -> None:
    """Take note of classes that have been registered with others since the last call."""
    global _registrations
    if _with_abstract and registrations() != _registrations:
        _registrations = registrations()
        for registry in _with_abstract:
            registry.forget_found()


class TypeRegistry(Generic[H]):
    """Hooks by type; a subclass has the hook of its nearest base, or else that of an abstract base class.

    :param name: of the public function that others register hooks with, if there is one.
    """

    def __init__(self, name: str = "") -> None:
        self._name = name
        self._own: Dict[int, Tuple[type, H]] = {}
        self._others: Dict[int, Tuple[type, H]] = {}
        self._found: Dict[int, Tuple[weakref.ref[type], Optional[H]]] = {}
        #: Hooks for abstract base classes, by the classes registered with these; None if that is to be found out.
        self._virtual: Optional[Dict[int, Tuple[weakref.ref[type], type, H]]] = None

    def register(self, cls: type, hook: H) -> None:
        if not self._name or is_own(hook):
            self._own[id(cls)] = cls, hook
        else:
            self._others[id(cls)] = cls, hook
            third_party[self._name, id(cls)] = self._name, cls, hook
        if is_abstract(cls) and not any(registry is self for registry in _with_abstract):
            _with_abstract.append(self)
        self.forget_found()

    def withdraw(self, cls: type) -> None:
        """Take back what others have registered for *cls*."""
        self._others.pop(id(cls), None)
        third_party.pop((self._name, id(cls)), None)
        self.forget_found()

    def forget_found(self) -> None:
        self._virtual = None
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
        else:
            if any(registry is self for registry in _with_abstract):
                hook = self._find_virtual(cls)
        key, found = id(cls), self._found
        found[key] = weakref.ref(cls, functools.partial(found.pop, key)), hook
        return hook

    def _find_virtual(self, cls: type) -> Optional[H]:
        virtual = self._virtual
        if virtual is None:
            virtual = self._virtual = self._list_virtual()
        for base in mro_of(cls):
            entry = virtual.get(id(base))
            if entry is not None and entry[0]() is base:
                return entry[2]
        return None

    def _list_virtual(self) -> Dict[int, Tuple[weakref.ref[type], type, H]]:
        found: Dict[int, Tuple[weakref.ref[type], type, H]] = {}
        for cls, hook in tuple({**self._own, **self._others}.values()):
            for registered in virtual_subclasses(cls) if is_abstract(cls) else ():
                known = found.get(id(registered))
                # Of two classes, one of which is a subclass of the other, that one; otherwise the last.
                if known is None or not any(base is cls for base in mro_of(known[1])):
                    found[id(registered)] = weakref.ref(registered), cls, hook
        return found

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


class CodeRegistry(Generic[H]):
    """Hooks by function: by its code object, which is told apart by its identity and kept alive.

    :param name: of the public function that hooks are registered with.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._hooks: Dict[int, Tuple[types.CodeType, H]] = {}

    def register(self, code: types.CodeType, hook: H) -> None:
        self._hooks[id(code)] = code, hook
        if not is_own(hook):
            third_party[self._name, id(code)] = self._name, code, hook

    def withdraw(self, code: types.CodeType) -> None:
        """Take back what has been registered for *code*."""
        self._hooks.pop(id(code), None)
        third_party.pop((self._name, id(code)), None)

    def find(self, code: types.CodeType) -> Optional[H]:
        entry = self._hooks.get(id(code))
        return None if entry is None else entry[1]

    def __bool__(self) -> bool:
        return bool(self._hooks)
