"""Where stacks and waits go on that are handed from one activity to another."""

from __future__ import annotations

import asyncio
import concurrent.futures
import selectors
import socket
import sys
import threading
import time
import types
from typing import Any, AsyncIterator, Dict, Iterator, List, Tuple

import pytest
from support import names

from asynctb import Activity, Snapshot, Traceback
from asynctb._frameworks import pytest as pytest_room
from asynctb._frameworks.asyncio import nested
from asynctb._frameworks.threading.concurrent import loop_runs
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
            inner = asyncio.gather(asyncio.shield(tasks[1]), loop.run_in_executor(pool, gate.wait))
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

    with concurrent.futures.ThreadPoolExecutor(1, "gate") as pool:
        found = asyncio.run(main())
    assert waited_for(found, "gathers") == ("2 of 2 tasks", ["first", "gate_0", "second"])
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


def looked_at_from_outside(loop_is_idle: threading.Event) -> Snapshot:
    """Return a snapshot of a thread that is about to do nothing more, once it does nothing more."""
    loop_is_idle.wait(60)
    main = threading.main_thread()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = snapshot()
        if any(each.target is main and each.state == "suspended" for each in found.activities):
            return found
    raise AssertionError("it does not become idle")


def test_a_loop_in_a_thread_that_a_task_waits_for() -> None:
    stop: List[Any] = []

    async def inner() -> None:
        stop.extend([asyncio.get_running_loop(), asyncio.Event()])
        started.set()
        await stop[1].wait()

    async def outer() -> None:
        await asyncio.get_running_loop().run_in_executor(None, lambda: asyncio.run(inner()))

    async def main() -> Tuple[Dict[str, Activity], Traceback]:
        waiting = task(outer(), "outer")
        await asyncio.sleep(0)
        assert await asyncio.get_running_loop().run_in_executor(None, started.wait, 60)
        deadline = time.monotonic() + 60
        while True:
            found, stack = by_name(), Traceback.of(waiting)
            if "inner" in names(stack) and "Task-" in str(waited_for(found, "outer")[1]):
                break
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(0)
        stop[0].call_soon_threadsafe(stop[1].set)
        await waiting
        return found, stack

    started = threading.Event()
    found, stack = asyncio.run(main())
    shown = [info.funcname.rpartition(".")[2] for info in stack if not info.hide]
    assert shown == ["outer", "<lambda>", "inner"]
    (name,) = [
        each.name
        for each in found.values()
        if each.kind == "task" and each.top is not None and names([each.top]) == ["inner"]
    ]
    assert waited_for(found, "outer")[1] == [name]


def test_a_loop_inside_of_a_task() -> None:
    """nest_asyncio, without the tricks that it needs to run tasks inside of tasks."""
    looked: List[Snapshot] = []
    idle = threading.Event()

    def run_until_complete(selector: selectors.BaseSelector, f: Any) -> None:
        idle.set()
        selector.select()

    async def inner() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        waited = task(inner(), "inner")
        await asyncio.sleep(0)
        ours, others = socket.socketpair()
        with ours, others, selectors.DefaultSelector() as selector:
            selector.register(ours, selectors.EVENT_READ)

            def look() -> None:
                looked.append(looked_at_from_outside(idle))
                others.send(b".")

            thread = threading.Thread(target=look)
            thread.start()
            run_until_complete(selector, waited)
            thread.join()
        waited.cancel()

    known = dict(handling_by_code)
    nested.register_nested(run_until_complete.__code__, "f")
    try:
        asyncio.run(main())
    finally:
        handling_by_code.clear()
        handling_by_code.update(known)
        del loop_runs[id(run_until_complete.__code__)]
    found = {each.name: each for each in looked[0].activities}
    assert waited_for(found, task_of_main(found)) == ("task inner", ["inner"])
    stack = found[task_of_main(found)].traceback
    assert stack is not None
    shown = [info.funcname.rpartition(".")[2] for info in stack if not info.hide]
    assert shown == ["main", "run_until_complete", "inner"]


def task_of_main(found: Dict[str, Activity]) -> str:
    return next(each.name for each in found.values() if each.kind == "task" and each.state == "running")


def test_a_task_that_a_thread_has_woken_without_waking_its_loop() -> None:
    looked: List[Snapshot] = []

    async def main() -> None:
        event, idle, loop = asyncio.Event(), threading.Event(), asyncio.get_running_loop()

        def sensor() -> None:
            for wakes in (False, True):
                looked.append(looked_at_from_outside(idle))
                if not wakes:
                    event.set()
            loop.call_soon_threadsafe(lambda: None)

        thread = threading.Thread(target=sensor)
        thread.start()
        loop.call_soon(idle.set)
        await event.wait()
        thread.join()

    asyncio.run(main(), debug=False)
    asleep = [[note for note in found.notes if "sleeps although it has calls to make" in note] for found in looked]
    assert len(asleep[0]) == 0
    assert len(asleep[1]) == 1
    assert " Ready: Task-" in asleep[1][0]


