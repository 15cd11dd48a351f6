"""Virtual subclasses: classes that were registered with an abstract base class, found without running anything.

They stand in the registry of the base class, which `abc` keeps in C, and PyPy in a set of weak references. What a
``__subclasshook__`` would say is not asked for: that is code of the program.
"""

from __future__ import annotations

import abc
import sys
import weakref
from typing import Any, Iterator, List, Set

from .._objects import class_attribute, get_field, is_a, own_attributes

try:
    from _abc import _get_dump  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    _get_dump = None
#: The type of the registry that is written in C.
_DATA = type(own_attributes(abc.ABC).get("_abc_impl"))
#: PyPy's asks each subclass for its bases, and so possibly a metaclass.
_get_subclasses: Any = type.__dict__["__subclasses__"] if sys.implementation.name != "pypy" else lambda cls: []
_getattribute: object = type.__dict__["__getattribute__"]

#: Returns what is another number as soon as a class has been registered anywhere.
registrations = abc.get_cache_token


def is_abstract(cls: type) -> bool:
    """Return whether classes can be registered with *cls*."""
    return is_a(cls, abc.ABCMeta)


def virtual_subclasses(cls: type) -> Iterator[type]:
    """Yield the classes registered with *cls*, with its subclasses, or with a class registered with it, and so on.

    Not those registered with its subclasses on PyPy, which does not tell subclasses without running code. Their own
    subclasses are virtual subclasses, too.
    """
    seen: Set[int] = {id(cls)}
    todo: List[type] = [cls]
    while todo:
        base = todo.pop()
        registered = _registered_with(base) if is_abstract(base) else []
        yield from registered
        for each in (*registered, *_get_subclasses(base)):
            if id(each) not in seen:
                seen.add(id(each))
                todo.append(each)


def _registered_with(cls: type) -> List[type]:
    attributes = own_attributes(cls)
    data = attributes.get("_abc_impl")
    refs: Any = None
    if _get_dump is not None and data is not None and type(data) is _DATA and _has_plain_attributes(type(cls)):
        refs = _get_dump(cls)[0]
    elif "_abc_registry" in attributes:
        refs = get_field(attributes["_abc_registry"], "data")
    found: List[Any] = []
    if type(refs) is set:
        found = [ref() for ref in tuple(refs) if type(ref) is weakref.ref]
    return [each for each in found if is_a(each, type)]


def _has_plain_attributes(metaclass: type) -> bool:
    """Return whether looking up the registry, as the function written in C does, runs nothing of the program."""
    plain = class_attribute(metaclass, "__getattribute__") is _getattribute
    return plain and class_attribute(metaclass, "_abc_impl") is None
