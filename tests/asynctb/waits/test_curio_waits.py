"""Waits, holders and findings of the tasks of curio."""

from __future__ import annotations

import threading
from typing import Any, Callable, Dict, List, Tuple

import pytest

import asynctb

curio = pytest.importorskip("curio")


def _by_name(snapshot: asynctb.Snapshot) -> Dict[str, asynctb.Activity]:
    return {activity.name.rpartition(".")[2]: activity for activity in snapshot.activities}


def _run(main: Callable[[Any], Any]) -> None:
    """Run *main* with a function that starts tasks, which are cancelled in the end."""

    async def run() -> None:
        tasks: List[Any] = []

        async def start(name: str, function: Any, *args: Any) -> Any:
            task = await curio.spawn(function, *args, daemon=True)
            task.name = name
            tasks.append(task)
            return task

        try:
            await main(start)
        finally:
            for task in tasks:
                await task.cancel()

    curio.run(run)


async def _settled() -> None:
    for _ in range(20):
        await curio.sleep(0)


async def _hold(lock: Any, event: Any) -> None:
    async with lock:
        await event.wait()


async def _take(first: Any, second: Any) -> None:
    async with first:
        await curio.sleep(0)
        async with second:
            pass


@pytest.mark.parametrize("name", ["Lock", "RLock", "Condition"])
def test_two_locks(name: str) -> None:
    async def main(start: Any) -> None:
        one, two = getattr(curio, name)(), getattr(curio, name)()
        await start("left", _take, one, two)
        await start("right", _take, two, one)
        await _settled()
        snapshot = asynctb.snapshot()
        named = _by_name(snapshot)
        (finding,) = [each for each in snapshot.findings if each.certain]
        assert finding.kind == "deadlock"
        assert set(finding.activities) == {named["left"].id, named["right"].id}
        wait = named["left"].waits_for
        assert wait is not None
        (holder,) = wait.holders
        assert holder.activity == named["right"].id
        assert holder.evidence == ("owner" if name == "RLock" else "block")
        assert holder.since is not None

    _run(main)


def test_timeouts_are_ways_out() -> None:
    async def main(start: Any) -> None:
        one, two = curio.Lock(), curio.Lock()

        async def limited() -> None:
            async with curio.timeout_after(1000):
                await _take(one, two)

        await start("left", limited)
        await start("right", _take, two, one)
        await _settled()
        snapshot = asynctb.snapshot()
        assert [each for each in snapshot.findings if each.certain] == []
        wait = _by_name(snapshot)["left"].waits_for
        assert wait is not None
        assert wait.deadline is not None
        assert 900 < wait.deadline <= 1000

    _run(main)


def test_a_group_whose_child_wants_its_parents_lock() -> None:
    async def main(start: Any) -> None:
        lock, event = curio.Lock(), curio.Event()

        async def parent() -> None:
            async with lock, curio.TaskGroup() as group:
                await group.spawn(_hold, lock, event)

        await start("parent", parent)
        await _settled()
        snapshot = asynctb.snapshot()
        (finding,) = [each for each in snapshot.findings if each.certain]
        named = _by_name(snapshot)
        assert set(finding.activities) == {named["parent"].id, named["_hold"].id}
        wait = named["parent"].waits_for
        assert wait is not None
        assert (wait.kind, wait.activities) == ("group", (named["_hold"].id,))

    _run(main)


def test_tasks_that_join_each_other() -> None:
    async def main(start: Any) -> None:
        tasks: Dict[str, Any] = {}
        both = curio.Event()

        async def join(name: str) -> None:
            await both.wait()
            await tasks[name].wait()

        tasks["a"] = await start("a", join, "b")
        tasks["b"] = await start("b", join, "a")
        await both.set()
        await _settled()
        snapshot = asynctb.snapshot()
        named = _by_name(snapshot)
        (finding,) = [each for each in snapshot.findings if each.certain]
        assert set(finding.activities) == {named["a"].id, named["b"].id}
        wait = named["a"].waits_for
        assert wait is not None
        assert (wait.kind, wait.description) == ("task", "task b")

    _run(main)


def test_words() -> None:
    async def main(start: Any) -> None:
        event, semaphore, condition = curio.Event(), curio.Semaphore(1), curio.Condition()
        empty, full, joined = curio.Queue(), curio.Queue(maxsize=1), curio.Queue()
        await full.put(1)
        await joined.put(1)

        async def wait_for_condition() -> None:
            async with condition:
                await condition.wait()

        expected: Dict[str, Tuple[str, str]] = {
            "waits": ("event", "event"),
            "acquires": ("semaphore", "semaphore"),
            "conditions": ("condition", "condition"),
            "gets": ("queue_get", "item of a queue (empty)"),
            "puts": ("queue_put", "place in a queue (1 of 1)"),
            "joins": ("queue_join", "1 unfinished item of a queue"),
            "sleeps": ("sleep", "sleep"),
        }
        await start("holds", _hold, semaphore, event)
        await _settled()
        await start("waits", event.wait)
        await start("acquires", _hold, semaphore, event)
        await start("conditions", wait_for_condition)
        await start("gets", empty.get)
        await start("puts", full.put, 2)
        await start("joins", joined.join)
        await start("sleeps", curio.sleep, 1000)
        await _settled()
        snapshot = asynctb.snapshot()
        named = _by_name(snapshot)
        found = {}
        for name in expected:
            wait = named[name].waits_for
            assert wait is not None
            found[name] = wait.kind, wait.description
        assert found == expected
        sleep = named["sleeps"].waits_for
        assert sleep is not None
        assert sleep.deadline is not None
        assert 900 < sleep.deadline <= 1000
        assert [each for each in snapshot.findings if each.certain] == []

    _run(main)


def test_threads() -> None:
    async def main(start: Any) -> None:
        begun, release = threading.Event(), threading.Event()

        def work() -> None:
            begun.set()
            release.wait()

        try:
            task = await start("works", curio.run_in_thread, work)
            while not begun.is_set():
                await curio.sleep(0)
            snapshot = asynctb.snapshot()
            wait = _by_name(snapshot)["works"].waits_for
            assert wait is not None
            assert wait.kind == "thread"
            (thread,) = [each for each in snapshot.activities if each.id in wait.activities]
            assert thread.top is not None
            assert thread.top.funcname.endswith("work")
        finally:
            release.set()
        await task.join()

    _run(main)
