"""From what a frame holds to the context manager, without running any of the program's code.

While a block is active, its exit callable is on the stack, and that is bound to the manager. Before and after, the
manager is the first argument of the enter or exit method that is being executed or awaited.
"""

from __future__ import annotations

import gc
import types
from typing import Callable, Iterable, Mapping, NamedTuple, Optional, cast

from .._code.with_blocks import PlannedContext, first_argument_of
from .._heap import young_instance
from .._objects import CellType, class_attribute, defines_exit, exact_str, get_field

_MethodWrapperType = type(object().__str__)

#: What an object refers to by these is nothing that a with statement would name. Identities, as comparing an unknown
#: type with these would run its metaclass.
_NOT_SEARCHED = frozenset(
    map(id, (type, types.FunctionType, types.CodeType, types.FrameType, str, bytes, int, float, type(None)))
)
#: More objects than this are not looked through for one that has a given address.
_MAX_SEARCHED = 20_000
_MAX_DEPTH = 3
#: More objects of one generation of the collector are not looked through; this many take 0.1 s.
_MAX_TRACKED = 2_000_000
#: More decorators around one method are not looked through.
_MAX_WRAPPERS = 20


class Access(NamedTuple):
    """What a reader can do beside reading the slots that a plan names."""

    #: Returns the object in a slot of a frame that holds a local variable or a cell, or None; given the frame, the slot
    #: and the coroutine or generator that the frame belongs to, if it is known.
    read_local: Callable[[types.FrameType, int, Optional[object]], Optional[object]]
    #: Returns the manager that a frame is calling a method of, given the frame, ``f_lasti`` and the slot that held the
    #: manager or its exit callable (`PlannedContext.address_slot`), or None.
    find_released: Callable[[types.FrameType, int, int], Optional[object]]


def no_released(frame: types.FrameType, lasti: int, slot: int) -> Optional[object]:
    """Find nothing: for readers that do not read memory."""
    return None


def manager_of_exit(exit_callable: object, is_async: bool) -> Optional[object]:
    """Return the manager whose exit method *exit_callable* is, or None if it does not say."""
    # Callables that know what they are bound to; a subclass could have a property as its __self__. Not ``in``, which
    # compares: the metaclass of a callable's type can define that.
    kind = type(exit_callable)
    if kind is types.MethodType or kind is types.BuiltinMethodType or kind is _MethodWrapperType:
        owner: object = exit_callable.__self__  # type: ignore[attr-defined]
        # A class method is bound to the class of the manager, a function of a module to the module.
        if defines_exit(type(owner), is_async):
            return owner
    return None


def find_manager(
    context: PlannedContext,
    values: Mapping[int, object],
    frame: types.FrameType,
    lasti: int,
    callee: Optional[types.FrameType],
    access: Access,
) -> Optional[object]:
    """Return the manager of *context*, or None if it cannot be told.

    :param values: what the slots of *frame* hold; NULL slots and those that could not be read are missing.
    :param callee: the frame that *frame* called or awaits, if it is known.
    """
    manager = values.get(context.self_slot)
    if manager is not None:
        return manager
    is_async = context.block.is_async
    if context.exit_slot in values:
        manager = manager_of_exit(values[context.exit_slot], is_async)
        # Since 3.14 a plain method is not bound: one that is bound is that of another object.
        exit_method = class_attribute(type(manager), "__aexit__" if is_async else "__exit__")
        if manager is not None and (context.self_slot < 0 or type(exit_method) is not types.FunctionType):
            return manager
    if context.local_slot in values:
        local, name = values[context.local_slot], _method_name(context)
        manager = None if context.phase == "active" else _manager_called(context, values, frame, callee, access)
        # If both have the method that is executed, a debugger has given the variable another value.
        same = manager is not None and class_attribute(type(manager), name) is class_attribute(type(local), name)
        return manager if same else local
    if context.exit_slot in values:
        manager = _manager_of_unbound(values[context.exit_slot], values.get(context.target_slot), is_async)
        if manager is not None:
            return manager
    if context.phase == "active":
        return None
    is_called = callee is not None or _frame_of(values.get(context.awaited_slot)) is not None
    manager = _manager_called(context, values, frame, callee, access) if is_called else None
    if manager is not None or context.address_slot < 0:
        return manager
    # The method is written in C, and may have called another one that is not.
    manager = access.find_released(frame, lasti, context.address_slot)
    if is_called and type(class_attribute(type(manager), _method_name(context))) is types.FunctionType:
        return None
    return manager


def _manager_called(
    context: PlannedContext,
    values: Mapping[int, object],
    frame: types.FrameType,
    callee: Optional[types.FrameType],
    access: Access,
) -> Optional[object]:
    """Return the manager whose enter or exit method *frame* has called or awaits, or None if it cannot be told."""
    awaited = values.get(context.awaited_slot)
    if callee is None:
        callee = _frame_of(awaited)
    elif not _may_have_called(frame, callee):
        return None
    return None if callee is None else _self_of_call(callee, _method_name(context), access, awaited)


def _may_have_called(frame: types.FrameType, callee: types.FrameType) -> bool:
    """Return whether *frame* has called *callee*, or awaits it."""
    try:
        caller = callee.f_back
    except SystemError:  # PyPy cannot tell it of a frame that another thread runs in code of its JIT compiler
        return False
    return caller is frame or caller is None


