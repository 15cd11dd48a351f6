"""Waits, holders and findings of the tasks of trio, and of anyio's on both backends."""

from __future__ import annotations

import re
import threading
from typing import Any, Callable, Dict, List

import pytest

import asynctb

trio = pytest.importorskip("trio")
pytest.importorskip("trio.testing")
anyio = pytest.importorskip("anyio")
pytest.importorskip("anyio.from_thread")
pytest.importorskip("anyio.to_thread")


def _by_name(snapshot: asynctb.Snapshot) -> Dict[str, asynctb.Activity]:
    return {activity.name.rpartition(".")[2]: activity for activity in snapshot.activities}


def _run(main: Callable[..., Any]) -> None:
    """Run *main* with a nursery that is cancelled in the end."""

    async def run() -> None:
        async with trio.open_nursery() as nursery:
            await main(nursery)
            nursery.cancel_scope.cancel()

    trio.run(run)


async def _take(*locks: Any) -> None:
    if locks:
        async with locks[0]:
            await trio.lowlevel.checkpoint()
            await _take(*locks[1:])


async def _settled() -> None:
    await trio.testing.wait_all_tasks_blocked()


def _start(nursery: Any, name: str, function: Any, *args: Any) -> None:
    nursery.start_soon(function, *args, name=name)


def test_two_locks_of_trio() -> None:
    async def main(nursery: Any) -> None:
        one, two = trio.Lock(), trio.Lock()
        _start(nursery, "left", _take, one, two)
        _start(nursery, "right", _take, two, one)
        await _settled()
        snapshot = asynctb.snapshot()
        (finding,) = snapshot.findings
        assert finding.kind == "deadlock"
        assert finding.certain
        named = _by_name(snapshot)
        assert set(finding.activities) == {named["left"].id, named["right"].id}
        wait = named["left"].waits_for
        assert wait is not None
        assert wait.kind == "lock"
        (holder,) = wait.holders
        assert (holder.activity, holder.evidence) == (named["right"].id, "owner")
        assert holder.since is not None

    _run(main)


def test_scopes_with_deadlines_are_ways_out() -> None:
    async def main(nursery: Any) -> None:
        lock = trio.Lock()

        async def parent() -> None:
            async with lock, trio.open_nursery() as inner:
                inner.start_soon(_take, lock)

        async def limited() -> None:
            with trio.move_on_after(1000):
                await parent()

        _start(nursery, "limited", limited)
        await _settled()
        snapshot = asynctb.snapshot()
        (finding,) = snapshot.findings
        assert not finding.certain
        assert re.search(r"\(for (1000|9\d\d) s, until the timeout of task .*\)$", finding.text)
        wait = _by_name(snapshot)["limited"].waits_for
        assert wait is not None
        assert (wait.kind, wait.needs, len(wait.activities)) == ("group", "all", 1)
        assert wait.deadline is not None
        assert 900 < wait.deadline <= 1000

    _run(main)


