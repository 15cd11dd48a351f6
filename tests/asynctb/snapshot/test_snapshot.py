"""Snapshots as such: threads, loose objects, identifiers, pages, failures; tasks have tests of their own."""

from __future__ import annotations

import _thread
import asyncio
import concurrent.futures
import gc
import os
import queue
import subprocess
import sys
import threading
import time
import types
import weakref
from pathlib import Path
from typing import Any, AsyncIterator, Callable, Dict, Iterator, List, Optional

import pytest
from hostile import HostileStr, armed
from support import HAS_TASK_STATES, Worker

import asynctb
from asynctb import Activity, Snapshot
from asynctb._frameworks._hiding import codes_of
from asynctb._frameworks._known import KnownFunctions
from asynctb._frameworks.asyncio import tasks as asyncio_discovery
from asynctb._ids import IdRegistry, ThreadIds
from asynctb._snapshot.listing import Listing, snapshot

PYPY = sys.implementation.name == "pypy"


def threads_of(found: Snapshot) -> Dict[str, Activity]:
    return {activity.name: activity for activity in found.activities if activity.kind == "thread"}


class InThread:
    """Runs a function that blocks in a thread while the block runs."""

    def __init__(self, name: str, start: Any = None) -> None:
        self.arrived, self.release, self.ended = threading.Event(), threading.Event(), threading.Event()
        self.name = name
        self.ident = 0

    def blocks(self) -> None:
        self.ident = threading.get_ident()
        self.arrived.set()
        self.release.wait()

    def __enter__(self) -> InThread:
        self.thread = threading.Thread(target=self.blocks, name=self.name)
        self.thread.start()
        self.arrived.wait()
        # It has arrived just before it waits; nothing but the event itself tells when it does.
        while not self.release._cond._waiters:  # type: ignore[attr-defined]
            time.sleep(0)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.release.set()
        self.thread.join()


def test_threads() -> None:
    with InThread("worker") as worker:
        found = snapshot()
        threads = threads_of(found)
        assert threads["worker"].target is worker.thread
        assert threads["worker"].thread_ident == worker.ident
        assert threads["worker"].state == "suspended"
        assert threads["worker"].framework == "threading"
        assert threads["worker"].id == threads["worker"].thread
        assert threads["worker"].parent is None
        assert threads["worker"].waits_for is not None
        assert threads["worker"].waits_for.description == "event"
        assert threads["worker"].top is not None
        assert threads["worker"].top.frame.f_code is InThread.blocks.__code__
        traceback = threads["worker"].traceback
        assert traceback is not None
        assert "blocks" in [frame.frame.f_code.co_name for frame in traceback.frames]
        # The calling thread as the caller sees it, and first, as it is the main thread.
        assert found.activities[0] is threads["MainThread"]
        own = threads["MainThread"].traceback
        assert own is not None
        assert own.frames[-1].frame is sys._getframe()
        assert threads["MainThread"].top is not None
        assert threads["MainThread"].top.frame is sys._getframe()


def test_threads_that_wait_for_futures_and_items() -> None:
    pending: concurrent.futures.Future[None] = concurrent.futures.Future()
    items: queue.SimpleQueue[None] = queue.SimpleQueue()
    threads = [
        threading.Thread(target=lambda: list(concurrent.futures.as_completed([pending])), name="futures"),
        threading.Thread(target=items.get, name="item"),
    ]
    for thread in threads:
        thread.start()
    # On CPython, the queue is written in C: that the thread sleeps is for the system to tell.
    told = PYPY or HAS_TASK_STATES
    expected = {"futures": "1 future", "item": "item of a queue" if told else None}
    waits: Dict[str, Optional[str]] = {}
    for _ in range(3000):  # they are on their way
        found = threads_of(snapshot(tracebacks=False))
        waits = {name: wait and wait.description for name in expected for wait in (found[name].waits_for,)}
        if waits == expected:
            break
    pending.set_result(None)
    items.put(None)
    for thread in threads:
        thread.join()
    assert waits == expected


def test_threads_started_elsewhere() -> None:
    def function() -> None:
        idents.append(_thread.get_ident())
        with ended:
            arrived.release()
            release.acquire()

    idents: List[int] = []
    arrived, release, ended = _thread.allocate_lock(), _thread.allocate_lock(), _thread.allocate_lock()
    arrived.acquire()
    release.acquire()
    _thread.start_new_thread(function, ())
    arrived.acquire()
    first, second = snapshot(), snapshot()
    release.release()
    with ended:
        pass
    (thread,) = (a for a in first.activities if a.thread_ident == idents[0])
    assert thread.target is None
    assert thread.name == f"thread {idents[0]}"
    assert thread.top is not None
    assert thread.top.frame.f_code is function.__code__
    if not PYPY:  # there, compiled code may hide the outermost frame, by which such a thread is told from a later one
        assert [a.id for a in second.activities if a.thread_ident == idents[0]] == [thread.id]


