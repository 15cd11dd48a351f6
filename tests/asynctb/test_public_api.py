"""What the package publishes."""

from __future__ import annotations

import ast
import inspect
import os
import types

import pytest

import asynctb

PUBLIC = sorted(name for name in vars(asynctb) if not name.startswith("_"))


def imported_names() -> list[ast.alias]:
    with open(str(asynctb.__file__), encoding="utf-8") as file:
        tree = ast.parse(file.read())
    return [alias for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]


def test_names_that_others_rely_on() -> None:
    assert {
        "Activity",
        "ContextInfo",
        "FrameInfo",
        "InspectionWarning",
        "Snapshot",
        "Traceback",
        "customize",
        "register_get_target",
        "register_unwrap_awaitable",
        "register_unwrap_context_manager",
        "snapshot",
    } <= set(PUBLIC)


def test_each_name_is_exported_once_and_explicitly() -> None:
    names = [alias.name for alias in imported_names()]
    assert len(names) == len(set(names))
    for alias in imported_names():
        assert alias.asname in (alias.name, "_" + alias.name)  # the former is what type checkers take for an export


@pytest.mark.parametrize("name", PUBLIC)
def test_docstrings(name: str) -> None:
    thing = getattr(asynctb, name)
    if isinstance(thing, types.ModuleType):
        pytest.fail(f"the module {name} is visible")
    assert inspect.getdoc(thing)
    if inspect.isclass(thing) and thing.__module__.startswith("asynctb"):
        for attribute, value in vars(thing).items():
            if isinstance(value, (types.FunctionType, property, classmethod)) and not attribute.startswith("_"):
                assert inspect.getdoc(value), f"{name}.{attribute}"


@pytest.mark.parametrize("name", PUBLIC)
def test_annotations(name: str) -> None:
    thing = getattr(asynctb, name)
    if isinstance(thing, types.FunctionType):
        for parameter in inspect.signature(thing).parameters.values():
            assert parameter.annotation is not inspect.Parameter.empty, parameter.name
        assert inspect.signature(thing).return_annotation is not inspect.Signature.empty


def test_the_package_is_typed() -> None:
    assert os.path.exists(os.path.join(os.path.dirname(str(asynctb.__file__)), "py.typed"))
