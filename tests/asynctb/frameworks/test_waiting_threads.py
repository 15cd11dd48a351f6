"""Threads that wait in functions written in C."""

from __future__ import annotations

import _thread
import asyncio
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any, Callable, Optional

import pytest
from support import HAS_TASK_STATES

import asynctb
from asynctb import Activity

pytestmark = pytest.mark.skipif(not HAS_TASK_STATES, reason="the system does not tell whether a thread sleeps")
PYPY = sys.implementation.name == "pypy"

lock = _thread.allocate_lock()
items: queue.SimpleQueue[int] = queue.SimpleQueue()


def observed(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, name="observed", daemon=True)
    thread.start()
    return thread


def look() -> Activity:
    (found,) = (each for each in asynctb.snapshot(tracebacks=False).activities if each.name == "observed")
    return found


def state(expected: Optional[str]) -> Optional[str]:
    """Return what the observed thread waits for, once that is *expected*, or after many looks."""
    found: Optional[str] = None
    latest = time.monotonic() + 60  # on PyPy a look can take long
    for _ in range(3000):
        activity = look()
        found = activity.waits_for.description if activity.waits_for is not None else None
        assert activity.state == ("running" if found is None else "suspended")
        if found == expected or time.monotonic() > latest:
            break
    return found


class Sockets:
    def __init__(self) -> None:
        self.one, self.other = socket.socketpair()

    def receive(self) -> object:
        return self.one.recv(1)

    def close(self) -> None:
        self.one.close()
        self.other.close()


def check(work: Callable[[], object], expected: Optional[str], release: Callable[[], object]) -> None:
    thread = observed(work)
    try:
        assert state(expected) == expected
    finally:
        release()
        thread.join()


def with_lock() -> None:
    with lock:
        pass


def acquire() -> None:
    lock.acquire()
    lock.release()


@pytest.mark.parametrize("work", [acquire, with_lock], ids=["acquire", "with"])
def test_lock(work: Callable[[], object]) -> None:
    lock.acquire()
    check(work, "lock", lock.release)


def test_function_that_is_the_target_of_the_thread() -> None:
    own = _thread.allocate_lock()
    own.acquire()
    # On PyPy variables of functions are not read.
    check(own.acquire, None if PYPY else "lock", own.release)


def test_item_of_a_queue() -> None:
    # On PyPy, where the variables of functions are not read, it is not known which queue it is.
    check(lambda: items.get(), "item of a queue" if PYPY else "item of a queue (empty)", lambda: items.put(1))


def test_process() -> None:
    def release() -> None:
        os.kill(process.pid, signal.SIGKILL)

    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert process.stdin is not None
    with process:
        check(lambda: os.waitpid(process.pid, 0), "process", release)
        process.returncode = -signal.SIGKILL


def test_sockets_and_pipes() -> None:
    sockets = Sockets()
    check(sockets.receive, None if PYPY else "socket data", lambda: sockets.other.send(b"x"))
    one = sockets.one
    check(lambda: select.select([one], [], []), "events", lambda: sockets.other.send(b"x"))
    sockets.close()
    reading, writing = os.pipe()
    check(lambda: os.read(reading, 1), "data to read", lambda: os.write(writing, b"x"))
    os.close(reading)
    os.close(writing)


def test_sleep() -> None:
    stop = threading.Event()

    def naps() -> None:
        while not stop.is_set():
            time.sleep(0.2)

    check(naps, "sleep", stop.set)


def test_what_only_looks_like_it() -> None:
    """The program's own functions of those names, and a thread that runs."""
    stop = threading.Event()

    class Module:
        @staticmethod
        def sleep(seconds: float) -> None:
            while not stop.is_set():
                sum(range(100))

    time = Module()
    thread = observed(lambda: time.sleep(1))
    try:
        for _ in range(10):
            activity = look()
            assert activity.state == "running"
            assert activity.waits_for is None
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("name", ["asyncio", "uvloop", "trio", "gevent"])
def test_idle_loops(name: str) -> None:
    if name != "asyncio" and (PYPY and name != "trio"):
        pytest.skip("is not for PyPy, or has no thread of its own there")
    library: Any = pytest.importorskip(name)

    def work() -> None:
        if name == "trio":
            library.run(library.sleep, 0.7)
        elif name == "gevent":
            library.sleep(0.7)
        else:
            loop = library.new_event_loop()
            loop.run_until_complete(asyncio.sleep(0.7))
            loop.close()

    check(work, "events", lambda: None)
