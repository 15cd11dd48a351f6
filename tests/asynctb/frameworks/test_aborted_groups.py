"""Groups of tasks that end because one has failed, while others still clean up: the exception is told."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, List, Optional

import pytest

from asynctb import ContextInfo, Traceback


def descriptions(stack: Traceback) -> List[Optional[str]]:
    contexts: List[ContextInfo] = [context for frame in stack.frames for context in frame.contexts]
    return [context.description for context in contexts if context.children]


async def fails() -> None:
    raise ZeroDivisionError("the first")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.TaskGroup is new in Python 3.11")
def test_asyncio() -> None:
    found: List[Optional[str]] = []

    async def cleans_up() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            found.extend(descriptions(Traceback.of(owner)))

    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:  # type: ignore[attr-defined]
            tasks.create_task(cleans_up())
            await asyncio.sleep(0)
            tasks.create_task(fails())

    async def main() -> None:
        nonlocal owner
        owner = asyncio.ensure_future(group())
        await asyncio.gather(owner, return_exceptions=True)

    owner: Any = None
    asyncio.run(main())
    assert found == ["1 task, aborted by ZeroDivisionError: the first"]


def test_trio() -> None:
    trio: Any = pytest.importorskip("trio")
    found: List[Optional[str]] = []

    async def cleans_up(task: Any) -> None:
        try:
            await trio.sleep_forever()
        finally:
            found.extend(descriptions(Traceback.of(task)))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(cleans_up, trio.lowlevel.current_task())
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(fails)

    pytest.importorskip("trio.testing")
    with pytest.raises(BaseException):  # noqa: B017, PT011
        trio.run(main)
    assert "open_nursery(), 1 task, aborted by ZeroDivisionError: the first" in found


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_anyio(backend: str) -> None:
    anyio: Any = pytest.importorskip("anyio")
    pytest.importorskip(backend)
    found: List[Optional[str]] = []

    async def cleans_up(task: Any) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            found.extend(descriptions(Traceback.of(task)))

    async def main() -> None:
        if backend == "asyncio":
            task: Any = asyncio.current_task()
        else:
            task = sys.modules["trio"].lowlevel.current_task()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(cleans_up, task)
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(fails)

    with pytest.raises(BaseException):  # noqa: B017, PT011
        anyio.run(main, backend=backend)
    assert "1 task, aborted by ZeroDivisionError: the first" in found
