"""Greenlets in snapshots, alone and of gevent."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from typing import Any, Callable, Dict, List, Optional

import pytest

import asynctb
from asynctb import Activity, Snapshot, Traceback
from asynctb._frameworks.greenlet import greenlets
from asynctb._snapshot.listing import snapshot

greenlet = pytest.importorskip("greenlet", reason="greenlet is not installed")
PYPY = sys.implementation.name == "pypy"


def greenlets_of(found: Snapshot) -> Dict[int, Activity]:
    """Return the greenlets by the identity of the object."""
    assert not [note for note in found.notes if "Greenlets" in note or "glue" in note], found.notes
    return {id(activity.target): activity for activity in found.activities if activity.kind == "greenlet"}


def shown(traceback: Optional[Traceback]) -> List[str]:
    """Return the names of the functions that are not hidden."""
    assert traceback is not None
    return [frame.frame.f_code.co_name for frame in traceback.frames if not frame.hide]


def test_callers_in_a_greenlet_that_is_switched_out() -> None:
    def runs() -> None:
        frames.append(sys._getframe())
        main.switch()

    main, frames = greenlet.getcurrent(), []  # type: ignore[var-annotated]
    other = greenlet.greenlet(runs)
    other.switch()
    for stack in (Traceback.until(frames[0]), Traceback.until(frames[0], 1)):
        assert [each.frame for each in stack] == frames
        assert ("switched out" in str(stack.error)) == PYPY
    other.switch()


def test_states() -> None:
    def inner() -> None:
        main.switch()

    def outer() -> None:
        inner()

    def runs() -> None:
        found.append(snapshot())

    found: List[Snapshot] = []
    main = greenlet.getcurrent()
    suspended, unstarted, dead, running = (greenlet.greenlet(f) for f in (outer, outer, lambda: None, runs))
    suspended.switch()
    dead.switch()
    running.switch()
    greenlets = greenlets_of(found[0])
    assert {id(suspended), id(unstarted), id(running), id(main)} <= set(greenlets)
    assert id(dead) not in greenlets
    states = [greenlets[id(g)].state for g in (suspended, unstarted, running, main)]
    assert states == ["suspended", "created", "running", "suspended"]
    assert [greenlets[id(g)].signature is None for g in (suspended, unstarted, running, main)] == [
        False,
        True,
        True,
        False,
    ]
    assert shown(greenlets[id(suspended)].traceback) == ["outer", "inner"]
    assert shown(greenlets[id(unstarted)].traceback) == []
    assert shown(greenlets[id(running)].traceback) == ["runs"]
    assert shown(greenlets[id(main)].traceback)[-1] == "test_states"
    top = greenlets[id(suspended)].top
    assert top is not None
    assert top.frame.f_code is inner.__code__
    (thread,) = (a.id for a in found[0].activities if a.name == "MainThread")
    for activity in [greenlets[id(each)] for each in (suspended, unstarted, running, main)]:
        assert activity.thread == activity.parent == thread
        assert activity.framework == "greenlet"
    assert greenlets[id(main)].name == "main greenlet"
    assert id(main) not in greenlets_of(snapshot())  # it is the thread
    suspended.switch()


def test_parents() -> None:
    def child() -> None:
        main.switch()

    def parent() -> None:
        below.append(greenlet.greenlet(child))
        below[0].switch()

    below: List[Any] = []
    main = greenlet.getcurrent()
    above = greenlet.greenlet(parent)
    above.switch()
    greenlets = greenlets_of(snapshot())
    assert greenlets[id(below[0])].parent == greenlets[id(above)].id
    below[0].switch()


def test_stacks_of_those_that_run_one_another() -> None:
    found: List[List[str]] = []

    def look() -> None:
        current: Any = greenlet.getcurrent()
        found.append([info.funcname.rpartition(".")[2] for info in Traceback.of(current).frames])
        found.append([info.funcname.rpartition(".")[2] for info in Traceback.of(current.parent).frames])

    def parent() -> None:
        greenlet.greenlet(look).switch()

    greenlet.greenlet(parent).switch()
    assert found == [["look"], ["parent"]]


def test_greenlets_of_another_thread() -> None:
    here: Any = None

    def waits() -> None:
        here.switch()

    def runs() -> None:
        arrived.set()
        release.wait()

    def target() -> None:
        nonlocal here
        here = greenlet.getcurrent()
        greenlets.extend([greenlet.greenlet(waits), greenlet.greenlet(runs)])
        greenlets[0].switch()
        greenlets[1].switch()
        greenlets[0].switch()

    greenlets: List[Any] = []
    arrived, release = threading.Event(), threading.Event()
    thread = threading.Thread(target=target, name="other")
    thread.start()
    arrived.wait()
    found = snapshot()
    release.set()
    thread.join()
    by_id = greenlets_of(found)
    assert by_id[id(greenlets[0])].state == "suspended"
    assert shown(by_id[id(greenlets[0])].traceback) == ["waits"]
    if not PYPY:  # gr_frame of another thread's greenlets tells nothing there
        assert by_id[id(greenlets[1])].state == "running"
        assert shown(by_id[id(greenlets[1])].traceback)[0] == "runs"
        assert by_id[id(here)].state == "suspended"
        assert shown(by_id[id(here)].traceback)[-1] == "target"
        (ident,) = (a.id for a in found.activities if a.name == "other")
        assert {by_id[id(g)].thread for g in (*greenlets, here)} == {ident}


def test_subclasses_are_not_executed() -> None:
    calls: List[str] = []

    class Hostile(greenlet.greenlet):  # type: ignore[misc, name-defined]
        def __getattribute__(self, name: str) -> Any:
            calls.append(name)
            return super().__getattribute__(name)

        def __bool__(self) -> bool:
            calls.append("__bool__")
            return True

        __hash__ = __eq__ = __repr__ = lambda self, *args: calls.append("special")  # type: ignore[assignment]
        gr_frame = property(lambda self: calls.append("gr_frame"))
        dead = property(lambda self: calls.append("dead"))

    def function() -> None:
        main.switch()

    main = greenlet.getcurrent()
    hostile = Hostile(function)
    greenlet.greenlet.switch(hostile)
    calls.clear()
    found = greenlets_of(snapshot())
    assert calls == []
    assert found[id(hostile)].state == "suspended"
    assert shown(found[id(hostile)].traceback) == ["function"]
    greenlet.greenlet.switch(hostile)


def test_gevent() -> None:
    gevent = pytest.importorskip("gevent", reason="gevent is not installed")

    def sleeps() -> None:
        gevent.sleep(3600)

    def takes() -> None:
        found.append(snapshot())

    found: List[Snapshot] = []
    sleeping, unstarted = gevent.spawn(sleeps), gevent.Greenlet(sleeps)
    gevent.sleep(0)
    gevent.spawn(takes).join()
    greenlets = greenlets_of(found[0])
    assert greenlets[id(sleeping)].framework == "gevent"
    assert greenlets[id(sleeping)].state == "suspended"
    assert shown(greenlets[id(sleeping)].traceback) == ["sleeps"]
    assert greenlets[id(sleeping)].name.endswith("sleeps")
    assert greenlets[id(unstarted)].state == "created"
    (main,) = (a for a in greenlets.values() if a.name == "main greenlet")
    assert shown(main.traceback)[-1] == "test_gevent"
    hub = greenlets[id(gevent.get_hub())]
    assert greenlets[id(sleeping)].parent == hub.id
    sleeping.kill()


PATCHED = """
from gevent import monkey
monkey.patch_all()
import threading
import gevent
from asynctb import Traceback, snapshot

