"""Plain data: complete, ready for JSON, and without any reference to the program."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import sys
import types
import weakref
from typing import Any, Dict, Iterator, List, Tuple

import pytest
from support import suspended, trap

import asynctb
from asynctb import _data


class Manager:
    async def __aenter__(self) -> Manager:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        pass


@contextlib.contextmanager
def generator_based() -> Iterator[None]:
    yield


async def example(manager: Manager) -> None:
    async with manager:
        with generator_based(), contextlib.ExitStack() as stack:
            stack.enter_context(generator_based())
            await trap()  # @await


def line_of(mark: str) -> int:
    with open(__file__) as file:
        return next(number for number, line in enumerate(file, 1) if line.endswith(f"# @{mark}\n"))


def fields_of(data: Any, found: Dict[Tuple[str, ...], List[Dict[str, Any]]]) -> None:
    """Collect all dictionaries by their sorted keys, and check that there is nothing but JSON."""
    assert type(data) in (dict, list, str, int, bool, float)
    if type(data) is dict:
        found.setdefault(tuple(sorted(data)), []).append(data)
    for each in data.values() if type(data) is dict else data if type(data) is list else ():
        fields_of(each, found)


def test_a_stack() -> None:
    manager = Manager()
    with suspended(example(manager)) as coroutine:
        data = asynctb.Traceback.of(coroutine).as_data()
    assert json.loads(json.dumps(data)) == data
    assert data["root"] == {"type": "coroutine", "address": hex(id(coroutine))}
    frame, leaf = data["frames"]
    assert frame["name"] == "example"
    assert frame["location"]["path"] == __file__
    assert frame["location"]["line"] == line_of("await")
    assert frame["text"] == "await trap()  # @await"
    if sys.version_info >= (3, 11) and sys.implementation.name == "cpython":
        assert (frame["location"]["colOffset"], frame["location"]["endColOffset"]) == (12, 24)
    outer, inner, stack = frame["contexts"]
    assert outer["manager"] == {"type": "test_plain.Manager", "address": hex(id(manager))}
    assert (outer["isAsync"], outer["phase"]) == (True, "active")
    assert inner["inner"]["frames"][0]["name"] == "generator_based"
    child: Any
    (child,) = stack["children"]
    assert child["kind"] == "context"
    assert child["context"]["manager"]["type"] == "contextlib._GeneratorContextManager"
    assert "contexts" not in leaf


def test_a_snapshot() -> None:
    async def child() -> None:
        await asyncio.sleep(60)

    async def main() -> _data.SnapshotData:
        task = asyncio.ensure_future(child())
        await asyncio.sleep(0)
        data = asynctb.snapshot().as_data()
        summary = asynctb.snapshot(tracebacks=False).as_data()
        task.cancel()
        assert all("stack" in each for each in data["activities"])
        assert not any("stack" in each for each in summary["activities"])
        return data

    data = asyncio.run(main())
    assert json.loads(json.dumps(data)) == data
    by_name = {each["top"]["name"].rpartition(".")[2]: each for each in data["activities"] if "top" in each}
    assert by_name["child"]["state"] == "suspended"
    assert by_name["child"]["waitsFor"]["description"] == "sleep"
    assert {activity["kind"] for activity in data["activities"]} >= {"thread", "task"}
    found: Dict[Tuple[str, ...], List[Dict[str, Any]]] = {}
    fields_of(data, found)
    declared = [getattr(_data, name).__annotations__ for name in dir(_data) if name.endswith("Data")]
    for keys in found:
        assert any(set(keys) <= set(annotations) for annotations in declared), keys


def test_it_refers_to_nothing_of_the_program() -> None:
    manager = Manager()
    ref = weakref.ref(manager)
    with suspended(example(manager)) as coroutine:
        data = asynctb.Traceback.of(coroutine).as_data()
    del coroutine, manager
    gc.collect()
    assert ref() is None
    assert data["frames"]


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="PyPy makes a plain string of it")
def test_names_are_plain_strings() -> None:
    class Name(str):
        pass

    def original() -> Iterator[None]:
        yield

    code = original.__code__.replace(co_name=Name("renamed"), co_filename=Name("nowhere.py"))
    generator = types.FunctionType(code, {})()
    next(generator)
    (frame,) = asynctb.Traceback.of(generator).as_data()["frames"]
    assert type(frame["name"]) is str
    assert type(frame["location"]["path"]) is str