def test_threads_of_a_debugger_are_left_out() -> None:
    with InThread("ours") as ours, InThread("theirs") as theirs:
        theirs.thread.pydev_do_not_trace = True  # type: ignore[attr-defined]
        theirs.thread.is_pydev_daemon_thread = True  # type: ignore[attr-defined]
        threads = threads_of(snapshot())
        assert "theirs" not in threads
        assert threads["ours"].target is ours.thread


def test_hostile_threads() -> None:
    calls: List[str] = []

    class Hostile(threading.Thread):
        armed = False

        def __getattribute__(self, name: str) -> Any:
            if Hostile.armed:
                calls.append(name)
            return super().__getattribute__(name)

        def __hash__(self) -> int:
            calls.append("__hash__")
            return 1

        def __eq__(self, other: object) -> bool:
            calls.append("__eq__")
            return False

    release, arrived = threading.Event(), threading.Event()

    def function() -> None:
        arrived.set()
        release.wait()

    # threading itself keeps threads in a set while they start, and hashes them.
    thread = Hostile(target=function, name="hostile")
    thread.start()
    arrived.wait()
    calls.clear()
    Hostile.armed = True
    try:
        found = threads_of(snapshot())
    finally:
        Hostile.armed = False
    assert calls == []
    assert found["hostile"].target is thread
    release.set()
    thread.join()


def test_odd_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bare(types.ModuleType):
        def __init__(self) -> None: ...

    modules: Any = sys.modules
    monkeypatch.setitem(modules, 3, types.ModuleType("three"))
    monkeypatch.setitem(modules, "bare", Bare())
    assert snapshot().notes == ()
    assert list(codes_of("bare")) == []
    monkeypatch.setitem(modules, HostileStr("hostile name"), None)
    with armed():
        snapshot()
    monkeypatch.setitem(modules, "threading", object())
    assert all(activity.target is None for activity in snapshot().activities if activity.kind == "thread")


def test_modules_of_asyncio_are_not_hashed() -> None:
    class Hostile(types.ModuleType):
        def __hash__(self) -> int:
            calls.append("__hash__")
            return 1

        def __eq__(self, other: object) -> bool:
            calls.append("__eq__")
            return self is other

    calls: List[str] = []
    tasks: Any = sys.modules["asyncio.tasks"]
    tasks.__class__ = Hostile
    try:
        assert snapshot().notes == ()
        assert calls == []
    finally:
        tasks.__class__ = types.ModuleType


def test_threads_with_hostile_dictionaries() -> None:
    class HostileDict(Dict[str, Any]):
        for _name in ("get", "items", "keys", "values", "__getitem__", "__contains__", "__iter__", "__len__"):
            locals()[_name] = lambda self, *args: calls.append("dict")

    with InThread("with a dict") as first, InThread("with a key") as second:
        calls: List[str] = []
        plain = dict(vars(first.thread))
        first.thread.__dict__ = HostileDict(plain)
        vars(second.thread)[HostileStr("is_pydev_daemon_thread")] = True
        try:
            with armed():
                found = snapshot()
            assert calls == []
        finally:
            first.thread.__dict__ = plain
        assert {"with a dict", "with a key"} <= threads_of(found).keys()


def test_what_threading_has_in_place_of_a_thread() -> None:
    with InThread("replaced") as worker:
        threading._active[worker.ident] = object()  # type: ignore[attr-defined]
        try:
            first, second = snapshot(), snapshot()
        finally:
            threading._active[worker.ident] = worker.thread  # type: ignore[attr-defined]
        (ids, again) = [[a.id for a in s.activities if a.thread_ident == worker.ident] for s in (first, second)]
        assert first.notes == ()
        assert len(ids) == 1
        if not PYPY:  # there, compiled code may hide the outermost frame
            assert ids == again


AUDITED = """
import asyncio, sys
from asynctb import snapshot

def hook(event, arguments):
    if event == denied and (event != "open" or str(arguments[0]).endswith(".txt")):
        raise RuntimeError("denied " + event)

def take():
    found = snapshot(loose_objects=True)
    print({a.name: a.state for a in found.activities if a.kind == "task"}, found.notes)

async def main():
    global denied
    task = asyncio.ensure_future(asyncio.sleep(100))
    task.set_name("waits")
    asyncio.current_task().set_name("runs")
    await asyncio.sleep(0)
    denied = sys.argv[1]
    take()
    denied = ""
    task.cancel()

denied = ""
sys.addaudithook(hook)
if sys.argv[1].startswith("sys."):
    snapshot()  # afterwards everything is loaded
asyncio.run(main())
"""


