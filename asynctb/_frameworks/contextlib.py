"""What is inside the context managers of `contextlib`: generators, entries of exit stacks, wrapped objects."""

from __future__ import annotations

import collections
import sys
import types
from typing import Any, Callable, List, Optional, Tuple, cast

import attrs

from .._model import ContextInfo
from .._objects import (
    callable_name,
    class_attribute,
    describe,
    describe_error,
    exact_str,
    get_field,
    is_a,
    module_field,
    simple_type_name,
    type_name,
)
from .._quick import new_context_info
from .._snapshot.source import code_of, frame_of
from .._stacks.customize import (
    NO_ROOM,
    Walk,
    context_generators,
    customize,
    generator_elaborators,
    register_elaborate_context,
    register_unwrap_context_manager,
)
from ._room import Room

#: Functions whose frames stand between the program's ``with`` and its own code.
_PLUMBING = (
    ("_GeneratorContextManager", "__enter__"),
    ("_GeneratorContextManager", "__exit__"),
    ("_AsyncGeneratorContextManager", "__aenter__"),
    ("_AsyncGeneratorContextManager", "__aexit__"),
    ("_BaseExitStack", "enter_context"),
    ("ExitStack", "__exit__"),
    ("ExitStack", "close"),
    ("AsyncExitStack", "enter_async_context"),
    ("AsyncExitStack", "__aexit__"),
    ("AsyncExitStack", "aclose"),
)
#: Functions that make a function that calls the callback, and the name of that one.
_CALLBACK_WRAPPERS: Tuple[Tuple[str, str, str], ...] = (
    ("_BaseExitStack", "_create_cb_wrapper", "_exit_wrapper"),
    ("AsyncExitStack", "_create_async_cb_wrapper", "_exit_wrapper"),
)
if sys.version_info < (3, 8):  # later, what calls an exit method is a bound method
    _CALLBACK_WRAPPERS += (
        ("_BaseExitStack", "_create_exit_wrapper", "_exit_wrapper"),
        ("AsyncExitStack", "_create_async_exit_wrapper", "_exit_wrapper"),
    )
if sys.version_info < (3, 7):
    _CALLBACK_WRAPPERS = (("ExitStack", "_push_cm_exit", "_exit_wrapper"), ("ExitStack", "callback", "_exit_wrapper"))


def _install(module: types.ModuleType) -> None:
    for class_name, method in _PLUMBING:
        function = class_attribute(module_field(module, class_name, object), method)
        if function is not None:
            customize(cast(Callable[..., Any], function), skip_frame=True)
    for class_name, method, wrapper in _CALLBACK_WRAPPERS:
        function = class_attribute(module_field(module, class_name, object), method)
        if function is not None:
            customize(cast(Callable[..., Any], function), wrapper, skip_frame=True)
    for class_name in ("_GeneratorContextManager", "_AsyncGeneratorContextManager"):
        cls = module_field(module, class_name)
        if cls is not None:
            register_elaborate_context(cls)(generator_manager)
            register_unwrap_context_manager(cls)(behind_generator)
    for class_name in ("ExitStack", "AsyncExitStack"):
        cls = module_field(module, class_name)
        if cls is not None:
            register_elaborate_context(cls)(exit_stack)
    for class_name, field in (
        ("closing", "thing"),
        ("aclosing", "thing"),
        ("nullcontext", "enter_result"),
        ("_RedirectStream", "_new_target"),
        ("suppress", "_exceptions"),
        ("chdir", "path"),
    ):
        cls = module_field(module, class_name)
        if cls is not None:
            register_elaborate_context(cls)(_shows(field))


#: What `contextlib` up to CPython 3.7, and ``async_exit_stack``, make of an exit method; their variable is ``cm``.
_EXIT_WRAPPERS = (
    "_BaseExitStack._create_exit_wrapper.<locals>._exit_wrapper",
    "ExitStack._push_cm_exit.<locals>._exit_wrapper",
    "ExitStack._create_exit_wrapper.<locals>._exit_wrapper",
    "AsyncExitStack._create_async_exit_wrapper.<locals>._exit_wrapper",
)


def behind_generator(manager: object) -> object:
    """Return the manager behind a ``@contextmanager``, if a hook for its function tells."""
    if not context_generators:
        return None
    generator = get_field(manager, "gen")
    frame = frame_of(generator) if _is_generator(generator) else None
    hook = None if frame is None else context_generators.find(frame.f_code)
    return None if hook is None or frame is None else hook(frame)


def generator_manager(context: ContextInfo, walk: Walk) -> ContextInfo:
    """Describe a ``@contextmanager`` by its call, and add the stack of its generator."""
    generator = get_field(context.manager, "gen")
    is_generator = _is_generator(generator)
    name = exact_str(generator.__qualname__) if is_generator else None
    # While it is entered or exited, the generator is in the stack of the frame: there it would stand twice.
    inner = walk.stack(generator) if name is not None and context.phase == "active" else None
    result = attrs.evolve(context, description=None if name is None else f"{name}()", inner=inner)
    hook = generator_elaborators.find(code_of(generator)) if is_generator and generator_elaborators else None
    if hook is None:
        return result
    try:
        elaborated = hook(result, walk)
        if elaborated is not None and type(elaborated) is not ContextInfo:
            raise TypeError(f"the hook returned {describe(elaborated)}")
    except Exception as error:
        return attrs.evolve(result, unknown=f"looking into {name}() failed: {describe_error(error)}")
    return result if elaborated is None else elaborated


