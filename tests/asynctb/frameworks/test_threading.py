"""Threads, locks and thread pools."""

from __future__ import annotations

import _thread
import queue
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, List, Optional

import pytest
from support import Worker, frame_named, names, suspended, trap

import asynctb
from asynctb import Traceback
from asynctb._frameworks.threading.hooks import thread_name
from asynctb._stacks import follow


async def hold(manager: Any) -> None:
    with manager:
        await trap()


def description(manager: Any) -> Any:
    with suspended(hold(manager)) as coroutine:
        (context,) = frame_named(Traceback.of(coroutine), "hold").contexts
        return context.description


def test_locks() -> None:
    class FancyCondition(threading.Condition):
        pass

    name = threading.current_thread().name
    assert description(threading.Lock()) == "locked Lock"
    rlock = threading.RLock()
    assert description(rlock) == f"RLock held by {name}"
    with rlock:
        assert description(rlock) == f"RLock held by {name} 2 times"
    python_rlock = threading._RLock()
    assert description(python_rlock) == f"RLock held by {name}"
    assert description(threading.Condition()) == f"Condition of RLock held by {name}, 0 waiting"
    assert description(FancyCondition(threading.Lock())) == "FancyCondition of locked Lock, 0 waiting"
    assert description(threading.Semaphore(3)) == "Semaphore with value 2"
    assert description(threading.BoundedSemaphore(3)) == "BoundedSemaphore with value 2"


def test_lock_that_is_waited_for() -> None:
    lock = threading.Lock()
    entered: queue.SimpleQueue[int] = queue.SimpleQueue()

    def work() -> None:
        entered.put(threading.get_ident())
        with lock:
            pass

    with lock:
        thread = threading.Thread(target=work)
        thread.start()
        entered.get()
        stack = Traceback.of(thread)
        assert "work" in names(stack)
    thread.join()


def test_name_of_a_thread_that_threading_does_not_know() -> None:
    waiting, go_on = threading.Event(), threading.Event()
    idents: List[int] = []

    def work() -> None:
        idents.append(threading.get_ident())
        waiting.set()
        go_on.wait()
        done.set()

    done = threading.Event()
    _thread.start_new_thread(work, ())
    waiting.wait()
    assert thread_name(idents[0]) == f"thread {idents[0]}"
    frames = follow.thread_frames(idents[0])
    assert [frame.f_code.co_name for frame in frames][:1] == ["work"]
    assert names(Traceback.until(frames[-1]))[:1] == ["work"]
    go_on.set()
    done.wait()
    assert follow.thread_frames(12345) == []


def test_threads_that_change_while_they_are_read() -> None:
    """Whatever is seen of them belongs together: each frame is the caller of the next."""
    stop = threading.Event()
    started = threading.Semaphore(0)

    def recurse(depth: int) -> None:
        if depth:
            recurse(depth - 1)

    def work() -> None:
        started.release()
        while not stop.is_set():
            recurse(20)
            recurse(3)

    interval = sys.getswitchinterval()
    threads = [threading.Thread(target=work, daemon=True) for _ in range(3)]
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
            started.acquire()
        for _ in range(20):
            for thread in threads:
                stack = Traceback.of(thread)
                assert stack.error is None
                found = [name for name in names(stack) if name in ("work", "recurse")]
                assert found[:1] == ["work"]
                assert "work" not in found[1:]
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        for thread in threads:
            thread.join()


def test_threads_that_come_and_go() -> None:
    for _ in range(100):
        thread = threading.Thread(target=lambda: None)
        thread.start()
        stack = Traceback.of(thread)
        assert stack.error is None or str(stack.error) == "the thread has ended"
        thread.join()
        assert len(Traceback.of(thread)) == 0


def test_what_threading_adds_is_hidden() -> None:
    def work(wait: Callable[[], None]) -> None:
        wait()

    with Worker(work) as thread:
        stack = Traceback.of(thread)
    assert names(info for info in stack if info.hide) == ["_bootstrap", "_bootstrap_inner", "run"]
    assert not any("bootstrap" in line for line in stack.format())


def test_thread_pool() -> None:
    waiting, go_on = threading.Event(), threading.Event()

    def work() -> None:
        waiting.set()
        go_on.wait()

    async def wait() -> None:
        with ThreadPoolExecutor(1) as executor:
            futures.append(executor.submit(work))
            futures.append(executor.submit(work))
            waiting.wait()
            try:
                await trap()
            finally:
                go_on.set()

    futures: List[Any] = []
    with suspended(wait()) as coroutine:
        (context,) = frame_named(Traceback.of(coroutine), "wait").contexts
        if sys.implementation.name == "cpython":
            assert context.description == "ThreadPoolExecutor with 1 thread, 1 waiting"
        stack = Traceback.of(futures[0])
        assert names(info for info in stack if not info.hide)[:1] == ["work"]
        assert len(Traceback.of(futures[1])) == 0
    assert len(Traceback.of(futures[0])) == 0


@pytest.mark.parametrize("kind", ["thread", "future"])
def test_roots_are_not_awaitables(kind: str) -> None:
    class Odd:
        def __await__(self) -> Any:
            return self

        def __next__(self) -> str:
            return "suspended"

    other = threading.current_thread()
    asynctb.register_unwrap_awaitable(Odd)(lambda odd: other)

    async def wait() -> None:
        await Odd()

    with suspended(wait()) as coroutine:
        stack = Traceback.of(coroutine)
    assert names(stack) == ["wait"]
    assert stack.leaf is other


def spin(stop: threading.Event, depth: int) -> None:
    """Keep calling, so that PyPy compiles it."""
    while not stop.is_set():
        if depth:
            return spin(stop, depth - 1)


def test_threads_in_code_of_a_jit_compiler() -> None:
    stop = threading.Event()
    threads = [threading.Thread(target=spin, args=(stop, depth)) for depth in (0, 3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            for thread in threads:
                stack = Traceback.of(thread)
                assert stack.error is None or "compiled code" in str(stack.error)
                until = Traceback.until(stack.frames[-1].frame) if stack.frames else stack
                assert until.error is None or "compiled code" in str(until.error)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_callers_that_the_interpreter_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """What PyPy does now and then, at will."""

    def middle(wait: Callable[[], None]) -> None:
        wait()

    def fails(frame: types.FrameType) -> Optional[types.FrameType]:
        if frame.f_code is middle.__code__:
            raise SystemError("unexpected internal exception")
        return caller_of(frame)

    caller_of = follow.caller_of
    with Worker(middle) as thread:
        whole = Traceback.of(thread)
        outermost = whole.frames[0].frame
        monkeypatch.setattr(follow, "caller_of", fails)
        stack = Traceback.of(thread)
        until = Traceback.until(whole.frames[-1].frame, outermost)
        short = Traceback.until(whole.frames[-1].frame, 1)
        monkeypatch.undo()
    assert names(stack.frames)[:2] == names(until.frames)[:2] == ["middle", "wait"]
    assert "compiled code" in str(stack.error)
    assert "compiled code" in str(until.error)
    assert len(short.frames) == 2
    assert short.error is None
