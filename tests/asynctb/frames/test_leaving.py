"""The exception on whose account a block is being left."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import Any, AsyncIterator, Iterator, List, Optional

import pytest
from hostile import armed, hostile_type
from support import pause, suspended

import asynctb
from asynctb import ContextInfo, Traceback
from asynctb._frames import read_frame, set_reader_mode

PYPY = sys.implementation.name == "pypy"


@pytest.fixture(autouse=True)
def best_mode_afterwards() -> Iterator[None]:
    yield
    set_reader_mode(None)


class Leaving:
    """Has the frame that leaves it read, and keeps what was found."""

    def __init__(self, suppress: bool = True) -> None:
        self.suppress = suppress
        self.found: List[Optional[BaseException]] = []

    def __enter__(self) -> Leaving:
        return self

    def __exit__(self, *args: object) -> bool:
        read = read_frame(sys._getframe(1), callee=sys._getframe())
        self.found.append(read.contexts[-1].exception)
        return self.suppress

    async def __aenter__(self) -> Leaving:
        return self

    async def __aexit__(self, *args: object) -> bool:
        await pause()
        return self.suppress


def exceptions(contexts: Any) -> List[Optional[BaseException]]:
    return [context.exception for context in contexts]


def test_a_running_frame() -> None:
    outer, inner = Leaving(), Leaving(suppress=False)
    error = ZeroDivisionError("in the block")
    with outer:
        pass
    with outer, inner:
        raise error
    assert outer.found == [None, error]
    assert inner.found == [error]


def test_another_exception_than_the_one_that_is_being_handled() -> None:
    block = Leaving()
    first, second = ValueError(), TypeError()
    for _ in range(2):
        try:
            raise first
        except ValueError:
            with block:
                raise second from None
        with block:
            pass
    expected = None if PYPY else second  # PyPy lists both, and nothing tells them apart
    assert block.found == [expected, None, expected, None]


@pytest.mark.parametrize("mode", ["full", "gc-only"])
def test_a_suspended_coroutine(mode: Any) -> None:
    set_reader_mode(mode)
    error = ZeroDivisionError("in the block")
    outer = Leaving()

    async def program(fails: bool) -> None:
        with outer:
            async with Leaving():
                if fails:
                    raise error
                return

    for fails in (True, False):
        with suspended(program(fails)) as coroutine:
            (context, inner) = read_frame(coroutine.cr_frame, owner=coroutine).contexts
            assert (context.phase, inner.phase) == ("active", "exiting")
            assert exceptions([context, inner]) == [None, error if fails else None]
            assert exceptions(Traceback.of(coroutine).frames[0].contexts) == [None, error if fails else None]


def test_a_coroutine_that_runs() -> None:
    error = ZeroDivisionError("in the block")
    found: List[ContextInfo] = []

    class Reads(Leaving):
        async def __aexit__(self, *args: object) -> bool:
            await pause()
            found.extend(read_frame(coroutine.cr_frame, owner=coroutine).contexts)
            return True

    async def program() -> None:
        async with Reads():
            raise error

    coroutine = program()
    coroutine.send(None)
    with pytest.raises(StopIteration):
        coroutine.send(None)
    assert exceptions(found) == [error]
    assert found[0].phase == "exiting"


def test_a_frame_of_another_thread() -> None:
    error = ZeroDivisionError("in the block")
    inside, go_on = threading.Event(), threading.Event()

    class Waits(Leaving):
        def __exit__(self, *args: object) -> bool:
            inside.set()
            return go_on.wait(60)

    def program() -> None:
        with Waits():
            raise error

    thread = threading.Thread(target=program)
    thread.start()
    try:
        assert inside.wait(60)
        stack = Traceback.of(thread)
    finally:
        go_on.set()
        thread.join()
    (frame,) = [info for info in stack.frames if info.funcname.endswith("program")]
    assert exceptions(frame.contexts) == [error]


@contextlib.asynccontextmanager
async def connection() -> AsyncIterator[None]:
    try:
        yield
    finally:
        await pause()


def test_words() -> None:
    async def program() -> None:
        async with connection():
            raise ZeroDivisionError("in\ntwo lines" + "." * 1000)

    with suspended(program()) as coroutine:
        stack = Traceback.of(coroutine)
        text = str(stack)
        data = stack.as_data()
    assert "exiting because of ZeroDivisionError: in…" in text
    assert data["frames"][0]["contexts"][0]["exception"] == "ZeroDivisionError: in…"


def test_hostile_exceptions() -> None:
    for arguments in ((), ("plain",), (hostile_type("Text")(),)):
        kind: Any = hostile_type("Error", BaseException)
        error = kind(*arguments)

        async def program(error: BaseException = error) -> None:
            async with Leaving():
                raise error

        with suspended(program()) as coroutine:
            with armed():
                stack = Traceback.of(coroutine)
                text, data = str(stack), stack.as_data()
            assert stack.frames[0].contexts[0].exception is error
        name = asynctb._objects.type_name(kind)
        words = f"{name}: plain" if arguments == ("plain",) else name
        assert f"exiting because of {words}" in text
        assert data["frames"][0]["contexts"][0]["exception"] == words
