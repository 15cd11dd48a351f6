"""Waits, holders and findings of asyncio's tasks, in real programs."""

from __future__ import annotations

import asyncio
import random
import re
import threading
import time
from typing import Any, Awaitable, Callable, Dict, List, Optional, Set, Tuple

import pytest

import asynctb

_started: List[asyncio.Future[Any]] = []


def _start(awaitable: Awaitable[Any]) -> Any:
    task = asyncio.ensure_future(awaitable)
    _started.append(task)
    return task


async def _settled() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


def _run(main: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        try:
            await main()
        finally:
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            while any(not task.done() for task in tasks):
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)

    asyncio.run(run())
    _started.clear()


def _named(snapshot: asynctb.Snapshot) -> Dict[str, asynctb.Activity]:
    return {activity.name: activity for activity in snapshot.activities}


def _wait_of(name: str, snapshot: Optional[asynctb.Snapshot] = None) -> asynctb.Wait:
    wait = _named(snapshot or asynctb.snapshot())[name].waits_for
    assert wait is not None
    return wait


def _ids(snapshot: asynctb.Snapshot, *names: str) -> Tuple[str, ...]:
    return tuple([_named(snapshot)[name].id for name in names])


async def _hold(lock: Any, event: asyncio.Event) -> None:
    async with lock:
        await event.wait()


async def _take(*locks: Any) -> None:
    if locks:
        async with locks[0]:
            await asyncio.sleep(0)
            await _take(*locks[1:])


@pytest.mark.parametrize("tracebacks", [True, False])
def test_two_locks(tracebacks: bool) -> None:
    async def main() -> None:
        one, two = asyncio.Lock(), asyncio.Lock()
        left = _start(_take(one, two))
        right = _start(_take(two, one))
        left.set_name("left")
        right.set_name("right")
        await _settled()
        snapshot = asynctb.snapshot(tracebacks=tracebacks)
        (finding,) = snapshot.findings
        assert finding.kind == "deadlock"
        assert finding.certain
        assert sorted(finding.activities) == sorted(_ids(snapshot, "left", "right"))
        assert "task left waits for lock at test_asyncio_waits.py:" in finding.text
        assert "held by task right since test_asyncio_waits.py:" in finding.text
        assert [step.activity for step in finding.steps] == list(finding.activities)
        wait = _wait_of("left", snapshot)
        assert wait.kind == "lock"
        assert wait.target is two
        (holder,) = wait.holders
        assert (holder.activity, holder.permits, holder.evidence) == (*_ids(snapshot, "right"), 1, "block")
        assert holder.since is not None
        assert holder.since.filename == __file__
        data = snapshot.as_data()
        assert data["findings"][0]["activityIds"] == list(finding.activities)
        assert data["findings"][0]["certain"] is True
        assert str(snapshot).splitlines()[0].startswith("Deadlock: ")
        assert ", waits for lock, held by right" in str(snapshot)

    _run(main)


def test_one_lock_twice() -> None:
    async def main() -> None:
        lock = asyncio.Lock()
        task = _start(_take(lock, lock))
        await _settled()
        snapshot = asynctb.snapshot()
        (finding,) = snapshot.findings
        assert finding.certain
        assert finding.activities == (_activity_of(snapshot, task).id,)

    _run(main)


def _activity_of(snapshot: asynctb.Snapshot, task: object) -> asynctb.Activity:
    return next(activity for activity in snapshot.activities if activity.target is task)


def test_child_that_wants_its_parents_lock() -> None:
    async def main() -> None:
        lock = asyncio.Lock()

        async def parent() -> None:
            async with lock:
                await asyncio.gather(_take(lock), _take(lock))

        task = _start(parent())
        await _settled()
        snapshot = asynctb.snapshot()
        (finding,) = snapshot.findings
        assert finding.kind == "deadlock"
        assert finding.certain
        assert _activity_of(snapshot, task).id in finding.activities
        assert len(finding.activities) == 3
        wait = _activity_of(snapshot, task).waits_for
        assert wait is not None
        assert wait.kind == "tasks"
        assert len(wait.activities) == 2
        assert wait.needs == "all"

    _run(main)