def sleeps():
    gevent.sleep(3600)

def names(stack):
    return [info.frame.f_code.co_name for info in stack.frames if not info.hide]

def look():
    print(names(Traceback.of(thread)), names(Traceback.of(threading.main_thread()))[-1:])
    for activity in snapshot().activities:
        if activity.name != "look":
            print(activity.kind, activity.name, activity.state)

thread = threading.Thread(target=sleeps, name="patched", daemon=True)
thread.start()
gevent.sleep(0)
gevent.spawn(look).join()
"""


def test_threads_that_gevent_has_made_greenlets() -> None:
    pytest.importorskip("gevent", reason="gevent is not installed")
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(asynctb.__file__))}
    command = [sys.executable, "-c", PATCHED]
    out = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, timeout=60).stdout.decode()
    first, *others = out.splitlines()
    assert first == "['sleeps'] ['<module>']"
    assert {"thread MainThread running", "greenlet patched suspended"} <= set(others)


def test_greenlet_that_runs_in_another_thread() -> None:
    """Its main greenlet, which it has switched out, tells in which."""
    release, begun = threading.Event(), threading.Event()
    greenlets: List[Any] = []

    def runs() -> None:
        begun.set()
        release.wait()

    def in_thread() -> None:
        greenlets.append(greenlet.greenlet(runs))
        greenlets[0].switch()

    thread = threading.Thread(target=in_thread)
    thread.start()
    begun.wait()
    stack = Traceback.of(greenlets[0])
    release.set()
    thread.join()
    found = [info.frame.f_code.co_name for info in stack]
    # On PyPy, what it will return to is on its stack, too.
    assert found[found.index("runs") :][:2] == ["runs", "wait"]
    assert PYPY or found[0] == "runs"


def test_thread_pool_of_gevent() -> None:
    threadpool = pytest.importorskip("gevent.threadpool", reason="gevent is not installed")

    def works() -> None:
        begun.set()
        release.wait()

    begun, release = threading.Event(), threading.Event()
    pool = threadpool.ThreadPool(1)
    try:
        pool.spawn(works)
        begun.wait()
        found = {activity.name: activity for activity in snapshot().activities}
        worker = found["gevent.threadpool._WorkerGreenlet"]
        assert worker.traceback is not None
        assert [info.frame.f_code.co_name for info in worker.traceback if not info.hide][:2] == ["works", "wait"]
        assert worker.traceback.error is None
        assert worker.state == "running"
        assert worker.parent == worker.thread
        assert worker.thread is not None
    finally:
        release.set()
        pool.kill()


def test_task_that_executes_a_greenlet() -> None:
    """As SQLAlchemy's do: the coroutine is on the stack of a greenlet that is suspended, and yet it is running."""

    async def spawns(function: Callable[..., Any], *args: Any) -> None:
        child = greenlet.greenlet(function)
        awaitable = child.switch(*args)
        while not child.dead:
            await awaitable
            awaitable = child.switch()

    def outer() -> None:
        with lock:
            greenlet.getcurrent().parent.switch(asyncio.sleep(0))
            greenlet.greenlet(inner).switch()

    def inner() -> None:
        found.append(snapshot())

    async def main() -> None:
        asyncio.current_task().set_name("main")  # type: ignore[union-attr]
        await spawns(outer)

    found: List[Snapshot] = []
    lock = threading.Lock()
    asyncio.run(main())
    (task,) = [activity for activity in found[0].activities if activity.name == "main"]
    assert task.state == "running"
    assert task.thread == found[0].activities[0].id
    assert task.top is not None
    assert task.top.frame.f_code.co_name in ("inner", "append")  # what it has gone on to
    names = [name for name in shown(task.traceback) if name != "switch"]
    if PYPY:  # there, a greenlet that is switched out is not among the callers of the one that it has switched to
        assert names[:3] == ["main", "spawns", "inner"]
        return
    assert names[:4] == ["main", "spawns", "outer", "inner"]
    assert task.traceback is not None
    (holds,) = [info for info in task.traceback if info.frame.f_code.co_name == "outer"]
    assert [context.manager for context in holds.contexts] == [lock]