@pytest.mark.parametrize("event", ["sys._current_frames", "sys._getframe", "os.listdir", "open"])
def test_audit_hooks_that_raise(event: str, tmp_path: Path) -> None:
    metadata = tmp_path / "plugin.dist-info"
    metadata.mkdir()
    (metadata / "entry_points.txt").write_text("")
    path = os.pathsep.join((str(Path(str(asynctb.__file__)).parent.parent), str(tmp_path)))
    command = [sys.executable, "-c", AUDITED, event]
    output = subprocess.check_output(command, env={**os.environ, "PYTHONPATH": path}, text=True)
    is_asked = f"RuntimeError: denied {event}" in output
    assert is_asked or PYPY  # which does not ask about everything
    state = "unknown" if is_asked and event.startswith("sys.") else "running"
    assert f"'runs': '{state}'" in output
    assert "'waits': 'suspended'" in output


def test_known_functions_keep_the_addresses_of_their_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def wait() -> Iterator[None]:
        yield

    def busy() -> Iterator[None]:
        yield

    module: Any = types.ModuleType("known_library")
    module.wait = wait
    monkeypatch.setitem(sys.modules, "known_library", module)
    known = KnownFunctions((("known_library", "wait", "its turn"),))
    with monkeypatch.context() as patch:
        patch.setattr(known, "_find", lambda: (_ for _ in ()).throw(RecursionError()))
        with pytest.raises(RecursionError):
            known.wait((wait(),))  # type: ignore[arg-type]
    found = known.wait((wait(),))  # type: ignore[arg-type]
    assert found is not None
    assert found.description == "its turn"
    code = weakref.ref(wait.__code__)
    wait.__code__ = busy.__code__
    gc.collect()
    assert code() is not None
    assert known.wait((busy(),)) is None  # type: ignore[arg-type]


@pytest.mark.skipif(PYPY, reason="its limit is not a number of calls")
def test_near_the_recursion_limit() -> None:
    def reach(levels: int, function: Callable[[], Any]) -> Any:
        return reach(levels - 1, function) if levels else function()

    def is_reached(levels: int) -> bool:
        try:
            return bool(reach(levels, lambda: True))
        except RecursionError:
            return False

    snapshot()
    levels = 0
    while is_reached(levels + 1):
        levels += 1
    for free in range(30):
        found = reach(levels - free, snapshot)
        assert found.notes or found.activities
        assert free or found.notes
    assert snapshot().notes == ()


def test_no_lock_of_threading_is_taken() -> None:
    def hold() -> None:
        with threading._active_limbo_lock:  # type: ignore[attr-defined]
            held.set()
            release.wait()

    def take() -> None:
        found.append(snapshot())
        done.release()

    held, release = threading.Event(), threading.Event()
    holder = threading.Thread(target=hold, name="holder")
    holder.start()
    held.wait()
    found: List[Snapshot] = []
    done = threading.Semaphore(0)
    # Not in this thread, which could not release the lock any more if it waited for it.
    taker = _thread.start_new_thread(take, ())
    got = done.acquire(timeout=30)
    release.set()
    holder.join()
    assert got, f"thread {taker} waits for a lock"
    assert "holder" in threads_of(found[0])


@pytest.mark.skipif(PYPY, reason="gc has no callbacks and no threshold")
@pytest.mark.parametrize("threshold", [5, 0])
def test_no_collection_starts_meanwhile(threshold: int) -> None:
    started: List[object] = []
    before = gc.get_threshold()
    snapshot()  # loads what it needs
    gc.collect()
    try:
        gc.set_threshold(threshold, 1, 1)
        gc.callbacks.append(lambda phase, info: started.append((phase, gc.get_threshold()[0])))
        found = snapshot()
        # From CPython 3.12 on, one that was due already is made at the next opportunity.
        assert started.count(("start", 0)) <= 1
        assert gc.get_threshold() == (threshold, 1, 1)
        assert found.activities
    finally:
        gc.callbacks.pop()
        gc.set_threshold(*before)