def test_child_that_lives_may_end_the_wait() -> None:
    async def main() -> None:
        lock, event = asyncio.Lock(), asyncio.Event()

        async def parent() -> None:
            async with lock:
                await asyncio.gather(_take(lock), event.wait())

        _start(parent())
        await _settled()
        assert asynctb.snapshot().findings == ()

    _run(main)


def test_timeouts_are_ways_out() -> None:
    async def main() -> None:
        one, two = asyncio.Lock(), asyncio.Lock()
        _start(asyncio.wait_for(_take(one, two), 1000))
        _start(_take(two, one))
        await _settled()
        (finding,) = asynctb.snapshot().findings
        assert (finding.kind, finding.certain) == ("deadlock", False)
        found = re.search(r" \(for (\d+) s, until the timeout of task Task-\d+\)$", finding.text)
        assert found is not None
        assert 900 < int(found[1]) <= 1000

    _run(main)


def test_a_timer_that_cancels_is_a_way_out() -> None:
    async def main() -> None:
        lock = asyncio.Lock()
        task = _start(_take(lock, lock))
        handle = asyncio.get_running_loop().call_later(1000, task.cancel)
        await _settled()
        assert [finding.certain for finding in asynctb.snapshot().findings] == [False]
        handle.cancel()
        assert [finding.kind for finding in asynctb.snapshot().findings] == ["deadlock"]

    _run(main)


@pytest.mark.parametrize("has_timeout", [False, True])
def test_a_timeout_around_a_group_whose_owner_waits_for_something_else(has_timeout: bool) -> None:
    groups = pytest.importorskip("asyncio.taskgroups")

    async def main() -> None:
        one, two = asyncio.Lock(), asyncio.Lock()

        async def owner() -> None:
            async with asyncio.timeout(1000 if has_timeout else None):  # type: ignore[attr-defined,unused-ignore]
                async with groups.TaskGroup() as group:
                    group.create_task(_take(one, two))
                    group.create_task(_take(two, one))
                    await asyncio.Event().wait()

        _start(owner())
        await _settled()
        findings = asynctb.snapshot().findings
        assert [finding.certain for finding in findings] == ([] if has_timeout else [True])

    _run(main)


def test_a_subclass_that_changes_what_a_lock_is() -> None:
    class Shared(asyncio.Lock):
        async def __aenter__(self) -> None:
            if not self.locked():
                await self.acquire()

        async def __aexit__(self, *exc: object) -> None:
            pass

    async def main() -> None:
        lock = Shared()

        async def uses() -> None:
            async with lock:
                await lock.acquire()

        _start(uses())
        await _settled()
        assert asynctb.snapshot().findings == ()

    _run(main)


def test_released_within_the_block() -> None:
    async def main() -> None:
        one, two, event = asyncio.Lock(), asyncio.Lock(), asyncio.Event()

        async def gives_up() -> None:
            async with one:
                one.release()
                async with two:
                    pass
                await one.acquire()

        async def calls() -> None:
            await one.acquire()
            await event.wait()

        holder = _start(_hold(two, event))
        await asyncio.sleep(0)
        _start(gives_up())
        await asyncio.sleep(0)
        _start(calls())
        await asyncio.sleep(0)
        snapshot = asynctb.snapshot()
        assert snapshot.findings == ()
        del holder

    _run(main)


def test_released_by_a_function_that_has_returned() -> None:
    async def main() -> None:
        one, two, event = asyncio.Lock(), asyncio.Lock(), asyncio.Event()

        def give_up() -> None:
            one.release()

        async def gives_up() -> None:
            async with one:
                give_up()
                async with two:
                    pass
                await _take_again(one)

        async def calls() -> None:
            await one.acquire()
            await event.wait()

        _start(_hold_both(two, one))
        await asyncio.sleep(0)
        _start(gives_up())
        await asyncio.sleep(0)
        calling = _start(calls())
        await _settled()
        # It looks as if the two waited for each other, but "calls" has the lock that one of them gave up.
        assert [finding.text for finding in asynctb.snapshot().findings if finding.certain] == []
        del calling

    _run(main)


