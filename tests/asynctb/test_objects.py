"""Names, fields and locals of objects, for ordinary objects; for hostile ones see test_no_user_code."""

from __future__ import annotations

import functools
import sys
import threading
import types
from typing import Any

import pytest

from asynctb._frames import local_variable
from asynctb._objects import (
    callable_name,
    class_attribute,
    defines_exit,
    defining_exit,
    describe_error,
    exact_str,
    get_field,
    instance_dict,
    is_a,
    is_noted,
    module_field,
    module_values,
    simple_type_name,
    type_name,
)


class Slotted:
    __slots__ = ("empty", "value")


class Computed(Slotted):
    hidden = 1

    def __init__(self) -> None:
        self.value = "slot"
        self.__dict__["own"] = "dictionary"

    @property
    def computed(self) -> int:
        raise AssertionError

    def method(self) -> None: ...


def test_fields() -> None:
    obj: Any = Computed()
    assert get_field(obj, "value") == "slot"
    assert get_field(obj, "own") == "dictionary"
    for name in ("empty", "computed", "hidden", "method", "missing"):
        assert get_field(obj, name, "default") == "default"
    assert instance_dict(obj) == {"own": "dictionary"}
    assert instance_dict(Slotted()) is None
    assert get_field(iter([]), "gi_frame") is None


def test_a_subclass_cannot_intercept_a_field() -> None:
    class Thread(threading.Thread):
        _name = property(lambda self: 1 / 0, lambda self, value: self.__dict__.__setitem__("_name", value))

    assert get_field(Thread(name="its name"), "_name") == "its name"


def test_names() -> None:
    class Local:
        pass

    assert type_name(int) == "int"
    assert type_name(threading.Thread) == "threading.Thread"
    assert type_name(Local) == f"{__name__}.test_names.<locals>.Local"
    assert simple_type_name(Local) == "Local"
    Local.__module__ = 1  # type: ignore[assignment]
    assert type_name(Local) == "test_names.<locals>.Local"


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (print, "print"),
        (test_names, "test_names"),
        (Computed().method, "Computed.method"),
        (Computed.method, "Computed.method"),
        (functools.partial(functools.partial(print, 1), 2), "print"),
        ([].append, "list.append"),
        (dict.fromkeys, "dict.fromkeys"),
        (Computed, f"{__name__}.Computed"),
        (Slotted(), f"{__name__}.Slotted"),
    ],
)
def test_names_of_callables(function: Any, expected: str) -> None:
    assert callable_name(function) == expected


def test_types() -> None:
    assert is_a(True, int)
    assert not is_a(1, bool)
    assert class_attribute(Computed, "method") is vars(Computed)["method"]
    assert class_attribute(Computed, "missing") is None
    assert exact_str("text") == "text"
    assert exact_str(1) is None


def test_errors() -> None:
    assert describe_error(ValueError("text", 1, None)) == "ValueError: text"
    assert describe_error(KeyError(object())) == "KeyError"


def test_a_module_that_has_not_been_initialised() -> None:
    class Bare(types.ModuleType):
        def __init__(self) -> None: ...

    for module in (Bare(), types.ModuleType.__new__(types.ModuleType)):
        assert module_field(module, "missing", 5) == 5
        assert module_values(module) == ()


def test_modules_and_locals() -> None:
    module = types.ModuleType("module")
    assert module_field(module, "missing", 5) == 5
    assert module_field(sys, "version") is sys.version
    variable = object()
    assert local_variable(sys._getframe(), "variable") is variable
    assert local_variable(sys._getframe(), "missing") is None


def test_notes_can_outlive_the_types() -> None:
    """Where a callback could not be made, another type can have the identity of the one that was noted."""

    class WithExit:
        def __exit__(self, *args: object) -> None: ...

    class Without: ...

    assert defines_exit(WithExit, False)
    known = defining_exit[False]
    assert is_noted(known, WithExit)
    try:
        known[id(Without)] = known[id(WithExit)]
        assert not is_noted(known, Without)
        assert not defines_exit(Without, False)
    finally:
        known.pop(id(Without), None)