def _method_name(context: PlannedContext) -> str:
    if context.phase == "entering":
        return "__aenter__" if context.block.is_async else "__enter__"
    return "__aexit__" if context.block.is_async else "__exit__"


def _manager_of_unbound(exit_callable: object, target: Optional[object], is_async: bool) -> Optional[object]:
    """Return the manager for an exit that is not bound to it: of a static or class method, a property, a partial.

    :param target: what is stored in the target of the with item, if that is a local variable; often the manager.
    """
    name = "__aexit__" if is_async else "__exit__"
    if target is not None and _gives(class_attribute(type(target), name), type(target), exit_callable):
        return target
    # A function or partial that a property made refers to the manager.
    candidates = {}
    for referent in gc.get_referents(exit_callable):
        is_container = type(referent) is tuple or type(referent) is CellType
        inner = gc.get_referents(referent) if is_container else ()
        for candidate in (referent, *inner):
            if type(candidate) is CellType:
                inner_values = gc.get_referents(candidate)
                candidate = inner_values[0] if inner_values else None
            attribute = class_attribute(type(candidate), name)
            # What a function as the attribute gives is bound, and has been recognised before.
            if attribute is not None and type(attribute) is not types.FunctionType:
                candidates[id(candidate)] = candidate
    return candidates.popitem()[1] if len(candidates) == 1 else None


def _gives(attribute: object, cls: type, exit_callable: object) -> bool:
    """Whether *attribute* of the class *cls* gives *exit_callable* for any instance."""
    kind = type(attribute)
    if kind is staticmethod:
        return attribute.__func__ is exit_callable  # type: ignore[attr-defined]
    if kind is classmethod and type(exit_callable) is types.MethodType:
        function = attribute.__func__  # type: ignore[attr-defined]
        return exit_callable.__self__ is cls and exit_callable.__func__ is function
    return attribute is exit_callable and attribute is not None


def _frame_of(awaited: object) -> Optional[types.FrameType]:
    """Return the frame of a coroutine, or of a generator that is used as one."""
    if type(awaited) is types.CoroutineType:
        return awaited.cr_frame
    if type(awaited) is types.GeneratorType:
        return awaited.gi_frame
    return None


def _self_of_call(callee: types.FrameType, name: str, access: Access, awaited: Optional[object]) -> Optional[object]:
    """Return the object whose method *name* the frame *callee* executes, or None if it is not such a method."""
    code = callee.f_code
    argument = first_argument_of(code)
    if argument is None:
        return None
    value = access.read_local(callee, argument.slot, awaited)
    if type(value) is CellType and argument.name in code.co_cellvars:
        try:
            value = value.cell_contents
        except ValueError:
            return None
    if argument.in_tuple:
        value = value[0] if type(value) is tuple and value else None
    if value is None:
        return None
    method = class_attribute(type(value), name)
    for _ in range(_MAX_WRAPPERS):
        if type(method) is not types.FunctionType:
            break
        if method.__code__ is code:
            return value
        method = get_field(method, "__wrapped__")  # what functools.wraps leaves
    return None


def find_at(address: int, roots: Iterable[object]) -> Optional[object]:
    """Return the context manager at *address*, if it can be reached from *roots*.

    An address tells nothing about an object that may have been released. But an object that is alive, has the address
    and is a context manager is the one, because as long as a method of it is called it is not released.
    """
    level = list(roots)
    seen = set(map(id, level))
    for _ in range(_MAX_DEPTH):
        following = []
        for value in level:
            if id(value) == address and class_attribute(type(value), "__exit__") is not None:
                return value
            if id(type(value)) in _NOT_SEARCHED:
                continue
            for referent in gc.get_referents(value):
                if id(referent) not in seen:
                    seen.add(id(referent))
                    following.append(referent)
            if len(seen) > _MAX_SEARCHED:
                break
        level = following
    for value in level:
        if id(value) == address and class_attribute(type(value), "__exit__") is not None:
            return value
    return None


def exit_at(address: int) -> Optional[object]:
    """Return the bound exit method at *address*, or None if none is alive there.

    Nothing is read at *address*: what is there may have been released, when the enter method has failed and the frame
    drops what is on its stack, which can let other threads run in between. But the collector tracks methods, and
    forgets one before anything of it is released.
    """
    # From young to old: what is moved meanwhile is moved to where it is still looked for.
    found = young_instance((types.BuiltinMethodType, types.MethodType), address, _MAX_TRACKED)
    return found if _is_exit(found) else None


def _is_exit(method: object) -> bool:
    kind = type(method)
    if kind is types.BuiltinMethodType:
        builtin = cast(types.BuiltinMethodType, method)
        name = exact_str(builtin.__name__) or ""
        return name in ("__exit__", "__aexit__") and class_attribute(type(builtin.__self__), name) is not None
    if kind is types.MethodType:
        bound = cast(types.MethodType, method)
        exits = [class_attribute(type(bound.__self__), name) for name in ("__exit__", "__aexit__")]
        return any(exit_method is bound.__func__ for exit_method in exits)
    return False
