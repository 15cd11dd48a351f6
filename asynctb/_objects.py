"""Looking at objects of the inspected program without running any of its code.

``getattr``, ``isinstance``, ``==``, ``hash``, ``repr`` and even ``type(x).__name__`` or ``type(x) in (A, B)`` can all
end in code of the program: properties, ``__class__``, metaclasses. The functions here use ``type(x)`` and the C-level
descriptors of the built-in types, which those cannot intercept. Everything that touches an object that asynctb did
not create goes through them.
"""

from __future__ import annotations

import builtins
import functools
import sys
import types
import weakref
from typing import Any, Callable, Dict, Optional, Tuple, cast

_TYPE_DICT = type.__dict__
if sys.version_info >= (3, 8):
    from types import CellType as CellType
else:
    CellType = type((lambda cell: lambda: cell)(None).__closure__[0])
_get_mro = cast(Callable[[type], Tuple[type, ...]], _TYPE_DICT["__mro__"].__get__)
_get_class_dict = cast("Callable[[type], types.MappingProxyType[str, Any]]", _TYPE_DICT["__dict__"].__get__)
_get_qualname = cast(Callable[[type], object], _TYPE_DICT["__qualname__"].__get__)
_get_module = cast(Callable[[type], object], _TYPE_DICT["__module__"].__get__)
_get_module_dict = cast(
    Callable[[types.ModuleType], Optional[Dict[str, object]]], _get_class_dict(types.ModuleType)["__dict__"].__get__
)
#: Larger numbers are not worth the time that it takes to write them down.
_LARGE = 10**30
#: Programs put whole responses and queries into the messages of their exceptions.
_LONGEST_TEXT = 200
_GROUP: Optional[type] = getattr(builtins, "BaseExceptionGroup", None) if sys.version_info >= (3, 11) else None
# Not by attribute access, and not as a field: a subclass can have a property or a slot of that name.
_exceptions_of: Optional[Callable[[object], object]] = None if _GROUP is None else vars(_GROUP)["exceptions"].__get__
#: Ignores ``__subclasscheck__`` of metaclasses and of ABCs, as it is the check that they override.
_is_subtype = type.__subclasscheck__


def mro_of(cls: type) -> Tuple[type, ...]:
    """Return the method resolution order of *cls*, whatever its metaclass makes of ``__mro__``."""
    return _get_mro(cls)


def is_a(obj: object, cls: type) -> bool:
    """Return whether the type of *obj* is *cls* or inherits from it: `isinstance` without its hooks."""
    return _is_subtype(cls, type(obj))


def own_attributes(cls: type) -> types.MappingProxyType[str, Any]:
    """Return what *cls* itself holds, without its bases."""
    return _get_class_dict(cls)


def class_attribute(cls: type, name: str) -> Optional[object]:
    """Return what the classes in the MRO of *cls* hold under *name*, unbound, or None."""
    for base in _get_mro(cls):
        value = _get_class_dict(base).get(name)
        if value is not None:
            return cast(object, value)
    return None


def note_type(known: Dict[int, weakref.ref[type]], cls: type) -> None:
    """Add *cls* to *known*, types by identity that are not kept alive.

    An entry can outlive its type, so whoever finds one compares what it refers to. PyPy calls back late; CPython 3.14
    does not for a weak reference that a finalizer makes to what is garbage already; and the recursion limit can be in
    the way. The callback is a C function, so that nothing of ours is executed where the program drops its types.
    """
    key = id(cls)
    known[key] = weakref.ref(cls, functools.partial(known.pop, key))


def is_noted(known: Dict[int, weakref.ref[type]], cls: type) -> bool:
    """Return whether *cls* is among *known*, see `note_type`."""
    ref = known.get(id(cls))
    return ref is not None and ref() is cls


#: The types for which `defines_exit` has returned True, for ``__exit__`` and for ``__aexit__``; see `note_type`.
defining_exit: Tuple[Dict[int, weakref.ref[type]], Dict[int, weakref.ref[type]]] = ({}, {})


def defines_exit(cls: type, is_async: bool) -> bool:
    """Return whether *cls* or a base of it had an ``__exit__``, or ``__aexit__``, when it was first looked at."""
    known = defining_exit[is_async]
    if is_noted(known, cls):
        return True
    if class_attribute(cls, "__aexit__" if is_async else "__exit__") is None:
        return False
    note_type(known, cls)
    return True


def exact_str(value: object) -> Optional[str]:
    """Return the text of a `str`, also of a subclass whose methods are overridden; None for anything else."""
    if type(value) is str:
        return value
    return str.__str__(cast(str, value)) if is_a(value, str) else None


def type_name(cls: type) -> str:
    """Return the qualified name of a type with its module (not for built-in types), such as ``asyncio.locks.Lock``."""
    name = exact_str(_get_qualname(cls)) or "?"
    try:
        module = exact_str(_get_module(cls))
    except AttributeError:  # a class whose namespace has no __module__
        module = None
    return name if module is None or module == "builtins" else f"{module}.{name}"


def simple_type_name(cls: type) -> str:
    """Return the name of a type alone, such as ``Lock``."""
    return (exact_str(_get_qualname(cls)) or "?").rpartition(".")[2]


def address_of(obj: object) -> str:
    """Return the identity of *obj* in hexadecimal, such as ``0x7f0c2a1b``."""
    return hex(id(obj))


def describe(obj: object) -> str:
    """Return what `object.__repr__` would say, such as ``<asyncio.locks.Lock at 0x7f0c2a1b>``."""
    return f"<{type_name(type(obj))} at {address_of(obj)}>"


