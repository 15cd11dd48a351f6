"""Stacks of asyncio tasks that go on in threads and greenlets, and back."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sys
import threading
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, Awaitable, Callable, Dict, Iterator, List, Optional

import pytest

from asynctb import Activity, ContextInfo, Traceback
from asynctb._snapshot.listing import snapshot


def activities() -> Dict[str, Activity]:
    found = snapshot()
    assert not [note for note in found.notes if "glue" in note], found.notes
    return {activity.name: activity for activity in found.activities}


def shown(traceback: Optional[Traceback]) -> List[str]:
    """Return the names of the functions that are not hidden."""
    assert traceback is not None
    return [frame.frame.f_code.co_name for frame in traceback.frames if not frame.hide]


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@contextlib.contextmanager
def blocking() -> Iterator[Any]:
    """Yield a function that blocks until the end of the block, with events: begun, released."""
    begun, released = threading.Event(), threading.Event()

    def blocks() -> None:
        begun.set()
        released.wait()

    blocks.begun = begun  # type: ignore[attr-defined]
    try:
        yield blocks
    finally:
        released.set()


def test_run_in_executor() -> None:
    async def main() -> None:
        async def works() -> None:
            await asyncio.get_running_loop().run_in_executor(pool, blocks)

        with ThreadPoolExecutor(1) as pool, blocking() as blocks:
            first, second = (asyncio.ensure_future(works()) for _ in range(2))
            await settle()
            blocks.begun.wait()
            first.set_name("first")
            second.set_name("second")
            found = activities()
            assert shown(found["first"].traceback)[:2] == ["works", "blocks"]
            assert shown(found["second"].traceback) == ["works"]  # its work has not begun
        await asyncio.gather(first, second)

    asyncio.run(main())


class _WorkItem:
    """As in executors that have a copy of the standard library's class."""

    def __init__(self, future: Future[Any], fn: Callable[[], object]) -> None:
        self.future = future
        self.fn = fn

    def run(self) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_result(self.fn())


class OwnExecutor(Executor):
    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        item = _WorkItem(Future(), functools.partial(fn, *args, **kwargs))
        threading.Thread(target=item.run).start()
        return item.future


def test_executor_with_work_items_of_its_own() -> None:
    async def main() -> None:
        async def works() -> None:
            await asyncio.get_running_loop().run_in_executor(OwnExecutor(), blocks)

        with blocking() as blocks:
            task = asyncio.ensure_future(works())
            await settle()
            blocks.begun.wait()
            task.set_name("works")
            assert shown(activities()["works"].traceback)[:3] == ["works", "run", "blocks"]
        await task

    asyncio.run(main())


def check_goes_on_in_a_thread(run: Callable[[Any], Awaitable[None]], waits_for: str) -> None:
    async def main() -> None:
        async def works() -> None:
            await run(blocks)

        with blocking() as blocks:
            task = asyncio.ensure_future(works())
            task.set_name("works")
            await settle()
            blocks.begun.wait()
            found = activities()["works"]
            assert shown(found.traceback)[:2] == ["works", "blocks"]
            assert found.waits_for is not None
            assert found.waits_for.description == waits_for
        await task

    asyncio.run(main())


@pytest.mark.skipif(sys.version_info < (3, 9), reason="asyncio.to_thread is new in Python 3.9")
def test_to_thread() -> None:
    check_goes_on_in_a_thread(lambda blocks: asyncio.to_thread(blocks), "thread")


def test_wait_for_the_work_of_a_thread() -> None:
    def run(blocks: Any) -> Awaitable[None]:
        return asyncio.wait_for(asyncio.get_running_loop().run_in_executor(None, blocks), 3600)

    check_goes_on_in_a_thread(run, "result of work that runs in a pool")


@pytest.mark.parametrize("method", ["result", "exception"])
def test_result_of_a_thread_pool(method: str) -> None:
    def waits() -> None:
        getattr(pool.submit(blocks), method)()

    with ThreadPoolExecutor(1) as pool, blocking() as blocks:
        thread = threading.Thread(target=waits)
        thread.start()
        blocks.begun.wait()
        while shown(Traceback.of(thread))[:3] != ["waits", method, "blocks"]:
            assert thread.is_alive()
        future = pool.submit(blocks)
        assert shown(Traceback.of(future)) == []  # it has not begun
    thread.join()
    assert shown(Traceback.of(future)) == []


def test_executor_that_is_shutting_down() -> None:
    def leaves() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(blocks)

    with blocking() as blocks:
        thread = threading.Thread(target=leaves)
        thread.start()
        blocks.begun.wait()
        description, give_up = None, time.monotonic() + 60
        while description != "ThreadPoolExecutor with 1 thread, shutting down":  # it is going to leave the block
            assert thread.is_alive()
            assert time.monotonic() < give_up, description
            contexts = [context for info in Traceback.of(thread) for context in info.contexts]
            description = next((c.description for c in contexts if type(c.manager) is ThreadPoolExecutor), None)
    thread.join()