def test_loops_that_are_woken_do_not_oversleep() -> None:
    async def main() -> None:
        loop, ends = asyncio.get_running_loop(), time.monotonic() + 0.5
        done = asyncio.Event()

        def wakes() -> None:
            while time.monotonic() < ends:
                loop.call_soon_threadsafe(lambda: None)
            loop.call_soon_threadsafe(done.set)

        def looks() -> None:
            while time.monotonic() < ends:
                notes.extend(snapshot(tracebacks=False).notes)

        threads = [threading.Thread(target=function) for function in (wakes, looks)]
        for thread in threads:
            thread.start()
        await done.wait()
        for thread in threads:
            thread.join()

    notes: List[str] = []
    asyncio.run(main())
    assert not [note for note in notes if "sleeps" in note]


def test_work_that_waits_for_a_thread_that_asgiref_uses() -> None:
    sync = pytest.importorskip("asgiref.sync")
    go_on, at_work = threading.Event(), threading.Event()
    found: List[Dict[str, Activity]] = []

    def first() -> None:
        at_work.set()
        go_on.wait(60)

    async def view() -> None:
        tasks = [task(sync.sync_to_async(function)(), name) for name, function in (("first", first), ("second", int))]
        while not at_work.is_set() or "work queued" not in waited_for(by_name(), "second")[0]:
            await asyncio.sleep(0)
        found.append(by_name())
        go_on.set()
        await asyncio.gather(*tasks)

    async def application() -> None:
        await sync.sync_to_async(lambda: sync.async_to_sync(view)())()

    asyncio.run(application())
    words, waits = waited_for(found[0], "second")
    assert words == "work queued for a thread"
    assert waits == waited_for(found[0], "first")[1]
    assert len(waits) == 1


class _Job:
    """An item of work that looks like none of the standard library's."""

    def __init__(self, future: Any, function: Any) -> None:
        self.fut, self.function = future, function

    def __call__(self) -> None:
        self.fut.set_result(self.function())


class OwnExecutor(concurrent.futures.Executor):
    """An executor with a thread for each call; it never says that a future is running."""

    def __init__(self, with_items: bool) -> None:
        self.with_items = with_items

    def submit(self, fn: Any, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        future: Any = concurrent.futures.Future()
        work = _Job(future, fn) if self.with_items else self.work
        threading.Thread(target=work, args=() if self.with_items else (future, fn), name="worker").start()
        return future

    @staticmethod
    def work(result: Any, fn: Any) -> None:
        try:
            result.set_result(fn())
        finally:
            del result


@pytest.mark.parametrize("with_items", [True, False])
def test_executors_of_other_kinds(with_items: bool) -> None:
    at_work, go_on = threading.Event(), threading.Event()

    def computes() -> None:
        at_work.set()
        go_on.wait(60)

    async def waits() -> None:
        await asyncio.get_running_loop().run_in_executor(OwnExecutor(with_items), computes)

    async def main() -> Tuple[Dict[str, Activity], Traceback]:
        waiting = task(waits(), "waits")
        while not at_work.is_set():
            await asyncio.sleep(0)
        found, stack = by_name(), Traceback.of(waiting)
        go_on.set()
        await waiting
        return found, stack

    found, stack = asyncio.run(main())
    assert waited_for(found, "waits") == ("result of work that runs in a pool", ["worker"])
    assert names(stack)[0] == "waits"
    assert "computes" in names(stack)


class coroutine:
    """Cython's: a type of the same name, whose attributes C code computes; here, the slots of a class."""

    __slots__ = ("cr_await", "cr_frame", "cr_running")


class coroutine_wrapper:
    __slots__ = ("made_for",)

    def __init__(self, made_for: coroutine) -> None:
        self.made_for = made_for

    def __await__(self) -> coroutine_wrapper:
        return self

    def __iter__(self) -> coroutine_wrapper:
        return self

    def __next__(self) -> Any:
        return self.made_for.cr_await.send(None)  # type: ignore[attr-defined]


def test_waits_behind_coroutines_of_cython() -> None:
    async def main() -> Tuple[Dict[str, Activity], Traceback]:
        event = asyncio.Event()

        async def waits() -> None:
            await coroutine_wrapper(foreign)

        foreign: Any = coroutine()
        foreign.cr_frame, foreign.cr_running, foreign.cr_await = sys._getframe(), False, event.wait()
        waiting = task(waits(), "waits")
        await asyncio.sleep(0)
        found, stack = by_name(), Traceback.of(waiting)
        waiting.cancel()
        await asyncio.wait([waiting])
        foreign.cr_await.close()
        return found, stack

    found, stack = asyncio.run(main())
    assert names(stack)[:3] == ["waits", "main", "wait"]
    assert waited_for(found, "waits") == ("event", [])
