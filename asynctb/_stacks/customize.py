"""What libraries can teach the extraction about their own functions and types.

===================================  ==================================================================================
`customize`                          hide the frames of a function, leave out what it calls, or go on elsewhere
`register_get_target`                the same, only for going on elsewhere
`register_elaborate_frame`           change a frame of a function as it is shown: hide this one, change its contexts
`register_root`                      what `Traceback.of` starts with for a type: the coroutine of a task, ...
`register_unwrap_awaitable`          what an awaitable of a type awaits
`register_unwrap_context_manager`    which manager to show instead of a manager of a type
`register_elaborate_context`         description, inner stack and children of a manager of a type
`register_unwrap_context_generator`     the same two for managers that a ``@contextmanager`` function has made
`register_elaborate_context_generator`
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
import sys
import types
from typing import Any, Callable, Dict, List, Optional, Protocol, Tuple, TypeVar, Union, overload

import attrs

from .._model import ContextInfo, FrameInfo, Traceback
from .._objects import exact_str, note_type
from .registries import CodeRegistry, TypeRegistry, is_own, is_own_module, plain_manager_types, third_party

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

F = TypeVar("F", bound=Callable[..., Any])


#: What is unknown about a context that `Walk.context` returns when one stack has too much inside of its managers.
NO_ROOM = "left out: there is too much inside of the context managers of this stack"


class Walk(Protocol):
    """The extraction that a `register_elaborate_context` hook is called by, for what is inside a manager."""

    def stack(self, root: object) -> Traceback:
        """Return the stack of *root*, to become `ContextInfo.inner` or one of the `ContextInfo.children`."""

    def child(self, task: object) -> Traceback:
        """Return the stack of a child *task*, which has no frames unless the caller wants those of children."""

    def context(self, manager: object, *, is_async: bool = False, description: Optional[str] = None) -> ContextInfo:
        """Return *manager* as a context without a statement of its own, elaborated.

        :param is_async: whether it was entered by ``async with``.
        :param description: what to say in place of what is known about it.
        """


Elaborate = Callable[[ContextInfo, Walk], Optional[ContextInfo]]
ElaborateFrame = Callable[[FrameInfo, Walk], Optional[FrameInfo]]
#: Gets the frame of the generator.
UnwrapGenerator = Callable[[types.FrameType], Optional[object]]


@attrs.frozen(eq=False, repr=False)
class Handling:
    """What `customize` says about the frames of one code object."""

    code: types.CodeType
    skip_frame: bool = False
    skip_callees: bool = False
    get_target: Optional[GetTarget] = None
    elaborate: Optional[ElaborateFrame] = None


#: By the identity of the code object, which the value keeps alive: equal code objects are not the same function.
handling_by_code: Dict[int, Handling] = {}
#: What it is made of: the options that were given, by asynctb itself and by others. Those of others come first.
_own_options: Dict[int, Dict[str, Any]] = {}
_other_options: Dict[int, Dict[str, Any]] = {}
#: `Handling.elaborate`, where there is one.
frame_elaborators: Dict[int, ElaborateFrame] = {}
roots: TypeRegistry[Unwrap] = TypeRegistry("register_root")
awaitables: TypeRegistry[Unwrap] = TypeRegistry("register_unwrap_awaitable")
context_managers: TypeRegistry[Unwrap] = TypeRegistry("register_unwrap_context_manager")
elaborators: TypeRegistry[Elaborate] = TypeRegistry("register_elaborate_context")
#: By the code of the generator function.
context_generators: CodeRegistry[UnwrapGenerator] = CodeRegistry("register_unwrap_context_generator")
generator_elaborators: CodeRegistry[Elaborate] = CodeRegistry("register_elaborate_context_generator")
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
    elaborate: Optional[ElaborateFrame] = None,
) -> Callable[[F], F]: ...


@overload
def customize(
    thing: Union[Callable[..., Any], types.CodeType],
    *nested_names: str,
    skip_frame: Optional[bool] = None,
    skip_callees: Optional[bool] = None,
    get_target: Optional[GetTarget] = None,
    elaborate: Optional[ElaborateFrame] = None,
) -> None: ...


def customize(
    thing: Optional[object] = None,
    *nested_names: str,
    skip_frame: Optional[bool] = None,
    skip_callees: Optional[bool] = None,
    get_target: Optional[GetTarget] = None,
    elaborate: Optional[ElaborateFrame] = None,
) -> Optional[Callable[[F], F]]:
    """Change how frames of a function appear in stacks. Without *thing*, a decorator for that function.

    Options that are not given keep what an earlier call said.

    :param thing: a function, method, `functools.partial`, decorated function, or code object.
    :param nested_names: names that lead from *thing* to a function defined inside it.
    :param skip_frame: set `FrameInfo.hide` for its frames.
    :param skip_callees: end the stack there: what the function calls or awaits is of no interest.
    :param get_target: called with a frame of the function and the next frame inward (None if it is the innermost).
        If it returns something, the stack goes on there instead.
    :param elaborate: see `register_elaborate_frame`.
    :raises TypeError: if *thing* has no code object, or one of the options has the wrong type.
    :raises ValueError: if *nested_names* lead nowhere.
    """
    for name, option in (("skip_frame", skip_frame), ("skip_callees", skip_callees)):
        if option is not None and not isinstance(option, bool):
            raise TypeError(f"{name} must be a bool or None, not {option!r}")
    for name, hook in (("get_target", get_target), ("elaborate", elaborate)):
        if hook is not None and not callable(hook):
            raise TypeError(f"{name} must be callable or None, not {hook!r}")
    given = {"skip_frame": skip_frame, "skip_callees": skip_callees, "get_target": get_target, "elaborate": elaborate}
    options = {name: option for name, option in given.items() if option is not None}
    own = is_own_module(sys._getframe(1).f_globals)
    if thing is None:

        def decorate(function: F) -> F:
            for code in code_objects_of(function):
                set_options(code, options, own=own)
            return function

        return decorate
    for code in code_objects_of(thing, *nested_names):
        set_options(code, options, own=own)
    return None


def set_options(code: types.CodeType, options: Dict[str, Any], *, own: bool) -> None:
    """Do what `customize` does for one code object.

    :param own: whether asynctb itself says so.
    """
    said = _own_options if own else _other_options
    said[id(code)] = {**said.get(id(code), {}), **options}
    _merge_options(code)
    if not own:
        third_party["customize", id(code)] = "customize", code, said[id(code)]


def withdraw_options(code: types.CodeType) -> None:
    """Take back what others have said about a code object."""
    _other_options.pop(id(code), None)
    third_party.pop(("customize", id(code)), None)
    _merge_options(code)


def _merge_options(code: types.CodeType) -> None:
    options = {**_own_options.get(id(code), {}), **_other_options.get(id(code), {})}
    if options:
        handling_by_code[id(code)] = Handling(code, **options)
    else:
        handling_by_code.pop(id(code), None)
    elaborate = options.get("elaborate")
    if elaborate is not None:
        frame_elaborators[id(code)] = elaborate
    else:
        frame_elaborators.pop(id(code), None)


def register_get_target(
    thing: Union[Callable[..., Any], types.CodeType], *nested_names: str
) -> Callable[[GetTarget], GetTarget]:
    """Return a decorator that makes a function the *get_target* of `customize` for *thing*.

    :param thing: the function, and *nested_names* those that lead inside, as for `customize`.
    :raises TypeError: if *thing* has no code object.
    :raises ValueError: if *nested_names* lead nowhere.
    """
    codes = code_objects_of(thing, *nested_names)

    def decorate(get_target: GetTarget) -> GetTarget:
        if not callable(get_target):
            raise TypeError(f"get_target must be callable, not {get_target!r}")
        for code in codes:
            set_options(code, {"get_target": get_target}, own=is_own(get_target))
        return get_target

    return decorate


def register_elaborate_frame(
    thing: Union[Callable[..., Any], types.CodeType], *nested_names: str
) -> Callable[[ElaborateFrame], ElaborateFrame]:
    """Return a decorator for a hook that completes the `FrameInfo` of frames of a function.

    The hook gets the `FrameInfo` and a `Walk`, and returns a changed copy (`attrs.evolve`): with `FrameInfo.hide` set
    or not, with other `FrameInfo.contexts` (those that there are, without some, or with new ones from `Walk.context`),
    or with `FrameInfo.contexts_unknown` saying why some are missing. None means no change. It is not called for frames
    of a traceback. For the summaries of a snapshot it gets one of the frames at the same place, without contexts, and
    only what it says of `FrameInfo.hide` counts. Where the stack goes on is for `register_get_target` to say.

    :param thing: the function, and *nested_names* those that lead inside, as for `customize`.
    :raises TypeError: if *thing* has no code object.
    :raises ValueError: if *nested_names* lead nowhere.
    """
    codes = code_objects_of(thing, *nested_names)

    def decorate(elaborate: ElaborateFrame) -> ElaborateFrame:
        if not callable(elaborate):
            raise TypeError(f"elaborate must be callable, not {elaborate!r}")
        for code in codes:
            set_options(code, {"elaborate": elaborate}, own=is_own(elaborate))
        return elaborate

    return decorate


def register_root(cls: type) -> Callable[[F], F]:
    """Return a decorator for a hook that says where the stack of a *cls* begins, for `Traceback.of`.

    The hook gets the object (a task, a greenlet, a thread, ...) and returns a `Target`; None means that it has no
    stack, because it has not begun or has ended. Not used for what is merely awaited: awaiting a task ends a stack.

    :param cls: the type, whose subclasses count, too.
    :raises TypeError: if *cls* is not a type.
    """
    return roots.decorator(cls)


def register_unwrap_awaitable(cls: type) -> Callable[[F], F]:
    """Return a decorator for a hook that says what an awaitable of type *cls* awaits.

    The hook gets the awaitable and returns a `Target`; None means that it ends the stack, as its `Traceback.leaf`.

    :param cls: the type, whose subclasses count, too.
    :raises TypeError: if *cls* is not a type.
    """
    return awaitables.decorator(cls)


def register_unwrap_context_manager(cls: type) -> Callable[[F], F]:
    """Return a decorator for a hook that says which manager a manager of type *cls* stands for.

    The hook gets the manager and returns the one to show instead, or None to keep it.

    :param cls: the type, whose subclasses count, too.
    :raises TypeError: if *cls* is not a type.
    """
    return context_managers.decorator(cls)


def register_elaborate_context(cls: type) -> Callable[[F], F]:
    """Return a decorator for a hook that completes the `ContextInfo` of a manager of type *cls*.

    The hook gets the `ContextInfo` and a `Walk`, and returns a changed copy (`attrs.evolve`) with a description, an
    inner stack, children, or `ContextInfo.unknown` saying why something is missing; None means no change.

    :param cls: the type, whose subclasses count, too.
    :raises TypeError: if *cls* is not a type.
    """
    return elaborators.decorator(cls)


def register_unwrap_context_generator(
    thing: Union[Callable[..., Any], types.CodeType], *nested_names: str
) -> Callable[[F], F]:
    """Return a decorator for a hook that says which manager stands behind those that a function has made.

    The function is one with `contextlib.contextmanager` or `contextlib.asynccontextmanager` around it. The hook gets
    the frame of its generator, of which `local_variable` reads variables, and returns the manager to show instead of
    the generator's, or None to keep that.

    :param thing: the function, and *nested_names* those that lead inside, as for `customize`.
    :raises TypeError: if *thing* has no code object.
    :raises ValueError: if *nested_names* lead nowhere.
    """
    return _code_decorator(context_generators, code_objects_of(thing, *nested_names))


def register_elaborate_context_generator(
    thing: Union[Callable[..., Any], types.CodeType], *nested_names: str
) -> Callable[[F], F]:
    """Return a decorator for a hook that completes the `ContextInfo` of managers that a function has made.

    The function is one with `contextlib.contextmanager` or `contextlib.asynccontextmanager` around it. The hook is as
    for `register_elaborate_context`; it finds the name of the function in `ContextInfo.description` already and, while
    the block runs, the stack of the generator in `ContextInfo.inner`.

    :param thing: the function, and *nested_names* those that lead inside, as for `customize`.
    :raises TypeError: if *thing* has no code object.
    :raises ValueError: if *nested_names* lead nowhere.
    """
    return _code_decorator(generator_elaborators, code_objects_of(thing, *nested_names))


def _code_decorator(registry: CodeRegistry[Any], codes: Tuple[types.CodeType, ...]) -> Callable[[F], F]:
    def register(function: F) -> F:
        for code in codes:
            registry.register(code, function)
        return function

    return register


def register_stack_finder(function: StackFinder) -> StackFinder:
    """Register a function that finds stacks that no thread runs at the moment, such as those of other greenlets.

    It is called with a frame that must be running but is on no thread's stack, and returns the innermost frame of
    the stack that it is on; or, if ``f_back`` does not lead from that to the frame, all of the stack from the outermost
    frame on; or None.

    :param function: what finds them.
    """
    stack_finders.append(function)
    if not is_own(function):
        third_party["register_stack_finder", id(function)] = "register_stack_finder", function, function
    return function


#: Called at the start of each extraction; set by the glue, which installs itself for what was imported since.
refresh_glue: List[Callable[[], None]] = []
