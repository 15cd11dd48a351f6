"""Where stacks and waits go on that are handed from one activity to another."""

from __future__ import annotations

import asyncio
import threading
import types
from typing import Any, AsyncIterator, Dict, Iterator, List, Tuple

import pytest
from support import names

from asynctb import Activity, Traceback
from asynctb._frameworks import pytest as pytest_room
from asynctb._snapshot.listing import snapshot
from asynctb._stacks.customize import handling_by_code


def by_name() -> Dict[str, Activity]:
    return {each.name: each for each in snapshot().activities}


def waited_for(found: Dict[str, Activity], name: str) -> Tuple[str, List[str]]:
    """Return what an activity waits for, in words, and the names of those that can end it."""
    wait = found[name].waits_for
    assert wait is not None
    by_id = {each.id: each.name for each in found.values()}
    return wait.description, sorted(by_id[each] for each in wait.activities)


def task(coroutine: Any, name: str) -> Any:
    """Return a task of that name, also on Python 3.8, where `asyncio.ensure_future` takes none."""
    return asyncio.get_running_loop().create_task(coroutine, name=name)


def test_shields_inside_of_groups() -> None:
    async def main() -> Dict[str, Activity]:
        loop, gate = asyncio.get_running_loop(), threading.Event()
        tasks = [task(asyncio.sleep(3600), name) for name in ("first", "second")]

        async def gathers() -> None:
            inner = asyncio.gather(asyncio.shield(tasks[1]), loop.run_in_executor(None, gate.wait))
            await asyncio.gather(asyncio.shield(asyncio.shield(tasks[0])), inner)

        async def unknown() -> None:
            await asyncio.gather(asyncio.shield(tasks[0]), loop.create_future())

        async def waits() -> None:
            await asyncio.wait([asyncio.shield(each) for each in tasks[:2]])

        tasks += [task(gathers(), "gathers"), task(unknown(), "unknown"), task(waits(), "waits")]
        await asyncio.sleep(0.01)
        found = by_name()
        gate.set()
        for each in tasks[::-1]:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return found

    found = asyncio.run(main())
    (thread,) = [name for name in found if name.startswith(("asyncio_", "ThreadPoolExecutor"))]
    assert waited_for(found, "gathers") == ("2 of 2 tasks", sorted([thread, "first", "second"]))
    assert waited_for(found, "unknown") == ("2 of 2 tasks", [])
    assert waited_for(found, "waits") == ("tasks", ["first", "second"])


def test_the_end_of_an_iterator_is_no_failure() -> None:
    async def main() -> None:
        async def numbers() -> AsyncIterator[int]:
            yield 1

        generator = numbers()
        steps = [task(generator.__anext__(), "step") for _ in range(2)]  # type: ignore[arg-type]
        for step in steps:
            await asyncio.wait([step])
        assert type(steps[1].exception()) is StopAsyncIteration
        assert "step" not in by_name()
        assert str(Traceback.of(steps[1]).error) == "the task has ended"

    asyncio.run(main())


class _Waits:
    def __await__(self) -> Iterator[str]:
        yield "an event"


class TrioFixture:
    """As much of pytest-trio's class as is of interest."""

    async def run(self, func_value: Any) -> None:
        if isinstance(func_value, types.AsyncGeneratorType):
            await func_value.asend(None)
        else:
            next(func_value)
        await _Waits()
        if isinstance(func_value, types.AsyncGeneratorType):
            await func_value.asend(None)


@pytest.fixture
def _trio_plugin() -> Iterator[None]:
    known = dict(handling_by_code)
    plugin = types.ModuleType("pytest_trio.plugin")
    plugin.TrioFixture = TrioFixture  # type: ignore[attr-defined]
    pytest_room.ROOM.hooks["pytest_trio.plugin"](plugin)
    yield
    handling_by_code.clear()
    handling_by_code.update(known)


@pytest.mark.usefixtures("_trio_plugin")
def test_fixtures_of_pytest_trio() -> None:
    async def fixture() -> AsyncIterator[None]:
        await _Waits()
        yield
        await _Waits()

    coroutine = TrioFixture().run(fixture())
    found = []
    for _ in range(3):
        coroutine.send(None)
        stack = Traceback.of(coroutine)
        found.append((names(stack)[:2], stack.frames[1].linetext))
    coroutine.close()
    assert found == [
        (["run", "fixture"], "await _Waits()"),
        (["run", "fixture"], "yield"),
        (["run", "fixture"], "await _Waits()"),
    ]


@pytest.mark.usefixtures("_trio_plugin")
def test_fixtures_of_pytest_trio_that_are_not_async() -> None:
    def fixture() -> Iterator[None]:
        yield

    coroutine = TrioFixture().run(fixture())
    coroutine.send(None)
    assert names(Traceback.of(coroutine)) == ["run", "fixture"]
    coroutine.close()