def test_words_and_holders_of_trio() -> None:
    async def main(nursery: Any) -> None:
        sender, receiver = trio.open_memory_channel(3)
        full, _reading = trio.open_memory_channel(1)
        full.send_nowait(1)
        limiter, semaphore, condition = trio.CapacityLimiter(1), trio.Semaphore(1, max_value=1), trio.Condition()
        event = trio.Event()

        async def hold(lock: Any) -> None:
            async with lock:
                await event.wait()

        async def wait_for_condition() -> None:
            async with condition:
                await condition.wait()

        async def notify() -> None:
            async with condition:
                condition.notify()
                await event.wait()

        expected = {
            "receives": ("channel_receive", "item of a channel (0 of 3)", ()),
            "sends": ("channel_send", "place in a channel (1 of 1)", ()),
            "borrows": ("limiter", "capacity", ("has the token",)),
            "acquires": ("semaphore", "semaphore", ("has the permit",)),
            "sleeps": ("sleep", "sleep", ()),
            "waits": ("event", "event", ()),
            "conditions": ("lock", "lock of a condition", ("notifies",)),
        }
        _start(nursery, "has the token", hold, limiter)
        _start(nursery, "has the permit", hold, semaphore)
        _start(nursery, "conditions", wait_for_condition)
        await _settled()
        wait = _by_name(asynctb.snapshot())["conditions"].waits_for
        assert wait is not None
        assert wait.kind == "condition"
        _start(nursery, "notifies", notify)
        _start(nursery, "receives", receiver.receive)
        _start(nursery, "sends", full.send, 2)
        _start(nursery, "borrows", hold, limiter)
        _start(nursery, "acquires", hold, semaphore)
        _start(nursery, "sleeps", trio.sleep, 1000)
        _start(nursery, "waits", event.wait)
        await _settled()
        snapshot = asynctb.snapshot()
        named = _by_name(snapshot)
        for name, (kind, words, holders) in expected.items():
            wait = named[name].waits_for
            assert wait is not None
            assert (wait.kind, wait.description) == (kind, words)
            assert [holder.activity for holder in wait.holders] == [named[each].id for each in holders]
        assert [finding for finding in snapshot.findings if finding.certain] == []
        del sender

    _run(main)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_anyio_on_both_backends(backend: str) -> None:
    async def settled() -> None:
        await anyio.wait_all_tasks_blocked()

    found: List[str] = []

    async def take(*locks: Any) -> None:
        if locks:
            async with locks[0]:
                await anyio.sleep(0)
                await take(*locks[1:])

    async def main() -> None:
        one, two, limiter = anyio.Lock(), anyio.Lock(), anyio.CapacityLimiter(1)
        sending, receiving = anyio.create_memory_object_stream(2)
        async with anyio.create_task_group() as group:
            group.start_soon(take, one, two, name="left")
            group.start_soon(take, two, one, name="right")
            group.start_soon(take, limiter, name="borrows")
            await limiter.acquire()
            group.start_soon(receiving.receive, name="receives")
            await settled()
            snapshot = asynctb.snapshot()
            named = _by_name(snapshot)
            for finding in snapshot.findings:
                assert finding.certain == (finding.kind == "deadlock")
            (deadlock,) = [each for each in snapshot.findings if each.kind == "deadlock"]
            assert set(deadlock.activities) == {named["left"].id, named["right"].id}
            wait = named["left"].waits_for
            assert wait is not None
            assert [(each.activity, each.evidence) for each in wait.holders] == [(named["right"].id, "owner")]
            wait = named["receives"].waits_for
            assert wait is not None
            assert (wait.kind, wait.description) == ("channel_receive", "item of a memory stream (0 of 2)")
            wait = named["borrows"].waits_for
            assert wait is not None
            assert wait.kind == "limiter"
            assert len(wait.holders) == 1
            found.append("all")
            group.cancel_scope.cancel()
            limiter.release()
        sending.close()
        receiving.close()

    anyio.run(main, backend=backend)
    assert found == ["all"]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_group_whose_child_wants_its_parents_lock(backend: str) -> None:
    async def main() -> None:
        lock = anyio.Lock()

        async def child() -> None:
            async with lock:
                pass

        async def parent() -> None:
            async with lock, anyio.create_task_group() as inner:
                inner.start_soon(child, name="child")

        async with anyio.create_task_group() as group:
            group.start_soon(parent, name="parent")
            await anyio.wait_all_tasks_blocked()
            snapshot = asynctb.snapshot()
            named = _by_name(snapshot)
            wait = named["parent"].waits_for
            assert wait is not None
            assert wait.kind == "group"
            assert wait.activities == (named["child"].id,)
            (finding,) = [each for each in snapshot.findings if each.certain]
            assert set(finding.activities) == {named["parent"].id, named["child"].id}
            group.cancel_scope.cancel()

    anyio.run(main, backend=backend)


def _wait_of(snapshot: asynctb.Snapshot, name: str) -> asynctb.Wait:
    wait = _by_name(snapshot)[name].waits_for
    assert wait is not None
    return wait