def describe_error(error: BaseException) -> str:
    """Return the type and message of an exception, the message only as far as it is plain text or one number."""
    name = type_name(type(error))
    args = cast(Tuple[object, ...], BaseException.__dict__["args"].__get__(error))
    text = ", ".join([arg for arg in map(exact_str, args) if arg])
    if len(args) == 1 and type(args[0]) is int and abs(args[0]) < _LARGE:
        text = str(args[0])
    return f"{name}: {text}" if text else name


def error_line(error: BaseException) -> str:
    """Return the same in one line of a bounded length."""
    text, line_break, _ = describe_error(error).partition("\n")
    if line_break or len(text) > _LONGEST_TEXT:
        text = text[:_LONGEST_TEXT] + "…"
    if _GROUP is not None and _exceptions_of is not None and is_a(error, _GROUP):
        exceptions = _exceptions_of(error)
        if type(exceptions) is not tuple:
            return text
        count = len(exceptions)
        text += f" ({count} sub-exception{'' if count == 1 else 's'})"  # as its __str__ does
    return text


def instance_dict(obj: object) -> Optional[Dict[str, object]]:
    """Return the dictionary of *obj*'s attributes, or None if it has none.

    Use it through `get_field` or the unbound methods of `dict`: it can be of a subclass.
    """
    for base in _get_mro(type(obj)):
        descriptor = _get_class_dict(base).get("__dict__")
        # The program can define a __dict__ of its own; what the interpreter makes for a class is a getset descriptor.
        if type(descriptor) is types.GetSetDescriptorType:
            try:
                found = descriptor.__get__(obj)
            except (AttributeError, TypeError):
                continue
            if is_a(found, dict):
                return cast(Dict[str, object], found)
    return None


def get_field(obj: object, name: str, default: Any = None) -> Any:
    """Return an attribute that is stored in *obj*: in a slot, in a C structure or in its instance dictionary.

    Properties, ``__getattr__`` and ``__getattribute__`` are passed over, so a subclass cannot intercept the access.

    >>> class Connection:
    ...     def __init__(self):
    ...         self.host = "db"
    >>> asynctb.get_field(Connection(), "host")
    'db'

    :param obj: any object of the program.
    :param name: the name of the attribute.
    :param default: what to return if *obj* has none stored.
    """
    for base in _get_mro(type(obj)):
        descriptor = _get_class_dict(base).get(name)
        # Slots and members, and computed attributes of C types: their __get__ is C code.
        if type(descriptor) is types.MemberDescriptorType or type(descriptor) is types.GetSetDescriptorType:
            try:
                return descriptor.__get__(obj)
            except (AttributeError, TypeError):  # an empty slot, or a descriptor that belongs to another class
                continue
    attributes = instance_dict(obj)
    if attributes is not None:
        # Not a lookup: that would compare with keys of str subclasses, whose __eq__ is the program's. And not the view
        # itself: on PyPy, its length is what __len__ of a dict subclass says.
        for key, value in tuple(iter(dict.items(attributes))):
            if type(key) is str and key == name:
                return value
    return default


def module_field(module: types.ModuleType, name: str, default: Any = None) -> Any:
    """Return a global variable of *module*, without its ``__getattr__`` and without loading a lazy module."""
    variables = _get_module_dict(module)
    # None: before CPython 3.11 there is no dictionary where ModuleType.__init__ has not run.
    return default if variables is None else variables.get(name, default)


def module_values(module: types.ModuleType) -> Tuple[object, ...]:
    """Return the values of all global variables of *module*."""
    return tuple((_get_module_dict(module) or {}).values())


def module_of_frame(frame: types.FrameType) -> Optional[str]:
    """Return the name of the module whose code *frame* executes, or None."""
    # Not a method of the globals: `exec` takes a subclass of dict, too.
    return exact_str(dict.get(frame.f_globals, "__name__"))


def filename_of(code: types.CodeType) -> str:
    """Return the path of the source file of *code*, which `compile` keeps as it is, of a subclass of `str`, too."""
    return exact_str(code.co_filename) or ""


def funcname_of(code: types.CodeType) -> str:
    """Return the name of the function of *code*, qualified with its class on CPython 3.11 and later."""
    return exact_str(getattr(code, "co_qualname", code.co_name)) or ""


def callable_name(function: object) -> str:
    """Return the name of a function, method, `functools.partial` or other callable, such as ``Pool.close``."""
    for _ in range(100):
        kind = type(function)
        if kind is types.FunctionType:
            return exact_str(cast(types.FunctionType, function).__qualname__) or "?"
        if kind is types.MethodType:
            function = cast(types.MethodType, function).__func__
        elif kind is types.BuiltinFunctionType:
            # Its __qualname__ asks the type of __self__, and so possibly a metaclass.
            builtin = cast(types.BuiltinFunctionType, function)
            bound, name = builtin.__self__, exact_str(builtin.__name__) or "?"
            if bound is None or type(bound) is types.ModuleType:
                return name
            return type_name(cast(type, bound) if is_a(bound, type) else type(bound)) + "." + name
        elif _is_subtype(functools.partial, kind):
            function = get_field(function, "func")
        elif _is_subtype(type, kind):
            return type_name(cast(type, function))
        elif simple_type_name(kind) == "cython_function_or_method":  # each library has its own such type
            return exact_str(get_field(function, "__qualname__")) or type_name(kind)
        else:
            break
    return type_name(type(function))