def test_frame_filter() -> None:
    def inner() -> None:
        listing = Listing(frame_filter=lambda frame: frame.f_back)
        (thread,) = (a for a in listing.page(tracebacks=True) if a.name == "MainThread")
        assert thread.top is not None
        assert thread.top.frame.f_code is test_frame_filter.__code__
        assert thread.traceback is not None
        assert thread.traceback.frames[-1].frame.f_code is test_frame_filter.__code__

    inner()


async def coroutine() -> None:
    await asyncio.sleep(0)


@types.coroutine
def trap() -> Iterator[None]:
    yield


async def suspended() -> None:
    await trap()


def generator() -> Iterator[int]:
    yield 1


async def async_generator() -> AsyncIterator[int]:
    yield 1


def loose(found: Snapshot) -> Dict[int, Activity]:
    return {id(a.target): a for a in found.activities if a.framework == "python"}


def test_loose_objects() -> None:
    never, waits = coroutine(), suspended()
    waits.send(None)
    begun, new = generator(), generator()
    next(begun)
    agen, new_agen = async_generator(), async_generator()
    with pytest.raises(StopIteration):
        agen.__anext__().send(None)  # type: ignore[attr-defined]
    ended = generator()
    list(ended)
    assert loose(snapshot()) == {}
    found = loose(snapshot(loose_objects=True))
    states = {key: (a.kind, a.state, a.name) for key, a in found.items()}
    assert states[id(never)] == ("coroutine", "created", "coroutine")
    assert states[id(waits)] == ("coroutine", "suspended", "suspended")
    assert states[id(begun)] == ("generator", "suspended", "generator")
    assert states[id(agen)] == ("async_generator", "suspended", "async_generator")
    assert not {id(new), id(new_agen), id(ended)} & set(states)
    top = found[id(waits)].top
    assert top is not None
    assert top.frame.f_code is trap.__code__
    never.close()
    waits.close()


def test_a_thread_that_is_not_to_be_traced_is_listed() -> None:
    """Libraries mark threads of their own so; what runs in them is there all the same."""
    with Worker(lambda pause: asyncio.run(_blocked(pause))) as thread:
        assert not [note for note in snapshot().notes if "does not stop" in note]
        thread.pydev_do_not_trace = True  # type: ignore[attr-defined]
        found = snapshot()
        (activity,) = [a for a in found.activities if a.target is thread]
        assert [a.kind for a in found.activities if a.thread == activity.id and a is not activity] == ["task"]
        assert "A debugger does not stop in thread worker: its library has marked it so." in found.notes


async def _blocked(pause: Callable[[], None]) -> None:
    pause()


def test_new_coroutines() -> None:
    """Those that no task runs are found without looking into all others, which are left out."""

    async def main() -> Dict[int, Activity]:
        never, begun = coroutine(), suspended()
        begun.send(None)
        new = asyncio.ensure_future(coroutine())
        found = loose(Snapshot(tuple(Listing(new_coroutines=True).page()), ()))
        assert [(a.kind, a.state, a.target is never) for a in found.values()] == [("coroutine", "created", True)]
        assert "Coroutine coroutine  created, nobody awaits it" in str(Snapshot(tuple(found.values()), ()))
        never.close()
        begun.close()
        await new
        return found

    asyncio.run(main())


def test_awaited_and_running_objects_are_not_loose() -> None:
    async def iterates() -> None:
        async for _ in agen_waits():
            pass

    async def agen_waits() -> AsyncIterator[int]:
        await asyncio.get_running_loop().create_future()
        yield 1

    async def main() -> Dict[int, Activity]:
        task = asyncio.ensure_future(iterates())
        new = asyncio.ensure_future(coroutine())
        await asyncio.sleep(0)
        newer = asyncio.ensure_future(coroutine())
        found = loose(snapshot(loose_objects=True))
        task.cancel()
        await asyncio.gather(task, new, newer, return_exceptions=True)
        return found

    names = [a.name for a in asyncio.run(main()).values()]
    assert not [name for name in names if "iterates" in name or "agen_waits" in name or "main" in name], names
    assert "coroutine" not in names


class Weak:
    def __hash__(self) -> int:
        raise AssertionError("hashed")

    def __eq__(self, other: object) -> bool:
        raise AssertionError("compared")


def test_ids_are_stable_and_never_reused() -> None:
    ids = IdRegistry()
    first, second = Weak(), Weak()
    names = {ids.id_of(first, "x"), ids.id_of(second, "x")}
    assert names == {"x-1", "x-2"}
    assert ids.id_of(first, "x") == "x-1"
    for _ in range(5000):
        name = ids.id_of(Weak(), "x")  # the same address again and again
        assert name not in names
        names.add(name)
        ids.purge()
    assert ids.id_of(first, "x") == "x-1"
    assert ids.id_of(second, "y") == "x-2"
    for _ in range(3):
        gc.collect()
    ids._purge_at = 0
    ids.purge()
    assert len(ids._entries) == 2
    ref = weakref.ref(first)
    del first
    gc.collect()
    assert ref() is None


