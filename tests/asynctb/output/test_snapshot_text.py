"""Whole snapshots as text: each frame stands at one activity."""

from __future__ import annotations

import asyncio
import concurrent.futures
import sys
import threading
import types
from typing import Any, Iterator, List

import pytest

from asynctb import Activity, Snapshot, Traceback, snapshot
from asynctb._output.document import snapshot_document


def lines_with(text: str, what: str) -> List[str]:
    return [line.strip("│├└─ ") for line in text.splitlines() if what in line]


def test_frames_of_a_thread_that_a_task_waits_for() -> None:
    begun, released = threading.Event(), threading.Event()

    def blocks() -> None:
        begun.set()
        released.wait(60)

    async def waits() -> None:
        await asyncio.get_running_loop().run_in_executor(None, blocks)

    async def main() -> str:
        task = asyncio.ensure_future(waits())
        while not begun.is_set():
            await asyncio.sleep(0)
        try:
            return str(snapshot())
        finally:
            released.set()
            await task

    text = asyncio.run(main())
    assert len(lines_with(text, "blocks  ")) == 1
    (line,) = lines_with(text, "goes on in")
    assert line.startswith("goes on in Thread ")
    assert text.index("blocks  ") > text.index(f"{line[len('goes on in ') :]}  ")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks are new in CPython 3.12")
def test_eager_tasks_inside_each_other() -> None:
    texts: List[str] = []

    def look() -> None:
        texts.append(str(snapshot()))

    async def inner() -> None:
        look()

    async def outer() -> None:
        await asyncio.create_task(inner())

    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]
        await asyncio.create_task(outer())

    asyncio.run(main())
    for function in (".inner  ", ".outer  ", ".main  ", ".look  "):
        assert len(lines_with(texts[0], function)) == 1
    assert len(lines_with(texts[0], "goes on in Task ")) == 2


def test_a_loop_in_a_thread_that_waits_for_it() -> None:
    texts: List[str] = []
    documents: List[Any] = []
    begun = threading.Event()

    async def query() -> None:
        begun.set()
        await asyncio.sleep(3600)

    def run() -> None:
        try:
            asyncio.run(query())
        except RuntimeError:  # the loop is stopped
            pass

    def wait() -> None:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            pool.submit(run).result()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    begun.wait()
    while not texts or "waits for sleep" not in texts[-1]:
        found = snapshot()
        texts.append(str(found))
        documents.append(snapshot_document(found))
    (task,) = [each for each in found.activities if each.kind == "task" and "query  " in str(each.traceback)]
    target: Any = task.target
    loop = target.get_loop()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    assert len(lines_with(texts[-1], "query  ")) == 1
    assert len(lines_with(texts[-1], "wait  ")) == 1
    # The same in files.
    document = documents[-1]
    for each in document["activities"]:
        frames = document["shapes"][each["stack"]["shape"]]["frames"]
        others = [each["stack"]["values"][frame["activityId"]] for frame in frames if "activityId" in frame]
        assert each["id"] not in others
        if each["id"] == task.id:
            assert not others


def test_a_greenlet_that_a_task_executes_is_the_task() -> None:
    @types.coroutine
    def suspend() -> Iterator[None]:
        yield

    async def inner() -> None:
        await suspend()

    async def outer(awaited: Any) -> None:
        await awaited

    query = inner()
    coroutine = outer(query)
    coroutine.send(None)
    greenlet = Activity("greenlet", "greenlet", "greenlet-1", "query", "suspended", None, traceback=Traceback.of(query))
    task = Activity("task", "asyncio", "task-1", "request", "suspended", None, traceback=Traceback.of(coroutine))
    for activities in ((greenlet, task), (task, greenlet)):
        text = str(Snapshot(activities, ()))
        assert len(lines_with(text, "inner  ")) == len(lines_with(text, "suspend  ")) == 1
        assert lines_with(text, "goes on in") == ["goes on in Task request"]
    coroutine.close()