def test_run_coroutine_threadsafe() -> None:
    loop: Any = None

    async def called() -> None:
        await asyncio.get_running_loop().create_future()

    def calls() -> None:
        future = asyncio.run_coroutine_threadsafe(called(), loop)
        futures.append(future)
        with contextlib.suppress(Exception):
            future.result()

    async def main() -> None:
        nonlocal loop
        loop = asyncio.get_running_loop()
        thread = threading.Thread(target=calls, name="calling")
        thread.start()
        while shown(activities()["calling"].traceback)[-1] != "called":
            await asyncio.sleep(0)
        assert shown(activities()["calling"].traceback)[0] == "calls"
        futures[0].cancel()
        await asyncio.get_running_loop().run_in_executor(None, thread.join)

    futures: List[Any] = []
    asyncio.run(main())


def test_context_managers_of_asyncio() -> None:
    condition: Any = None
    semaphore: Any = None
    lock: Any = None

    async def holds() -> None:
        async with lock, semaphore, condition:
            await asyncio.get_running_loop().create_future()

    async def wants() -> None:
        async with lock:
            pass

    async def main() -> None:
        nonlocal lock, semaphore, condition
        lock, semaphore, condition = asyncio.Lock(), asyncio.Semaphore(3), asyncio.Condition()
        tasks = [asyncio.ensure_future(f()) for f in (holds, wants, wants)]
        tasks[0].set_name("holds")
        await settle()
        descriptions = {id(c.manager): c.description for c in contexts_of(activities()["holds"].traceback)}
        assert descriptions == {id(lock): "locked, 2 waiting", id(semaphore): "value 2", id(condition): "locked"}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout and TaskGroup are new in Python 3.11")
def test_task_groups_and_timeouts() -> None:
    async def forever() -> None:
        await asyncio.get_running_loop().create_future()

    async def holds() -> None:
        async with asyncio.timeout(3600), asyncio.timeout(None), asyncio.TaskGroup() as group:  # type: ignore[attr-defined]
            group.create_task(forever(), name="second")
            group.create_task(forever(), name="first")
            await forever()

    async def main() -> None:
        task = asyncio.ensure_future(holds())
        task.set_name("holds")
        await settle()
        found = activities()
        timed, endless, group = contexts_of(found["holds"].traceback)
        assert timed.description is not None
        left, _, rest = timed.description.partition(" ")
        assert 3500 < float(left) < 3601
        assert rest == "s left"
        assert endless.description == "no deadline"
        assert group.description == "2 tasks"
        assert [c.root for c in group.children if isinstance(c, Traceback)] == [
            found["first"].target,
            found["second"].target,
        ]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())


def contexts_of(traceback: Optional[Traceback]) -> List[ContextInfo]:
    assert traceback is not None
    return [context for frame in traceback.frames if not frame.hide for context in frame.contexts]


def test_greenback() -> None:
    greenback = pytest.importorskip("greenback", reason="greenback is not installed")

    async def awaited() -> None:
        await asyncio.get_running_loop().create_future()

    def synchronous() -> None:
        greenback.await_(awaited())

    async def outer() -> None:
        await greenback.ensure_portal()
        synchronous()

    async def other() -> None:
        await greenback.ensure_portal()
        await awaited()

    async def main() -> None:
        tasks = [asyncio.ensure_future(outer()), asyncio.ensure_future(other())]
        tasks[0].set_name("outer")
        tasks[1].set_name("other")
        await settle()
        found = activities()
        assert shown(found["outer"].traceback) == ["outer", "synchronous", "awaited"]
        assert shown(found["other"].traceback) == ["other", "awaited"]
        assert found["outer"].state == found["other"].state == "suspended"
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())


def test_manager_that_greenback_enters() -> None:
    greenback = pytest.importorskip("greenback", reason="greenback is not installed")

    async def main() -> None:
        async def works() -> None:
            await greenback.ensure_portal()
            synchronous()

        def synchronous() -> None:
            with greenback.async_context(lock):
                greenback.await_(asyncio.sleep(3600))

        lock = asyncio.Lock()
        task = asyncio.ensure_future(works())
        await settle()
        stack = Traceback.of(task)
        (context,) = (context for frame in stack if not frame.hide for context in frame.contexts)
        assert context.manager is lock
        assert context.description == "locked"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())