def test_a_thread_that_works_for_a_task_and_calls_one() -> None:
    async def main(nursery: Any) -> None:
        event, release = trio.Event(), threading.Event()
        begun: List[str] = []

        def call() -> None:
            trio.from_thread.run(event.wait)
            begun.append("called")
            release.wait()

        try:
            _start(nursery, "works", trio.to_thread.run_sync, call)
            while _by_name(asynctb.snapshot())["works"].waits_for is None or not _waiting_threads("works"):
                await trio.lowlevel.checkpoint()
            snapshot = asynctb.snapshot()
            assert _wait_of(snapshot, "works").kind == "event"
            (thread,) = _waiting_threads("works")
            assert thread.waits_for is not None
            assert (thread.waits_for.kind, thread.waits_for.description) == ("task", "task works")
            event.set()
            while not begun:
                await trio.lowlevel.checkpoint()
            await _settled()
            wait = _wait_of(asynctb.snapshot(), "works")
            assert (wait.kind, wait.activities) == ("thread", (thread.id,))
        finally:
            release.set()

    _run(main)


def _waiting_threads(name: str) -> List[asynctb.Activity]:
    """Return the threads that wait for the task *name*."""
    snapshot = asynctb.snapshot()
    task = _by_name(snapshot)[name]
    return [
        each
        for each in snapshot.activities
        if each.kind == "thread" and each.waits_for is not None and each.waits_for.activities == (task.id,)
    ]


@pytest.mark.parametrize("abandons", [True, False])
def test_only_who_abandons_a_thread_is_ended_by_a_scope(abandons: bool) -> None:
    async def main(nursery: Any) -> None:
        begun, release = threading.Event(), threading.Event()

        def work() -> None:
            begun.set()
            release.wait()

        async def limited() -> None:
            with trio.move_on_after(1000):
                await trio.to_thread.run_sync(work, abandon_on_cancel=abandons)

        try:
            _start(nursery, "limited", limited)
            while not begun.is_set():
                await trio.lowlevel.checkpoint()
            wait = _wait_of(asynctb.snapshot(), "limited")
            assert wait.kind == "thread"
            assert len(wait.activities) == 1
            assert (wait.deadline is not None) == abandons
        finally:
            release.set()

    _run(main)


def test_who_has_no_thread_yet_waits_for_the_limiter() -> None:
    async def main(nursery: Any) -> None:
        begun, release = threading.Event(), threading.Event()
        limiter = trio.CapacityLimiter(1)

        def work() -> None:
            begun.set()
            release.wait()

        async def in_thread() -> None:
            await trio.to_thread.run_sync(work, limiter=limiter)

        try:
            _start(nursery, "first", in_thread)
            while not begun.is_set():
                await trio.lowlevel.checkpoint()
            _start(nursery, "second", in_thread)
            await _settled()
            snapshot = asynctb.snapshot()
            (thread,) = _wait_of(snapshot, "first").activities
            wait = _wait_of(snapshot, "second")
            assert wait.kind == "limiter"
            assert [(holder.activity, holder.evidence) for holder in wait.holders] == [(thread, "owner")]
        finally:
            release.set()

    _run(main)


def test_deadlines_of_trio() -> None:
    async def main(nursery: Any) -> None:
        event = trio.Event()

        async def shielded() -> None:
            with trio.move_on_after(1000), trio.CancelScope(shield=True):
                await event.wait()

        async def inner() -> None:
            with trio.move_on_after(2000), trio.move_on_after(1000):
                await event.wait()

        async def parent() -> None:
            with trio.move_on_after(1000):
                async with trio.open_nursery() as children:
                    _start(children, "child", event.wait)

        _start(nursery, "shielded", shielded)
        _start(nursery, "inner", inner)
        _start(nursery, "parent", parent)
        _start(nursery, "sleeps", trio.sleep, 1000)
        _start(nursery, "sleeps forever", trio.sleep_forever)
        await _settled()
        for tracebacks in (True, False):
            snapshot = asynctb.snapshot(tracebacks=tracebacks)
            for name in ("shielded", "sleeps forever"):
                assert _wait_of(snapshot, name).deadline is None
            for name in ("inner", "parent", "child", "sleeps"):
                deadline = _wait_of(snapshot, name).deadline
                assert deadline is not None
                assert 900 < deadline <= 1000
        event.set()

    _run(main)