def _is_generator(value: object) -> bool:
    return type(value) is types.GeneratorType or type(value) is types.AsyncGeneratorType


def exit_stack(context: ContextInfo, walk: Walk) -> ContextInfo:
    """Describe an exit stack by the number of its entries, and add them as children, outermost first."""
    entries = get_field(context.manager, "_exit_callbacks")
    if not is_a(entries, collections.deque):
        return attrs.evolve(context, unknown="it has no list of entries")
    children: List[ContextInfo] = []
    unknown = None
    # Copied in one go: the stack may be in use in another thread.
    found = tuple(collections.deque.__iter__(entries))
    count = 0
    for index, entry in enumerate(found):
        if type(entry) is not tuple and sys.version_info < (3, 7):
            entry = (True, entry)
        if type(entry) is not tuple or len(entry) != 2:
            unknown = "some of its entries are of an unknown form"
            continue
        child = _entry(entry[1], entry[0] is not True, walk)
        if child.unknown is NO_ROOM:  # nor is there for the others, which can be very many
            count += len(found) - index
            unknown = f"{len(found) - index} of its entries are {NO_ROOM}"
            break
        children.append(child)
        count += 1
    name = simple_type_name(type(context.manager))
    entries_text = "no entries" if not count else "1 entry" if count == 1 else f"{count} entries"
    description = f"{name} with {entries_text}"
    return attrs.evolve(context, description=description, children=tuple(children), unknown=unknown)


def _entry(callback: object, is_async: bool, walk: Walk) -> ContextInfo:
    """Return the context for what an exit stack calls: a manager, a pushed exit function, or a callback."""
    if type(callback) is types.MethodType:
        manager, function = callback.__self__, callback.__func__
        exit_method = class_attribute(type(manager), "__aexit__" if is_async else "__exit__")
        # enter_context() binds whatever __exit__ is on the type. What the program bound itself is a method of the
        # manager's class with a name of its own.
        if exit_method is not None and (function is exit_method or type(function) is not types.FunctionType):
            return walk.context(manager, is_async=is_async)
    elif type(callback) is types.BuiltinMethodType and exact_str(callback.__name__) in ("__exit__", "__aexit__"):
        return walk.context(callback.__self__, is_async=is_async)  # CPython 3.15 binds C methods as such
    elif type(callback) is types.FunctionType:
        wrapped = get_field(callback, "__wrapped__")
        if wrapped is not None and exact_str(callback.__name__) == "_exit_wrapper":
            return _function(wrapped, is_async, "callback", walk)
        if exact_str(callback.__qualname__) in _EXIT_WRAPPERS:
            names = callback.__code__.co_freevars
            manager = callback.__closure__[names.index("cm")].cell_contents if callback.__closure__ else None
            return walk.context(manager, is_async=is_async)
    return _function(callback, is_async, "pushed exit", walk)


def _function(function: object, is_async: bool, kind: str, walk: Walk) -> ContextInfo:
    description = f"{'async ' if is_async else ''}{kind} {callable_name(function)}()"
    return walk.context(function, is_async=is_async, description=description)


def _shows(field: str) -> Callable[[ContextInfo, Walk], ContextInfo]:
    """Return a hook that describes a manager by its class and what it was made with."""

    def elaborate(context: ContextInfo, walk: Walk) -> ContextInfo:
        value = get_field(context.manager, field)
        name = simple_type_name(type(context.manager))
        # A generator that is being iterated is in the stack of whoever does that: there it would stand twice.
        inner = walk.stack(value) if _is_idle(value) and context.phase == "active" else None
        # A program may have thousands of these; attrs.evolve takes four times as long.
        return new_context_info(
            context.manager,
            context.block,
            context.phase,
            f"{name}({_brief(value)})",
            inner,
            context.children,
            context.unknown,
            context.exception,
        )

    return elaborate


def _is_idle(value: Any) -> bool:
    """Return whether *value* is a generator, synchronous or not, that is suspended at a ``yield`` and goes on later."""
    kind = type(value)
    if kind is types.GeneratorType:
        return not value.gi_running and value.gi_yieldfrom is None and value.gi_frame is not None
    return kind is types.AsyncGeneratorType and not value.ag_running and value.ag_frame is not None


def _brief(value: object) -> str:
    """Return a text for an argument: names of classes, text as it is, the type of anything else."""
    if value is None:
        return ""
    if type(value) is tuple:
        return ", ".join(map(_brief, cast(Tuple[object, ...], value)))
    if is_a(value, type):
        return type_name(cast(type, value))
    kind = type(value)
    if kind is types.GeneratorType or kind is types.AsyncGeneratorType:
        name = exact_str(cast(Any, value).__qualname__)
        return type_name(kind) if name is None else name + "()"
    text: Optional[str] = exact_str(value)
    return type_name(type(value)) if text is None else repr(text)


ROOM = Room({"contextlib": _install})
