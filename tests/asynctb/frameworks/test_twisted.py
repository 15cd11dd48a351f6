"""Coroutines and generators that Twisted resumes, and its reactor."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Dict, Iterator, List

import pytest

from asynctb import Activity, Traceback, snapshot

defer = pytest.importorskip("twisted.internet.defer", reason="Twisted is not installed")


def listed() -> Dict[str, Activity]:
    """Return the coroutines of Twisted by the last part of their names."""
    found = snapshot()
    assert not found.notes
    return {
        activity.name.rpartition(".")[2]: activity for activity in found.activities if activity.framework == "twisted"
    }


def shown(stack: Traceback) -> List[str]:
    return [frame.frame.f_code.co_name for frame in stack if not frame.hide]


def wait_of(activity: Activity) -> Any:
    wait = activity.waits_for
    return None if wait is None else wait.description


def test_waits_and_stacks() -> None:
    async def inner() -> None:
        await gate

    async def job() -> None:
        await inner()

    @defer.inlineCallbacks  # type: ignore[untyped-decorator,unused-ignore]
    def old() -> Iterator[Any]:
        yield gate

    async def locked_out() -> None:
        async with lock:
            pass

    async def holder() -> None:
        async with lock:
            await gate

    async def taker() -> None:
        await queue.get()

    async def limited() -> None:
        await semaphore.acquire()

    async def lists() -> None:
        await defer.DeferredList([gate, gate])

    gate, lock, queue = defer.Deferred(), defer.DeferredLock(), defer.DeferredQueue()
    semaphore = defer.DeferredSemaphore(1)
    semaphore.acquire()
    started = [defer.ensureDeferred(function()) for function in (job, holder, locked_out, taker, limited, lists)]
    started.append(old())
    tasks = listed()
    assert {name: wait_of(task) for name, task in tasks.items()} == {
        "job": "Deferred",
        "old": "Deferred",
        "holder": "Deferred",
        "locked_out": "lock",
        "taker": "item of a queue",
        "limited": "semaphore",
        "lists": "Deferreds",
    }
    for name, task in tasks.items():
        assert task.state == "suspended"
        assert task.kind == "task"
        assert task.traceback is not None
        assert shown(task.traceback) == (["job", "inner"] if name == "job" else [name])
        assert task.top is not None
        assert task.top.frame.f_code.co_name == ("inner" if name == "job" else name)
    for name, target in (("job", gate), ("old", gate), ("locked_out", lock), ("taker", queue)):
        wait = tasks[name].waits_for
        assert wait is not None
        assert wait.target is target
    stack = tasks["holder"].traceback
    assert stack is not None
    (context,) = (context for frame in stack for context in frame.contexts)
    assert context.manager is lock
    assert context.description == "locked, 1 waiting"
    gate.callback(None)
    queue.put(None)
    semaphore.release()
    assert all(deferred.called for deferred in started)
    assert not listed()


def test_who_waits_for_whom() -> None:
    async def child() -> None:
        await gate

    async def parent() -> None:
        await defer.ensureDeferred(child())

    async def one() -> None:
        await gate

    async def gathering() -> None:
        await defer.gatherResults([defer.ensureDeferred(one())])

    async def behind() -> None:
        await gate

    async def chained() -> None:
        first = defer.succeed(None)
        first.addCallback(lambda result: defer.ensureDeferred(behind()))
        await first

    gate = defer.Deferred()
    started = [defer.ensureDeferred(function()) for function in (parent, gathering, chained)]
    tasks = listed()
    for waiting, awaited in (("parent", "child"), ("chained", "behind")):
        wait = tasks[waiting].waits_for
        assert wait is not None
        assert wait.description == "task " + tasks[awaited].name
        assert wait.activities == (tasks[awaited].id,)
        assert tasks[awaited].parent == tasks[waiting].id
    assert tasks["one"].parent == tasks["gathering"].id
    assert wait_of(tasks["gathering"]) == "Deferreds"
    assert tasks["parent"].parent is None
    gate.callback(None)
    assert all(deferred.called for deferred in started)
    assert not listed()


def test_cancelled_one_that_goes_on() -> None:
    async def stubborn() -> None:
        try:
            await defer.Deferred()
        except defer.CancelledError:
            await gate

    async def waiting() -> None:
        await deferred

    gate = defer.Deferred()
    deferred = defer.ensureDeferred(stubborn())
    awaiting = defer.ensureDeferred(waiting())
    deferred.cancel()
    tasks = listed()
    wait = tasks["waiting"].waits_for
    assert wait is not None
    assert wait.activities == (tasks["stubborn"].id,)
    assert tasks["stubborn"].parent == tasks["waiting"].id
    gate.callback(None)
    assert awaiting.called


def test_one_that_runs() -> None:
    async def looking() -> None:
        found.append(listed()["looking"])

    async def calling() -> None:
        await defer.ensureDeferred(looking())

    found: List[Activity] = []
    defer.ensureDeferred(calling())
    assert found[0].state == "running"
    assert found[0].top is not None


def test_own_subclass_is_not_run() -> None:
    class Loud(defer.Deferred):  # type: ignore[misc,name-defined,unused-ignore]
        looked_at = False

        def __getattribute__(self, name: str) -> Any:
            if Loud.looked_at:
                raise AssertionError(name)
            return super().__getattribute__(name)

    async def job() -> None:
        await loud

    loud = Loud()
    started = defer.ensureDeferred(job())
    Loud.looked_at = True
    try:
        assert wait_of(listed()["job"]) == f"{Loud.__module__}.{Loud.__qualname__}"
    finally:
        Loud.looked_at = False
    loud.callback(None)
    assert started.called


# A reactor can be started once in a process.
REACTOR = """
import json, threading
from twisted.internet import defer, reactor, task
import asynctb

async def job():
    await task.deferLater(reactor, 1000, lambda: None)

job_done = defer.ensureDeferred(job())
def look():
    found = asynctb.snapshot()
    (listed,) = [activity for activity in found.activities if activity.framework == "twisted"]
    (main,) = [activity for activity in found.activities if activity.name == "MainThread"]
    assert listed.thread == listed.parent == main.id, listed
    assert asynctb.snapshot(loose_objects=True).activities[-1].kind != "coroutine"
    print(json.dumps([listed.name, listed.state, listed.waits_for.description, listed.loop is not None]))
    reactor.callFromThread(reactor.stop)

def idle():
    while True:
        (main,) = [activity for activity in asynctb.snapshot().activities if activity.name == "MainThread"]
        if main.waits_for is not None:
            break
    assert main.waits_for.description == "events", main.waits_for
    look()

thread = threading.Thread(target=idle)
reactor.callWhenRunning(thread.start)
reactor.run()
thread.join()
"""


def test_reactor() -> None:
    done = subprocess.run([sys.executable, "-c", REACTOR], stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    assert json.loads(done.stdout) == ["job", "suspended", "sleep", True]
