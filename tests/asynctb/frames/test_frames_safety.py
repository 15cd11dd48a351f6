"""Reading frames harms nobody: threads that run and die, hostile objects, references."""

from __future__ import annotations

import gc
import io
import os
import sys
import threading
import time
import weakref
from typing import Any, List

import hostile
import pytest
from support import pause, suspended

from asynctb._frames import local_variable, read_frame
from asynctb._frames._managers import exit_at

SECONDS = float(os.environ.get("ASYNCTB_TEST_STRESS_SECONDS", "3"))
PYPY = sys.implementation.name == "pypy"


class Manager:
    def __init__(self, number: int) -> None:
        self.number = number

    def __enter__(self) -> Manager:
        return self

    def __exit__(self, *args: object) -> None:
        pass


def work(depth: int, stop: threading.Event, turns: int) -> int:
    """Enter and leave blocks, one in the other, in many frames."""
    total = 0
    for number in range(turns):
        with Manager(depth) as outer:
            for _ in range(2):
                with Manager(depth + 1000) as inner:
                    total += outer.number + inner.number
                    if depth:
                        total += work(depth - 1, stop, 1)
                    if number % 3 == 0:
                        try:
                            with Manager(depth + 2000):
                                raise LookupError
                        except LookupError:
                            pass
        if stop.is_set():
            break
    return total


def test_threads_that_run_and_die_while_their_frames_are_read() -> None:
    stop = threading.Event()
    threads: List[threading.Thread] = []
    wrong: List[object] = []
    reads = found = 0
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    own = threading.get_ident()
    try:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            threads = [thread for thread in threads if thread.is_alive()]
            while len(threads) < 3:
                thread = threading.Thread(target=work, args=(5, stop, 200))
                thread.start()
                threads.append(thread)
            for ident, frame in sys._current_frames().items():
                callee = None
                while frame is not None and ident != own:
                    reads += 1
                    for context in read_frame(frame, callee=callee).contexts:
                        manager = context.manager
                        if frame.f_code is work.__code__ and manager is not None:
                            found += 1
                            if type(manager) is not Manager or manager.number % 1000 > 5:
                                wrong.append(manager)
                    # PyPy fails to give callers in other threads ("InvalidVirtualRef").
                    callee, frame = frame, None if PYPY else frame.f_back  # type: ignore[assignment]
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        for thread in threads:
            thread.join()
    assert not wrong
    assert reads > 100
    assert found > 10 or PYPY


def test_hostile_managers() -> None:
    def leave(self: object, *args: object) -> None:
        pass

    async def leave_async(self: object, *args: object) -> None:
        pass

    methods = {"__enter__": leave, "__exit__": leave, "__aenter__": leave_async, "__aexit__": leave_async}
    thing: Any = hostile.hostile_type("Hostile", **methods)()

    async def program(manager: Any) -> None:
        with manager:
            async with manager as target:
                await pause()
                del target

    coroutine = program(thing)
    with suspended(coroutine):
        with hostile.armed():
            read = read_frame(coroutine.cr_frame, owner=coroutine)  # type: ignore[attr-defined]
            alone = read_frame(coroutine.cr_frame)  # type: ignore[attr-defined]
        assert [context.manager is thing for context in read.contexts] == [True, True]
        assert [context.manager is thing for context in alone.contexts] == [True, True]


class Refusing(io.FileIO):
    """Has enter and exit methods written in C; the former fails, and the last reference is dropped with the exit."""

    dropping = threading.Event()
    go_on = threading.Event()

    def __init__(self) -> None:
        super().__init__(os.devnull)
        self.close()

    def __del__(self) -> None:
        self.dropping.set()
        self.go_on.wait()


@pytest.mark.skipif(PYPY, reason="PyPy counts no references")
def test_an_exit_that_is_released_while_its_address_is_still_on_the_stack() -> None:
    def target() -> None:
        try:
            with Refusing():
                pass
        except ValueError:
            pass

    thread = threading.Thread(target=target)
    thread.start()
    Refusing.dropping.wait()
    try:
        frame = sys._current_frames().get(thread.ident or 0)
        while frame is not None and frame.f_code is not target.__code__:
            frame = frame.f_back
        assert frame is not None
        found = [context.manager for context in read_frame(frame).contexts]
        del frame
    finally:
        Refusing.go_on.set()
        thread.join()
    assert found in ([], [None])


@pytest.mark.skipif(PYPY, reason="reads no memory")
def test_an_address_is_looked_up_and_not_read() -> None:
    lock = threading.Lock()
    leave = lock.__exit__
    assert exit_at(id(leave)) is leave
    gc.collect()  # it is old now
    assert exit_at(id(leave)) is leave
    for other in (lock.__enter__, lock, 8, 2**64 - 8):
        assert exit_at(other if type(other) is int else id(other)) is None


def test_references_are_dropped() -> None:
    manager = Manager(1)
    reference = weakref.ref(manager)

    async def program(manager: Manager) -> None:
        with manager:
            del manager
            await pause()

    coroutine = program(manager)
    del manager
    with suspended(coroutine):
        read = read_frame(coroutine.cr_frame, owner=coroutine)  # type: ignore[attr-defined]
        assert read.contexts[0].manager is reference()
        running = read_frame(sys._getframe())
        del read, running
    del coroutine
    for _ in range(3):
        gc.collect()
    assert reference() is None


def test_reading_leaves_reference_counts_as_they_are() -> None:
    if PYPY:
        return
    manager = Manager(1)
    with manager:
        before = sys.getrefcount(manager)
        for _ in range(1000):
            read_frame(sys._getframe())
        assert sys.getrefcount(manager) == before


@pytest.mark.skipif(PYPY, reason="the collector of PyPy has no thresholds")
def test_reading_while_the_collector_runs_at_every_allocation() -> None:
    manager = Manager(1)
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for _ in range(50):
            with manager, manager:
                contexts = read_frame(sys._getframe()).contexts
            assert [context.manager for context in contexts] == [manager, manager]
    finally:
        gc.set_threshold(*threshold)


@pytest.mark.skipif(PYPY, reason="reads no memory")
def test_the_collector_is_not_switched_by_steps() -> None:
    """Another thread or a signal handler could come between two steps; within one C function, they cannot."""
    called = []

    def profile(frame: object, event: str, function: object) -> None:
        if event == "c_call" and (function is gc.enable or function is gc.disable):
            called.append(function)

    manager = Manager(1)
    for enabled in (True, False):
        (gc.enable if enabled else gc.disable)()
        try:
            with manager:
                sys.setprofile(profile)
                contexts = read_frame(sys._getframe()).contexts
                sys.setprofile(None)
            assert gc.isenabled() == enabled
        finally:
            sys.setprofile(None)
            gc.enable()
        assert [context.manager for context in contexts] == [manager]
    assert not called


@pytest.mark.skipif(PYPY, reason="counts no references")
def test_variables_of_library_code_are_not_copied() -> None:
    async def program(argument: object, cell: object) -> None:
        await pause()
        (lambda: (cell, free))()

    free, argument, cell = object(), object(), object()
    coroutine: Any = program(argument, cell)
    with suspended(coroutine):
        before = [sys.getrefcount(value) for value in (argument, cell, free)]
        assert local_variable(coroutine.cr_frame, "argument") is argument
        assert local_variable(coroutine.cr_frame, "cell") is cell
        assert local_variable(coroutine.cr_frame, "free") is free
        assert local_variable(coroutine.cr_frame, "missing") is None
        assert [sys.getrefcount(value) for value in (argument, cell, free)] == before