async def _take_again(lock: asyncio.Lock) -> None:
    await lock.acquire()


async def _hold_both(first: asyncio.Lock, second: asyncio.Lock) -> None:
    async with first:
        for _ in range(5):
            await asyncio.sleep(0)
        async with second:
            pass


def test_who_was_notified_waits_for_the_lock_of_the_condition() -> None:
    async def main() -> None:
        condition, event = asyncio.Condition(), asyncio.Event()

        async def waits() -> None:
            async with condition:
                await condition.wait()

        async def notifies() -> None:
            async with condition:
                condition.notify()
                await event.wait()

        waiter = _start(waits())
        await _settled()
        wait = _activity_of(asynctb.snapshot(), waiter).waits_for
        assert wait is not None
        assert wait.kind == "condition"
        assert wait.target is condition
        notifier = _start(notifies())
        await _settled()
        snapshot = asynctb.snapshot()
        wait = _activity_of(snapshot, waiter).waits_for
        assert wait is not None
        assert (wait.kind, wait.description) == ("lock", "lock of a condition")
        assert [holder.activity for holder in wait.holders] == [_activity_of(snapshot, notifier).id]

    _run(main)


def test_words() -> None:
    async def main() -> None:
        full: asyncio.Queue[int] = asyncio.Queue(2)
        empty: asyncio.Queue[int] = asyncio.Queue(10)
        full.put_nowait(1)
        full.put_nowait(2)
        semaphore = asyncio.BoundedSemaphore(2)
        event = asyncio.Event()
        expected = [
            (empty.get(), "queue_get", "item of a queue (0 of 10)"),
            (full.put(3), "queue_put", "place in a queue (2 of 2)"),
            (full.join(), "queue_join", "2 unfinished items of a queue"),
            (event.wait(), "event", "event"),
            (asyncio.sleep(1000), "sleep", "sleep"),
            (asyncio.wait([_start(event.wait())]), "tasks", "tasks"),
            (asyncio.get_running_loop().create_future(), "future", "future"),
        ]

        async def run(awaitable: Awaitable[Any]) -> None:
            await awaitable

        for _ in range(2):
            _start(_hold(semaphore, event))
        await asyncio.sleep(0)
        third = _start(_hold(semaphore, event))
        tasks = [_start(run(awaitable)) for awaitable, _, _ in expected]
        await _settled()
        snapshot = asynctb.snapshot()
        for task, (_, kind, words) in zip(tasks, expected):
            wait = _activity_of(snapshot, task).waits_for
            assert wait is not None
            assert (wait.kind, wait.description) == (kind, words)
            assert (wait.deadline is not None and 900 < wait.deadline <= 1000) == (kind == "sleep")
            assert bool(wait.activities) == (kind == "tasks")
        wait = _activity_of(snapshot, third).waits_for
        assert wait is not None
        assert wait.kind == "semaphore"
        assert [holder.permits for holder in wait.holders] == [1, 1]
        (finding,) = snapshot.findings
        assert (finding.kind, finding.certain) == ("starved", False)

    _run(main)


def test_failures_and_coroutines_that_nobody_awaits() -> None:
    async def fail() -> None:
        raise ValueError("no such item")

    async def main() -> None:
        task = _start(fail())
        coroutine = fail()
        await _settled()
        snapshot = asynctb.snapshot(loose_objects=True)
        found = {finding.kind: finding.text for finding in snapshot.findings}
        assert "failed with ValueError: no such item" in found["failed"]
        assert "fail" in found["never_awaited"]
        coroutine.close()
        task.exception()
        assert asynctb.snapshot(loose_objects=True).findings == ()

    _run(main)