def test_trio_task_that_executes_a_greenlet() -> None:
    trio = pytest.importorskip("trio", reason="trio is not installed")
    greenback = pytest.importorskip("greenback", reason="greenback is not installed")

    async def main() -> None:
        await greenback.ensure_portal()
        await trio.lowlevel.checkpoint()
        synchronous()

    def synchronous() -> None:
        found.append(snapshot())

    found: List[Snapshot] = []
    trio.run(main)
    (task,) = [activity for activity in found[0].activities if activity.name.endswith(".main")]
    assert task.state == "running"
    assert task.thread == found[0].activities[0].id
    assert shown(task.traceback)[:2] == ["main", "synchronous"]


def test_managers_of_gevent() -> None:
    gevent = pytest.importorskip("gevent", reason="gevent is not installed")
    lock = pytest.importorskip("gevent.lock")

    def holds() -> None:
        semaphores = lock.Semaphore(3), lock.BoundedSemaphore(1)
        with reentrant, semaphores[0], semaphores[1], gevent.Timeout(3600), gevent.Timeout(None), free:
            free.release()
            gevent.sleep(3600)

    reentrant, free = lock.RLock(), lock.RLock()
    holder = gevent.spawn(holds)
    gevent.sleep(0)
    traceback = greenlets_of(snapshot())[id(holder)].traceback
    assert traceback is not None
    (frame,) = (frame for frame in traceback.frames if not frame.hide)
    owner = "held by test_managers_of_gevent.<locals>.holds"
    assert [context.description for context in frame.contexts] == [
        owner,
        "value 2",
        "value 0",
        "Timeout(3600)",
        "no deadline",
        "not locked",
    ]


def test_greenlets_that_cannot_be_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(greenlets, "reader", fail)
    found = snapshot()
    assert "Greenlets could not be listed: ValueError: broken" in found.notes
    assert found.activities[0].name == "MainThread"
