"""What threads wait for that other processes have to do."""

from __future__ import annotations

import multiprocessing
import sys
import threading
import time
from multiprocessing import pool
from typing import Any, Callable, List, Tuple

import pytest

from asynctb import Activity, snapshot

Case = Tuple[Callable[[], object], Callable[[], object], str, str]


def waiting_in(function: Callable[[], object], name: str) -> Activity:
    """Return the activity of the thread that calls *function*, once it waits as *name* says, or after a while."""
    deadline = time.monotonic() + 20
    while True:
        (found,) = [each for each in snapshot(tracebacks=False).activities if each.name == "waits"]
        wait = found.waits_for
        if (wait is not None and wait.description == name) or time.monotonic() > deadline:
            return found


def within(lock: Any) -> None:
    with lock:
        pass


def cases() -> List[Case]:
    context = multiprocessing.get_context("spawn")
    queue, simple, joinable, full = context.Queue(), context.SimpleQueue(), context.JoinableQueue(), context.Queue(1)
    full.put(1)
    joinable.put(1)
    one, other = context.Pipe()
    event, lock, semaphore, condition = context.Event(), context.Lock(), context.Semaphore(0), context.Condition()
    lock.acquire()

    def notified() -> None:
        with condition:
            condition.wait()

    def notify() -> None:
        with condition:
            condition.notify_all()

    workers = pool.ThreadPool(1)
    released = threading.Event()
    result = workers.apply_async(released.wait)

    def end_pool() -> None:
        released.set()
        workers.close()
        workers.join()

    found: List[Case] = [
        (queue.get, lambda: queue.put(1), "pipe", "item of a queue of processes"),
        (simple.get, lambda: simple.put(1), "pipe", "item of a queue of processes"),
        (lambda: full.put(2), full.get, "pipe", "place in a queue of processes"),
        (joinable.join, lambda: (joinable.get(), joinable.task_done()), "process", "end of a queue of processes"),
        (one.recv, lambda: other.send(1), "pipe", "data from a pipe"),
        (lambda: one.poll(None), lambda: other.send(1), "pipe", "data from a pipe"),
        (event.wait, event.set, "process", "event of processes"),
        (notified, notify, "process", "condition of processes"),
        (lambda: within(lock), lock.release, "process", "lock of processes"),
        (result.get, end_pool, "process", "result of a pool of workers"),
    ]
    if sys.platform == "linux" and sys.implementation.name == "cpython":  # what it calls is written in C
        words = "lock or semaphore of processes"
        found.append((semaphore.acquire, semaphore.release, "process", words))
    return found


def test_words() -> None:
    for function, release, kind, words in cases():
        thread = threading.Thread(target=function, name="waits")
        thread.start()
        try:
            found = waiting_in(function, words)
            assert found.waits_for is not None, words
            assert (found.waits_for.kind, found.waits_for.description) == (kind, words)
            assert found.state == "suspended"
            if words == "event of processes":  # that nobody in this process refers to it proves nothing
                assert not [each for each in snapshot(loose_objects=True).findings if found.id in each.activities]
        finally:
            release()
            thread.join()


# Other tests may have left threads behind.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_process_that_is_joined() -> None:
    context = multiprocessing.get_context("spawn")
    one, other = context.Pipe()
    process = context.Process(target=one.recv, name="worker")
    process.start()
    thread = threading.Thread(target=process.join, name="waits")
    thread.start()
    try:
        words = f"process {process.pid} (worker)"
        found = waiting_in(process.join, words)
        assert found.waits_for is not None
        assert (found.waits_for.kind, found.waits_for.description) == ("process", words)
    finally:
        other.send(1)
        thread.join()
        process.close()
