"""Waits, holders and findings of the tasks of trio, and of anyio's on both backends."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

import pytest

import asynctb

trio = pytest.importorskip("trio")
pytest.importorskip("trio.testing")
anyio = pytest.importorskip("anyio")


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
        assert snapshot.findings == ()
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
