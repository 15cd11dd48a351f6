"""What libraries can teach the extraction about their own functions and types.

===================================  ==================================================================================
`customize`                          hide the frames of a function, leave out what it calls, or go on elsewhere
`register_get_target`                the same, only for going on elsewhere
`register_root`                      what `Traceback.of` starts with for a type: the coroutine of a task, ...
`register_unwrap_awaitable`          what an awaitable of a type awaits
`register_unwrap_context_manager`    which manager to show instead of a manager of a type
`register_elaborate_context`         description, inner stack and children of a manager of a type
`register_stack_finder`              where to find stacks that no thread runs at the moment (switched-out greenlets)
===================================  ==================================================================================

Functions are found by their code object, types by method resolution order; both by identity, because hashing or
comparing a class would run its metaclass. Whatever is registered is kept for the life of the process.

Hooks must keep the promise of the whole library: they look at objects of the program, and run nothing of it. A hook
that raises costs its own contribution only: the reason stands in `Traceback.error` or `ContextInfo.unknown`.
"""

from __future__ import annotations

import functools
import inspect
import types
import weakref
from typing import Any, Callable, Dict, Generic, List, Optional, Protocol, Tuple, TypeVar, Union, cast, overload

import attrs

from .._model import ContextInfo, Traceback
from .._objects import exact_str, mro_of, note_type

#: What a hook may return to say where a stack goes on:
#:
#: - an awaitable, generator or async generator (or, at the root and from ``get_target``, an object whose type has a
#:   `register_root` hook): its stack;
#: - a frame: that frame and, if it is running, everything that it calls;
#: - a tuple of frames, outermost first: exactly these; its last item may be any other target, to go on with;
#: - a traceback (`types.TracebackType`): its frames, each where it was then. They have mostly finished, so no hook says
#:   where the stack goes on from there;
#: - None: nothing more is known.
Target = Optional[object]
GetTarget = Callable[[types.FrameType, Optional[types.FrameType]], Target]
Unwrap = Callable[[Any], Target]
StackFinder = Callable[[types.FrameType], Union[types.FrameType, Tuple[types.FrameType, ...], None]]

H = TypeVar("H")
F = TypeVar("F", bound=Callable[..., Any])


#: What is unknown about a context that `Walk.context` returns when one stack has too much inside of its managers.
NO_ROOM = "left out: there is too much inside of the context managers of this stack"


class Walk(Protocol):
    """The extraction that a `register_elaborate_context` hook is called by, for what is inside a manager."""

    def stack(self, root: object) -> Traceback:
        """Return the stack of *root*, to become `ContextInfo.inner` or one of the `ContextInfo.children`."""

    def child(self, task: object) -> Traceback:
        """Return the stack of a child task, which has no frames unless the caller wants those of children."""

    def context(self, manager: object, *, is_async: bool = False, description: Optional[str] = None) -> ContextInfo:
        """Return *manager* as a context without a statement of its own, elaborated; *description* overrides."""


Elaborate = Callable[[ContextInfo, Walk], Optional[ContextInfo]]


#: Types of managers that no hook is about: most of them. Looked at before the registries, for speed; see `note_type`.
plain_manager_types: Dict[int, weakref.ref[type]] = {}


class TypeRegistry(Generic[H]):
    """Hooks by type; a subclass has the hook of its nearest base."""

    def __init__(self) -> None:
        self._hooks: Dict[int, Tuple[type, H]] = {}
        self._found: Dict[int, Tuple[weakref.ref[type], Optional[H]]] = {}

    def register(self, cls: type, hook: H) -> None:
        self._hooks[id(cls)] = cls, hook
        self._found.clear()
        plain_manager_types.clear()

    def find(self, cls: type) -> Optional[H]:
        entry = self._found.get(id(cls))
        if entry is not None and entry[0]() is cls:
            return entry[1]
        hook = None
        for base in mro_of(cls):
            registered = self._hooks.get(id(base))
            if registered is not None:
                hook = registered[1]
                break
        key, found = id(cls), self._found
        found[key] = weakref.ref(cls, functools.partial(found.pop, key)), hook
        return hook

    def decorator(self, cls: type) -> Callable[[F], F]:
        if not isinstance(cls, type):
            raise TypeError(f"expected a type, got {cls!r}")

        def register(function: F) -> F:
            self.register(cls, cast(H, function))
            return function

        return register


@attrs.frozen(eq=False, repr=False)
class Handling:
    """What `customize` says about the frames of one code object."""

    code: types.CodeType
    skip_frame: bool = False
    skip_callees: bool = False
    get_target: Optional[GetTarget] = None


#: By the identity of the code object, which the value keeps alive: equal code objects are not the same function.
handling_by_code: Dict[int, Handling] = {}
roots: TypeRegistry[Unwrap] = TypeRegistry()
awaitables: TypeRegistry[Unwrap] = TypeRegistry()
context_managers: TypeRegistry[Unwrap] = TypeRegistry()
elaborators: TypeRegistry[Elaborate] = TypeRegistry()
stack_finders: List[StackFinder] = []
#: What an object with a stack is called, for titles.
names: TypeRegistry[Callable[[Any], Optional[str]]] = TypeRegistry()


def has_manager_hooks(cls: type) -> bool:
    """Return whether a hook is about managers of type *cls*; if not, note it in `plain_manager_types`."""
    if elaborators.find(cls) is not None or context_managers.find(cls) is not None:
        return True
    note_type(plain_manager_types, cls)
    return False