def test_the_clock_of_the_program_is_not_asked() -> None:
    class Clock(trio.abc.Clock):  # type: ignore[misc,name-defined]
        def start_clock(self) -> None:
            pass

        def current_time(self) -> float:
            assert not is_looking
            return 1000.0

        def deadline_to_sleep_time(self, deadline: float) -> float:
            return deadline - 1000.0

    async def main() -> None:
        nonlocal is_looking
        async with trio.open_nursery() as nursery:
            _start(nursery, "sleeps", trio.sleep, 1000)
            await trio.lowlevel.checkpoint()
            await trio.lowlevel.checkpoint()
            is_looking = True
            wait = _wait_of(asynctb.snapshot(), "sleeps")
            is_looking = False
            assert wait.kind == "sleep"
            assert wait.deadline is not None
            nursery.cancel_scope.cancel()

    is_looking = False
    trio.run(main, clock=Clock())


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_threads_of_anyio(backend: str) -> None:
    async def main() -> None:
        begun, release = threading.Event(), threading.Event()
        limiter = anyio.CapacityLimiter(1)

        def work() -> None:
            begun.set()
            release.wait()

        async def in_thread() -> None:
            await anyio.to_thread.run_sync(work, limiter=limiter)

        async with anyio.create_task_group() as group:
            try:
                group.start_soon(in_thread, name="first")
                while not begun.is_set():
                    await anyio.sleep(0)
                group.start_soon(in_thread, name="second")
                await anyio.wait_all_tasks_blocked()
                snapshot = asynctb.snapshot()
                wait = _wait_of(snapshot, "first")
                assert wait.kind == "thread"
                (thread,) = [each for each in snapshot.activities if each.id in wait.activities]
                assert thread.top is not None
                assert thread.top.funcname.endswith("work")
                waiting = _wait_of(snapshot, "second")
                assert waiting.kind == "limiter"
                holder = _by_name(snapshot)["first"].id if backend == "asyncio" else thread.id
                assert [each.activity for each in waiting.holders] == [holder]
            finally:
                release.set()

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_tasks_that_anyio_starts(backend: str) -> None:
    async def main() -> None:
        event = anyio.Event()

        async def child(*, task_status: Any) -> None:
            await event.wait()
            task_status.started()

        async with anyio.create_task_group() as group:

            async def parent() -> None:
                await group.start(child, name="child")

            group.start_soon(parent, name="parent")
            await anyio.wait_all_tasks_blocked()
            snapshot = asynctb.snapshot()
            wait = _wait_of(snapshot, "parent")
            assert (wait.kind, wait.description) == ("task", "task to start")
            assert wait.activities == (_by_name(snapshot)["child"].id,)
            event.set()

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_portal_of_anyio(backend: str) -> None:
    async def main() -> None:
        event = anyio.Event()
        async with anyio.from_thread.BlockingPortal() as portal:
            thread = threading.Thread(target=portal.call, args=(event.wait,), name="calls")
            thread.start()
            try:
                while True:
                    snapshot = asynctb.snapshot()
                    named = _by_name(snapshot)
                    wait = named["calls"].waits_for if "calls" in named else None
                    activities = wait.activities if wait is not None else ()
                    tasks = [each for each in snapshot.activities if each.id in activities and each.kind == "task"]
                    if tasks:  # before, it waits for the thread of the event loop to begin the call
                        break
                    await anyio.sleep(0)
                (task,) = tasks
                assert task.waits_for is not None
                assert task.waits_for.kind == "event"
            finally:
                event.set()
                await anyio.to_thread.run_sync(thread.join)

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_notified_waiter_of_anyio(backend: str) -> None:
    async def main() -> None:
        condition, event = anyio.Condition(), anyio.Event()

        async def wait() -> None:
            async with condition:
                await condition.wait()

        async def notify() -> None:
            async with condition:
                condition.notify()
                await event.wait()

        async def enter() -> None:
            async with condition:
                pass

        async with anyio.create_task_group() as group:
            group.start_soon(wait, name="waits")
            await anyio.wait_all_tasks_blocked()
            assert _wait_of(asynctb.snapshot(), "waits").kind == "condition"
            group.start_soon(notify, name="notifies")
            await anyio.wait_all_tasks_blocked()
            group.start_soon(enter, name="enters")
            await anyio.wait_all_tasks_blocked()
            snapshot = asynctb.snapshot()
            for name, words in (("waits", "lock of a condition"), ("enters", "lock")):
                waiting = _wait_of(snapshot, name)
                assert (waiting.kind, waiting.description) == ("lock", words)
                assert [each.activity for each in waiting.holders] == [_by_name(snapshot)["notifies"].id]
            event.set()

    anyio.run(main, backend=backend)