def test_ids_from_many_threads() -> None:
    def ask() -> None:
        barrier.wait()
        results.append([ids.id_of(obj, "x") for obj in objects])

    for _ in range(20):
        ids = IdRegistry()
        objects = [Weak() for _ in range(50)]
        results: List[List[str]] = []
        barrier = threading.Barrier(4)
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == 4
        assert all(result == results[0] for result in results)
        assert len(set(results[0])) == 50


def test_thread_ids() -> None:
    ids = ThreadIds(IdRegistry())
    one, two = Weak(), Weak()
    assert ids.id_of(1, None, 10) == "thread-1"
    assert ids.id_of(1, one, 10) == "thread-1"  # threading got to know it
    assert ids.id_of(1, one, 10) == "thread-1"
    assert ids.id_of(1, None, 10) == "thread-1"  # threading has forgotten it, it is about to end
    assert ids.id_of(1, two, 10) == "thread-2"  # another thread with the same number
    del two
    gc.collect()
    assert ids.id_of(1, None, 10) == "thread-3"
    assert ids.id_of(1, None, 11) == "thread-4"
    ids.forget_all_but([])
    assert ids.id_of(1, None, 11) == "thread-5"


def test_pages() -> None:
    async def waits() -> None:
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        tasks = [asyncio.ensure_future(waits()) for _ in range(25)]
        await asyncio.sleep(0)
        listing = Listing(thorough=False)
        everything = [a.id for a in listing.page()]
        assert len(everything) == len(listing) >= 27
        pages = [[a.id for a in listing.page(start, 7)] for start in range(0, len(listing), 7)]
        assert [activity_id for page in pages for activity_id in page] == everything
        assert listing.page(len(listing), 10) == []
        assert listing.page(0, 0) == []
        ids = {a.id: a for a in listing.page()}
        for task in tasks:
            (found,) = (a for a in ids.values() if a.target is task)
            assert listing.target(found.id) is task
            traceback = listing.traceback(found.id)
            assert traceback is not None
            assert [frame.frame.f_code for frame in traceback.frames if not frame.hide] == [waits.__code__]
        thread = listing.page(0, 1)[0]
        assert listing.target(thread.id) is threading.current_thread()
        traceback = listing.traceback(thread.id)
        assert traceback is not None
        assert traceback.frames[-1].frame.f_code is main.__code__
        assert listing.traceback("task-0") is None
        assert listing.target("task-0") is None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())


def test_a_framework_that_fails_costs_itself_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(asyncio_discovery.AsyncioTasks, "groups", fail)
    found = snapshot()
    assert "MainThread" in threads_of(found)
    assert [note for note in found.notes if note == "Tasks of asyncio could not be listed: RuntimeError: broken"]


def test_frameworks_are_not_imported() -> None:
    code = """if True:
        import sys
        import asynctb
        from asynctb._snapshot.listing import snapshot
        before = set(sys.modules)
        found = snapshot(loose_objects=True)
        assert [a.kind for a in found.activities][:1] == ["thread"], found.activities
        assert not found.notes, found.notes
        new = {name for name in set(sys.modules) - before if not name.startswith("asynctb")}
        print(sorted({name.partition(".")[0] for name in new} & {"asyncio", "trio", "anyio", "greenlet", "gevent"}))
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    output = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environment, stdout=subprocess.PIPE, check=True, timeout=60
    )
    assert output.stdout.decode().strip() == "[]"


def test_snapshot_from_a_signal_handler_like_reentry() -> None:
    """A snapshot taken while another one is being taken, as from a ``__del__`` or a trace function."""
    inner: List[Snapshot] = []

    def trace(frame: types.FrameType, event: str, arg: object) -> Optional[Any]:
        if len(inner) < 3 and frame.f_code.co_name in ("list_threads", "describe", "id_of"):
            sys.settrace(None)
            inner.append(snapshot(tracebacks=False))
            sys.settrace(trace)
        return None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        outer = snapshot(tracebacks=False)
    finally:
        sys.settrace(before)
    assert len(inner) == 3
    for found in (outer, *inner):
        assert "MainThread" in threads_of(found)
    assert {threads_of(found)["MainThread"].id for found in (outer, *inner)} == {threads_of(outer)["MainThread"].id}
