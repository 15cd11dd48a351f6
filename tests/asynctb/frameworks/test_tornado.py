"""Generators that Tornado resumes."""

from __future__ import annotations

import asyncio
from typing import Any, Dict, Iterator, List

import pytest

from asynctb import Activity, Traceback, snapshot

gen = pytest.importorskip("tornado.gen", reason="Tornado is not installed")


def listed(framework: str = "tornado") -> Dict[str, Activity]:
    """Return the activities of a framework by the last part of their names."""
    found = snapshot()
    assert not found.notes
    return {
        activity.name.rpartition(".")[2]: activity for activity in found.activities if activity.framework == framework
    }


def shown(stack: Traceback) -> List[str]:
    return [frame.frame.f_code.co_name for frame in stack if not frame.hide]


def test_waits_and_parents() -> None:
    @gen.coroutine  # type: ignore[untyped-decorator,unused-ignore]
    def child() -> Iterator[Any]:
        yield gate

    @gen.coroutine  # type: ignore[untyped-decorator,unused-ignore]
    def parent() -> Iterator[Any]:
        yield child()

    @gen.coroutine  # type: ignore[untyped-decorator,unused-ignore]
    def awaited() -> Iterator[Any]:
        yield native_gate()

    async def native_gate() -> None:
        await gate

    async def waiting() -> None:
        await awaited()

    async def main() -> None:
        nonlocal gate
        gate = asyncio.get_running_loop().create_future()
        begun = parent()
        task = asyncio.ensure_future(waiting())
        while "awaited" not in listed():
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        found.append((listed(), listed("asyncio")))
        gate.set_result(None)
        found.append((listed(), {}))
        await begun
        await task

    gate: Any = None
    found: List[Any] = []
    asyncio.run(main())
    tasks, of_asyncio = found[0]
    assert set(tasks) == {"child", "parent", "awaited"}
    assert {task.loop for task in tasks.values()} == {task.loop for task in of_asyncio.values()}
    assert {task.thread for task in tasks.values()} == {task.thread for task in of_asyncio.values()}
    for name, task in tasks.items():
        assert task.state == "suspended"
        assert shown(task.traceback) == [name]
        assert task.top.frame.f_code.co_name == name
    assert tasks["child"].waits_for.target is gate
    assert tasks["child"].waits_for.description == "future"
    assert tasks["parent"].waits_for.activities == (tasks["child"].id,)
    assert tasks["parent"].waits_for.description == "task " + tasks["child"].name
    assert tasks["child"].parent == tasks["parent"].id
    assert tasks["parent"].parent == tasks["parent"].thread
    by_id = {task.id: task for task in of_asyncio.values()}
    assert shown(by_id[tasks["awaited"].parent].traceback) == ["waiting"]
    assert shown(by_id[tasks["awaited"].waits_for.activities[0]].traceback) == ["native_gate"]
    assert found[1][0]["child"].state == "ready"
    assert not listed()


def test_one_that_runs() -> None:
    @gen.coroutine  # type: ignore[untyped-decorator,unused-ignore]
    def looking() -> Iterator[Any]:
        yield asyncio.sleep(0)
        found.append(listed()["looking"])

    async def main() -> None:
        await looking()

    found: List[Activity] = []
    asyncio.run(main())
    assert found[0].state == "running"
    assert found[0].top is not None
    assert found[0].top.frame.f_code.co_name == "listed"
