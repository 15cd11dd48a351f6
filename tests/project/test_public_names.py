"""The documentation of the public names is complete, its examples are true, and their types are known."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
import sys
import types
import typing
from typing import Any, Callable, Iterator, Tuple

import pytest

import asynctb

PUBLIC = {name: thing for name, thing in vars(asynctb).items() if not name.startswith("_")}
CLASSES = {name: thing for name, thing in PUBLIC.items() if inspect.isclass(thing)}
#: Made by asynctb alone, and given to hooks; the fields of the latter are the functions of this module.
GIVEN = {"Walk", "Registration"}


def callables() -> Iterator[Tuple[str, Callable[..., Any]]]:
    """Return the public functions, and the methods and constructors of the public classes."""
    for name, thing in PUBLIC.items():
        if isinstance(thing, types.FunctionType):
            yield name, thing
    for name, cls in CLASSES.items():
        for attribute, value in vars(cls).items():
            function = getattr(value, "__func__", value)
            if isinstance(function, types.FunctionType) and not attribute.startswith("_"):
                yield f"{name}.{attribute}", function
        # Those of data classes are made, and take the fields.
        is_made = hasattr(cls, "__attrs_attrs__") or name in GIVEN
        if isinstance(vars(cls).get("__init__"), types.FunctionType) and not is_made:
            yield f"{name}.__init__", cls.__init__


CALLABLES = dict(callables())
on_callables = pytest.mark.parametrize("name", CALLABLES)


@on_callables
def test_each_parameter_is_explained(name: str) -> None:
    function = CALLABLES[name]
    owner = CLASSES.get(name.partition(".")[0])
    text = (inspect.getdoc(owner) if name.endswith("__init__") else inspect.getdoc(function)) or ""
    for parameter in list(inspect.signature(function).parameters)[owner is not None :]:
        assert re.search(rf":param {parameter}:|\*{parameter}\*", text), parameter


@on_callables
def test_each_type_is_known(name: str) -> None:
    function = CALLABLES[name]
    signature = inspect.signature(function)
    is_method = name.partition(".")[0] in CLASSES
    for parameter in list(signature.parameters.values())[is_method:]:
        assert parameter.annotation is not parameter.empty, parameter.name
    assert signature.return_annotation is not signature.empty


@on_callables
def test_what_is_raised_is_said(name: str) -> None:
    """As far as the function itself raises it."""
    function = CALLABLES[name]
    tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(function)))
    raised = {
        node.exc.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name)
    }
    owner = CLASSES.get(name.partition(".")[0])
    text = (inspect.getdoc(owner) if name.endswith("__init__") else inspect.getdoc(function)) or ""
    assert {error for error in raised if f":raises {error}:" not in text} == set()


@pytest.mark.parametrize(
    "name", [name for name, cls in CLASSES.items() if hasattr(cls, "__attrs_attrs__") and name not in GIVEN]
)
def test_each_field_is_explained(name: str) -> None:
    lines, _ = inspect.getsourcelines(CLASSES[name])
    fields = [index for index, line in enumerate(lines) if re.match(r"    [a-z]\w*: [^=]", line)]
    assert fields
    assert [lines[index].strip() for index in fields if not lines[index - 1].lstrip().startswith("#:")] == []
    assert Any not in typing.get_type_hints(CLASSES[name]).values()


@pytest.mark.skipif(sys.platform == "win32", reason="an example opens /dev/null")
def test_examples() -> None:
    count = 0
    space = {"asynctb": asynctb, "sys": sys, "__name__": "__main__"}
    for test in (found for thing in PUBLIC.values() for found in doctest.DocTestFinder().find(thing, "public")):
        if test.examples:
            test.globs = dict(space)
            result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
            assert result.failed == 0
            count += result.attempted
    assert count > 5
