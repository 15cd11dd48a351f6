"""Tasks whose cancellation has been requested, of which they do not know yet."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Dict, List, Tuple

import pytest

from asynctb import snapshot

Waits = Dict[str, Tuple[str, str]]


def waits() -> Waits:
    """Return the states of tasks, and what they wait for, by name."""
    return {
        each.name: (each.state, each.waits_for.description if each.waits_for is not None else "")
        for each in snapshot().activities
        if each.kind == "task"
    }


async def named(name: str) -> None:
    task: Any = asyncio.current_task()
    task.set_name(name)
    await asyncio.sleep(3600)


def test_of_asyncio() -> None:
    async def main() -> None:
        alone = asyncio.ensure_future(named("alone"))
        gathered = asyncio.gather(named("one"), named("two"))
        await asyncio.sleep(0)
        alone.cancel()
        gathered.cancel()
        found = waits()
        assert found["alone"] == ("cancelling", "its cancellation")
        assert found["one"] == found["two"] == ("cancelling", "its cancellation, requested by the gather()")
        await asyncio.gather(alone, gathered, return_exceptions=True)

    asyncio.run(main())


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout and TaskGroup are new in Python 3.11")
def test_of_groups_and_timeouts() -> None:
    found: List[Waits] = []

    async def fails() -> None:
        await asyncio.sleep(0)
        # What a task that ends calls is called after this, and what that cancels goes on after that.
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: loop.call_soon(lambda: found.append(waits())))
        raise ValueError

    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:  # type: ignore[attr-defined]
            tasks.create_task(fails())
            tasks.create_task(named("sibling"))

    async def limited() -> None:
        async with asyncio.timeout(None) as limit:  # type: ignore[attr-defined]
            limit.reschedule(asyncio.get_running_loop().time() - 1)
            asyncio.get_running_loop().call_soon(lambda: found.append(waits()))
            await named("limited")

    async def main() -> None:
        owner: Any = asyncio.create_task(group())
        owner.set_name("owner")
        await asyncio.wait([owner])
        assert owner.exception() is not None
        await asyncio.wait([asyncio.create_task(limited())])

    asyncio.run(main())
    group_, limited_ = found
    assert group_["sibling"] == ("cancelling", "its cancellation, requested by its task group of task owner")
    assert limited_["limited"] == ("cancelling", "its cancellation, requested by a timeout")


def test_of_trio() -> None:
    trio: Any = pytest.importorskip("trio")
    testing: Any = pytest.importorskip("trio.testing")

    async def scoped(scope: Any) -> None:
        with scope:
            await trio.sleep_forever()

    async def main() -> None:
        scope = trio.CancelScope()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(scoped, scope, name="scoped")
            nursery.start_soon(trio.sleep_forever, name="sleeper")
            await testing.wait_all_tasks_blocked()
            scope.cancel()
            assert waits()["scoped"] == ("cancelling", "its cancellation, requested by a cancel scope")
            nursery.cancel_scope.cancel()
            state, words = waits()["sleeper"]
            assert state == "cancelling"
            assert words.startswith("its cancellation, requested by its nursery of task ")

    trio.run(main)


def test_of_anyio() -> None:
    anyio: Any = pytest.importorskip("anyio")

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep, 3600, name="child")
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
            state, words = waits()["child"]
            assert state == "cancelling"
            assert words.startswith("its cancellation, requested by a task group of task ")

    anyio.run(main)