def test_a_coroutine_that_is_queued_in_a_loop_is_not_forgotten() -> None:
    async def work() -> None:
        pass

    loop = asyncio.new_event_loop()
    future = asyncio.run_coroutine_threadsafe(work(), loop)
    called, later, forgotten = work(), work(), work()
    loop.call_soon(loop.create_task, called)
    timer = loop.call_later(1000, loop.create_task, later)
    found = asynctb.snapshot(loose_objects=True)
    assert [each.kind for each in found.findings] == ["never_awaited"]
    (activity,) = found.findings[0].activities
    assert next(each.target for each in found.activities if each.id == activity) is forgotten
    del found
    timer.cancel()
    forgotten.close()
    later.close()
    loop.run_until_complete(asyncio.sleep(0))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    future.result(0)


def test_who_may_cancel_one_of_a_deadlock_is_mentioned() -> None:
    async def watch(tasks: List[Any]) -> None:
        await asyncio.sleep(1000)
        for task in tasks:
            task.cancel()

    async def main() -> None:
        lock = asyncio.Lock()
        stuck = _start(_take(lock, lock))
        stuck.set_name("stuck")
        _start(watch([stuck])).set_name("monitor")
        await _settled()
        (finding,) = asynctb.snapshot().findings
        assert finding.certain
        assert finding.text.endswith("; task monitor may cancel task stuck")

    _run(main)


def test_the_timeout_of_who_blocks_a_loop_does_not_fire() -> None:
    found: List[Any] = []

    def look() -> None:
        for _ in range(500):
            time.sleep(0.01)
            found[:] = [each for each in asynctb.snapshot().findings if each.kind == "blocked_loop"]
            if found:
                break
        release.set()

    async def main() -> None:
        async def block() -> None:
            looker.start()
            release.wait(30)

        other = _start(asyncio.sleep(0.01))
        asyncio.get_running_loop().call_later(0.02, lambda: None)
        await asyncio.wait_for(block(), 1000)
        await other

    release, looker = threading.Event(), threading.Thread(target=look)
    _run(main)
    looker.join()
    # Before CPython 3.12, `wait_for` runs it in a task of its own, for which the other one waits.
    assert re.search(r"; (1 task waits|2 tasks wait) for it, and so does its timeout$", found[0].text)


@pytest.mark.parametrize("seed", range(60))
def test_random_programs(seed: int) -> None:
    """Tasks that take locks in any order, whose state the test itself keeps."""
    source = random.Random(seed)
    holders: Dict[int, str] = {}
    wanted: Dict[str, int] = {}

    async def main() -> None:
        locks = [asyncio.Lock() for _ in range(source.randint(1, 6))]
        event = asyncio.Event()

        async def run(name: str, order: List[int]) -> None:
            if not order:
                await event.wait()
                return
            for _ in range(source.randint(0, 3)):
                await asyncio.sleep(0)
            wanted[name] = order[0]
            async with locks[order[0]]:
                del wanted[name]
                holders[order[0]] = name
                try:
                    await run(name, order[1:])
                finally:
                    del holders[order[0]]

        tasks: Dict[object, str] = {}
        for number in range(source.randint(2, 8)):
            order = source.sample(range(len(locks)), source.randint(1, min(4, len(locks))))
            task = _start(run(f"task {number}", order))
            tasks[task] = f"task {number}"
        await _settled()
        expected: Set[str] = set()
        for name in wanted:
            path = [name]
            while path[-1] in wanted and wanted[path[-1]] in holders and len(path) <= len(tasks):
                path.append(holders[wanted[path[-1]]])
            if name in path[1:]:
                expected.add(name)
        snapshot = asynctb.snapshot()
        names = {activity.id: tasks.get(activity.target, "") for activity in snapshot.activities}
        assert {names[each] for finding in snapshot.findings for each in finding.activities} == expected
        assert all(finding.certain for finding in snapshot.findings)
        for activity in snapshot.activities:
            name = tasks.get(activity.target, "")
            if name in wanted:
                assert activity.waits_for is not None
                assert [names[each.activity] for each in activity.waits_for.holders] == [holders[wanted[name]]]

    _run(main)