def code_objects_of(thing: object, *nested_names: str) -> Tuple[types.CodeType, ...]:
    """Return the code of a function, method, partial, decorated function or code object, or of what is nested in it.

    Several nested functions of one name (in the branches of an ``if``) are all meant.

    :raises TypeError: if *thing* has no code.
    :raises ValueError: if nothing inside has one of the names.
    """
    while not isinstance(thing, (types.CodeType, types.FunctionType)):
        if isinstance(thing, functools.partial):
            thing = thing.func
        elif isinstance(thing, (types.MethodType, classmethod, staticmethod)):
            thing = thing.__func__
        elif hasattr(thing, "__wrapped__"):
            thing = thing.__wrapped__
        else:
            raise TypeError(f"{thing!r} has no code object")
    codes: Tuple[types.CodeType, ...]
    codes = (thing if isinstance(thing, types.CodeType) else inspect.unwrap(thing).__code__,)
    for depth, name in enumerate(nested_names):
        inside = [const for code in codes for const in code.co_consts if isinstance(const, types.CodeType)]
        found = tuple(code for code in inside if exact_str(code.co_name) == name)
        if not found:
            path = ".".join((exact_str(codes[0].co_name) or "?", *nested_names[:depth]))
            raise ValueError(f"no function or class named {name!r} in {path}")
        codes = found
    return codes


@overload
def customize(
    *,
    skip_frame: Optional[bool] = None,
    skip_callees: Optional[bool] = None,
    get_target: Optional[GetTarget] = None,
) -> Callable[[F], F]: ...


@overload
def customize(
    thing: Union[Callable[..., Any], types.CodeType],
    *nested_names: str,
    skip_frame: Optional[bool] = None,
    skip_callees: Optional[bool] = None,
    get_target: Optional[GetTarget] = None,
) -> None: ...


def customize(
    thing: Optional[object] = None,
    *nested_names: str,
    skip_frame: Optional[bool] = None,
    skip_callees: Optional[bool] = None,
    get_target: Optional[GetTarget] = None,
) -> Optional[Callable[[F], F]]:
    """Change how frames of a function appear in stacks. Without *thing*, a decorator for that function.

    Options that are not given keep what an earlier call said.

    :param thing: a function, method, `functools.partial`, decorated function, or code object.
    :param nested_names: names that lead from *thing* to a function defined inside it.
    :param skip_frame: set `FrameInfo.hide` for its frames.
    :param skip_callees: end the stack there: what the function calls or awaits is of no interest.
    :param get_target: called with a frame of the function and the next frame inward (None if it is the innermost).
        If it returns something, the stack goes on there instead.
    :raises TypeError: if *thing* has no code object, or one of the options has the wrong type.
    :raises ValueError: if *nested_names* lead nowhere.
    """
    for name, option in (("skip_frame", skip_frame), ("skip_callees", skip_callees)):
        if option is not None and not isinstance(option, bool):
            raise TypeError(f"{name} must be a bool or None, not {option!r}")
    if get_target is not None and not callable(get_target):
        raise TypeError(f"get_target must be callable or None, not {get_target!r}")
    if thing is None:

        def decorate(function: F) -> F:
            customize(function, skip_frame=skip_frame, skip_callees=skip_callees, get_target=get_target)
            return function

        return decorate
    for code in code_objects_of(thing, *nested_names):
        known = handling_by_code.get(id(code), Handling(code))
        handling_by_code[id(code)] = Handling(
            code,
            skip_frame=known.skip_frame if skip_frame is None else skip_frame,
            skip_callees=known.skip_callees if skip_callees is None else skip_callees,
            get_target=known.get_target if get_target is None else get_target,
        )
    return None


def register_get_target(
    thing: Union[Callable[..., Any], types.CodeType], *nested_names: str
) -> Callable[[GetTarget], GetTarget]:
    """Return a decorator that makes a function the *get_target* of `customize` for *thing*."""

    def decorate(get_target: GetTarget) -> GetTarget:
        customize(thing, *nested_names, get_target=get_target)
        return get_target

    return decorate


def register_root(cls: type) -> Callable[[F], F]:
    """Return a decorator for a hook that says where the stack of a *cls* begins, for `Traceback.of`.

    The hook gets the object (a task, a greenlet, a thread, ...) and returns a `Target`; None means that it has no
    stack, because it has not begun or has ended. Not used for what is merely awaited: awaiting a task ends a stack.
    """
    return roots.decorator(cls)


def register_unwrap_awaitable(cls: type) -> Callable[[F], F]:
    """Return a decorator for a hook that says what an awaitable of type *cls* awaits.

    The hook gets the awaitable and returns a `Target`; None means that it ends the stack, as its `Traceback.leaf`.
    """
    return awaitables.decorator(cls)


def register_unwrap_context_manager(cls: type) -> Callable[[F], F]:
    """Return a decorator for a hook that says which manager a manager of type *cls* stands for.

    The hook gets the manager and returns the one to show instead, or None to keep it.
    """
    return context_managers.decorator(cls)


def register_elaborate_context(cls: type) -> Callable[[F], F]:
    """Return a decorator for a hook that completes the `ContextInfo` of a manager of type *cls*.

    The hook gets the `ContextInfo` and a `Walk`, and returns a changed copy (`attrs.evolve`) with a description, an
    inner stack, children, or `ContextInfo.unknown` saying why something is missing; None means no change.
    """
    return elaborators.decorator(cls)


def register_stack_finder(function: StackFinder) -> StackFinder:
    """Register a function that finds stacks that no thread runs at the moment, such as those of other greenlets.

    It is called with a frame that must be running but is on no thread's stack, and returns the innermost frame of
    the stack that it is on; or, if ``f_back`` does not lead from that to the frame, all of the stack from the outermost
    frame on; or None.
    """
    stack_finders.append(function)
    return function


#: Called at the start of each extraction; set by the glue, which installs itself for what was imported since.
refresh_glue: List[Callable[[], None]] = []