def test_summary_of_what_goes_on_in_greenlets() -> None:
    """Also without full stacks, the signature tells stacks apart that differ in a greenlet alone."""
    greenback = pytest.importorskip("greenback", reason="greenback is not installed")

    async def awaited() -> None:
        await asyncio.sleep(3600)

    def one() -> None:
        greenback.await_(awaited())

    def other() -> None:
        greenback.await_(awaited())

    async def portal(function: Any) -> None:
        await greenback.ensure_portal()
        await asyncio.sleep(0)
        function()

    async def main() -> None:
        tasks = [asyncio.ensure_future(portal(function)) for function in (one, one, other)]
        await settle()
        found = {activity.target: activity for activity in snapshot(tracebacks=False).activities}
        first, second, third = [found[task] for task in tasks]
        assert third.signature not in (first.signature, second.signature)
        # On CPython 3.11, a call that has been specialised between the two is at another instruction than before.
        assert first.signature == second.signature or sys.version_info[:2] == (3, 11)
        for activity in (first, second, third):
            assert activity.top is not None
            assert activity.top.frame.f_code.co_name == "awaited"
            assert activity.waits_for is not None
            assert activity.waits_for.description == "sleep"
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())


def test_asgiref() -> None:
    sync = pytest.importorskip("asgiref.sync", reason="asgiref is not installed")

    async def main() -> None:
        with blocking() as blocks:
            task = asyncio.ensure_future(sync.sync_to_async(blocks)())
            task.set_name("django")
            await settle()
            blocks.begun.wait()
            assert "blocks" in shown(activities()["django"].traceback)
        await task

    asyncio.run(main())


@pytest.mark.parametrize("begins_async", [False, True])
def test_asgiref_there_and_back(begins_async: bool) -> None:
    sync = pytest.importorskip("asgiref.sync", reason="asgiref is not installed")
    futures: List[Any] = []

    async def outer() -> None:
        asyncio.current_task().set_name("outer")  # type: ignore[union-attr]
        await sync.sync_to_async(middle)()

    def middle() -> None:
        sync.async_to_sync(inner)()

    async def inner() -> None:
        asyncio.current_task().set_name("inner")  # type: ignore[union-attr]
        await sync.sync_to_async(blocks)()
        futures.append(asyncio.get_running_loop().create_future())
        await futures[0]

    def run() -> None:
        asyncio.run(outer()) if begins_async else middle()

    with blocking() as blocks:
        thread = threading.Thread(target=run, name="middle")
        thread.start()
        blocks.begun.wait()
        expected = (["outer"] if begins_async else []) + ["middle", "inner", "blocks"]
        first = expected[0]

        def chain() -> List[str]:
            return [name for name in shown(activities()[first].traceback) if name in expected]

        while chain() != expected:  # the coroutine may hand it over still
            assert thread.is_alive()
        assert shown(activities()["inner"].traceback)[:2] == ["inner", "blocks"]
    while chain() != expected[:-1]:
        assert thread.is_alive()
    while not futures:
        assert thread.is_alive()
    futures[0].get_loop().call_soon_threadsafe(futures[0].set_result, None)
    thread.join()


def test_sqlalchemy() -> None:
    """Its synchronous code runs in a greenlet, and awaits through the coroutine that has started that."""
    concurrency = pytest.importorskip("sqlalchemy.util.concurrency", reason="SQLAlchemy is not installed")
    lock = threading.Lock()

    async def handler() -> None:
        await concurrency.greenlet_spawn(synchronous)

    def synchronous() -> None:
        with lock:
            concurrency.await_only(query())
            found.append(activities()["handler"])

    async def query() -> None:
        futures.append(asyncio.get_running_loop().create_future())
        await futures[0]

    async def main() -> None:
        task = asyncio.ensure_future(handler())
        task.set_name("handler")
        await settle()
        found.append(activities()["handler"])
        (greenlet,) = [each for each in snapshot().activities if each.kind == "greenlet" and each.state == "suspended"]
        assert greenlet.parent == found[0].id
        futures[0].set_result(None)
        await task

    futures: List[Any] = []
    found: List[Activity] = []
    asyncio.run(main())
    assert [activity.state for activity in found] == ["suspended", "running"]
    assert shown(found[0].traceback) == ["handler", "synchronous", "query"]
    assert shown(found[1].traceback)[:2] == ["handler", "synchronous"]
    for activity in found:
        assert activity.traceback is not None
        (frame,) = [info for info in activity.traceback if info.frame.f_code.co_name == "synchronous"]
        assert [context.manager for context in frame.contexts] == [lock]


def test_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed")

    async def waits() -> None:
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        task = asyncio.ensure_future(waits())
        task.set_name("waits")
        await settle()
        found = activities()
        assert found["waits"].state == "suspended"
        assert found["waits"].loop is not None
        assert found["waits"].thread == found["MainThread"].id
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    loop = uvloop.new_event_loop()
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
