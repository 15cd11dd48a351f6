"""Awaitables and managers for the tests, and short forms of what the tests compare."""

from __future__ import annotations

import re
import threading
import types
from contextlib import contextmanager
from pathlib import Path
from typing import Any, AsyncIterator, Callable, Coroutine, Generator, Iterator, List, TypeVar

from asynctb import FrameInfo, Traceback

T = TypeVar("T")


@types.coroutine
def trap() -> Generator[str, None, None]:
    """Suspend whoever awaits it, as often as it is resumed."""
    while True:
        yield "suspended"


@types.coroutine
def pause() -> Generator[str, None, None]:
    """Suspend whoever awaits it once."""
    yield "suspended"


@contextmanager
def suspended(coroutine: Coroutine[Any, Any, Any]) -> Iterator[Coroutine[Any, Any, Any]]:
    """Run a coroutine until it suspends, and close it in the end."""
    assert coroutine.send(None) == "suspended"
    try:
        yield coroutine
    finally:
        coroutine.close()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that suspends only in `pause`, and return its result."""
    while True:
        try:
            coroutine.send(None)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]


def names(frames: Any) -> List[str]:
    """Return the names of the functions of a stack."""
    return [info.frame.f_code.co_name for info in frames]


def frame_named(stack: Traceback, name: str) -> FrameInfo:
    """Return the only frame of a function."""
    (info,) = (info for info in stack.frames if info.frame.f_code.co_name == name)
    return info


def normalised(text: str) -> str:
    """Return a rendered stack without what changes from run to run."""
    text = re.sub(r"0x[0-9a-f]+", "0x", text)
    text = re.sub(r"[^ ]*[/\\](\w+\.py):", r"\1:", text)
    return re.sub(r"\w+\.<locals>\.", "", text)


async def items() -> AsyncIterator[int]:
    """Suspend, yield an item, suspend."""
    await trap()
    yield 1


class Worker:
    """A thread that has reached the function given, which gets a function to wait with."""

    def __init__(self, function: Callable[[Callable[[], None]], object]) -> None:
        self.waiting = threading.Event()
        self.go_on = threading.Event()
        self.thread = threading.Thread(target=function, args=(self.wait,), name="worker")

    def wait(self) -> None:
        self.waiting.set()
        self.go_on.wait()

    def __enter__(self) -> threading.Thread:
        self.thread.start()
        self.waiting.wait()
        return self.thread

    def __exit__(self, *exc: object) -> None:
        self.go_on.set()
        self.thread.join()


#: Whether the system tells what threads of this process do.
HAS_TASK_STATES = Path("/proc/self/task").is_dir()
