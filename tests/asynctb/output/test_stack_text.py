"""Stacks as text and as the standard library's type."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import subprocess
import sys
import threading
from typing import Any, Iterator, List

import attrs
import pytest
from support import normalised, suspended, trap

import asynctb
from asynctb import ContextInfo, Traceback, WithBlock

HERE = os.path.basename(__file__)


def line_of(marker: str) -> int:
    """Return the number of the first line of this file that ends with ``# @marker``."""
    with open(__file__, encoding="utf-8") as file:
        number = next(number for number, line in enumerate(file, 1) if line.endswith(f"  # @{marker}\n"))
    return number


class Manager:
    def __enter__(self) -> Manager:
        return self

    def __exit__(self, *exc: object) -> None: ...


class AsyncManager:
    async def __aenter__(self) -> AsyncManager:
        return self

    async def __aexit__(self, *exc: object) -> None: ...


@contextlib.contextmanager
def connect() -> Iterator[int]:
    with threading.Lock():  # @lock
        yield 5  # @yield


class Endless:
    def __await__(self) -> Endless:
        return self

    def __iter__(self) -> Endless:
        return self

    def __next__(self) -> str:
        return "suspended"


async def main() -> None:
    with connect() as number:  # @connect
        async with AsyncManager(), contextlib.AsyncExitStack() as stack:  # @managers
            stack.callback(print, number)
            await child()  # @child


async def child() -> None:
    await Endless()  # @leaf


@pytest.fixture
def stack() -> Iterator[Traceback]:
    with suspended(main()) as coroutine:
        yield Traceback.of(coroutine)


def test_tree(stack: Traceback) -> None:
    managers = line_of("managers")
    assert (
        normalised(str(stack))
        == f"""\
coroutine main at 0x
├─ main  {HERE}:{line_of("child")}
│  ├─ with connect() as number  # line {line_of("connect")}
│  │  └─ connect  {HERE}:{line_of("yield")}
│  │     ├─ with locked Lock  # line {line_of("lock")}, at 0x
│  │     └─ yield 5  # @yield
│  ├─ async with {__name__}.AsyncManager  # line {managers}, at 0x
│  ├─ async with AsyncExitStack with 1 entry as stack  # line {managers}, at 0x
│  │  └─ callback print()
│  └─ await child()  # @child
├─ child  {HERE}:{line_of("leaf")}
│  └─ await Endless()  # @leaf
└─ {__name__}.Endless at 0x, incomplete: nothing tells what it awaits
"""
    )


def test_ascii(stack: Traceback) -> None:
    lines = stack.format(ascii_only=True)
    assert normalised(lines[1]) == f"|- main  {HERE}:{line_of('child')}"
    assert normalised(lines[-2]) == "|  `- await Endless()  # @leaf"
    assert "".join(lines).isascii()


def test_ascii_names() -> None:
    space: Any = {"trap": trap}
    exec(compile("async def é():\n    await trap()\n", "ü.py", "exec"), space)
    with suspended(space["é"]()) as coroutine:
        lines = Traceback.of(coroutine).format(ascii_only=True)
    assert "".join(lines).isascii()
    assert "\\xe9  \\xfc.py:2" in lines[1]


def test_without_contexts(stack: Traceback) -> None:
    lines = stack.format(show_contexts=False)
    assert len(lines) == 6
    assert not any("with " in line for line in lines)


def context(**fields: Any) -> str:
    info = attrs.evolve(ContextInfo(Manager(), WithBlock(False, "x", asynctb.Position(7))), **fields)
    with suspended(main()) as coroutine:
        stack = Traceback.of(coroutine)
    frame = attrs.evolve(stack.frames[0], contexts=(info,))
    return normalised(attrs.evolve(stack, frames=(frame,)).format()[2])


def test_contexts() -> None:
    kind = f"{__name__}.Manager"
    assert context() == f"│  ├─ with {kind} as x  # line 7, at 0x"
    assert context(phase="exiting") == f"│  ├─ with {kind} as x  # line 7, exiting, at 0x"
    assert context(description="open_it()") == f"│  ├─ with open_it() as x  # line 7, {kind} at 0x"
    assert context(description="5 left") == f"│  ├─ with {kind} as x  # line 7, 5 left, at 0x"
    assert context(description="Manager of 5") == "│  ├─ with Manager of 5 as x  # line 7, at 0x"
    assert context(manager=None, unknown="no idea") == ("│  ├─ with an unknown context manager as x  # line 7, no idea")
    assert context(block=WithBlock(True), manager=None) == "│  ├─ async with an unknown context manager"


class _Request(Manager):
    """Not for others to name, but one of the program's own."""


def test_addresses_of_managers_with_private_names() -> None:
    assert context(manager=_Request()) == f"│  ├─ with {__name__}._Request as x  # line 7, at 0x"
    helper = context(manager=connect(), description="connect()")
    assert helper == "│  ├─ with connect() as x  # line 7"


def test_descriptions_of_managers_that_a_hook_replaced() -> None:
    assert context(manager=object(), description="open_it(), 2 tasks") == "│  ├─ with open_it() as x  # line 7, 2 tasks"


def test_hidden_frames_are_shown_if_there_are_no_others(stack: Traceback) -> None:
    hidden = attrs.evolve(stack, frames=tuple(attrs.evolve(info, hide=True) for info in stack.frames))
    assert hidden.format() == stack.format()
    mixed = attrs.evolve(stack, frames=(hidden.frames[0], stack.frames[1]))
    assert len(mixed.format()) < len(mixed.format(show_hidden=True))


def test_names_cannot_break_lines_or_control_the_terminal() -> None:
    line = context(description="open(\n\x1b[2J\x9b)\t\u2028")
    assert line.startswith("│  ├─ with open(\\n\\x1b[2J\\x9b)\t\\u2028 as x")
    # Other directions of writing, and what stands for bytes that are not UTF-8.
    line = context(description="open(\u202e\u2067\udc80é)")
    assert line.startswith("│  ├─ with open(\\u202e\\u2067\\udc80é) as x")


def test_children() -> None:
    with suspended(child()) as coroutine:
        bare, full = Traceback((), coroutine), Traceback.of(coroutine)
        outer = attrs.evolve(full.frames[0], contexts=(ContextInfo(Manager(), WithBlock(True), children=(bare, full)),))
        lines = normalised("\n".join(attrs.evolve(full, frames=(outer,)).format())).splitlines()
    assert lines[2:7] == [
        f"│  ├─ async with {__name__}.Manager  # at 0x",
        "│  │  ├─ coroutine child at 0x",
        "│  │  └─ coroutine child at 0x",
        f"│  │     ├─ child  {HERE}:{line_of('leaf')}",
        "│  │     │  └─ await Endless()  # @leaf",
    ]


def test_error_and_unknown(stack: Traceback) -> None:
    frame = attrs.evolve(stack.frames[1], contexts_unknown="it is forbidden")
    cut = attrs.evolve(stack, frames=(frame,), leaf=None, error=RuntimeError("cut short"))
    lines = cut.format()
    assert lines[2] == "│  ├─ # context managers may be missing: it is forbidden"
    assert lines[-1] == "└─ incomplete: cut short"


def test_range_of_frames() -> None:
    assert Traceback.since(sys._getframe()).format()[0] == "stack, outermost frame first"


def test_without_source() -> None:
    space: Any = {"trap": trap}
    exec(compile("async def wait():\n    await trap()\n", "<nowhere>", "exec"), space)
    with suspended(space["wait"]()) as coroutine:
        lines = Traceback.of(coroutine).format()
    assert lines[1] == "├─ wait  <nowhere>:2"
    assert lines[2].startswith("└─ trap  ")


def test_stdlib_summary(stack: Traceback) -> None:
    summary = stack.as_stdlib_summary()
    assert [(entry.name.rpartition(".")[2], entry.lineno, entry.line) for entry in summary] == [
        ("main", line_of("child"), "await child()  # @child"),
        ("child", line_of("leaf"), "await Endless()  # @leaf"),
    ]
    assert pickle.loads(pickle.dumps(summary)) == summary
    text = "".join(stack.as_stdlib_summary(show_contexts=True).format())
    assert f"line {line_of('connect')}, in main, with connect() as number" in text
    assert f"line {line_of('lock')}, in connect, with locked Lock" in text
    assert text.index("@lock") < text.index("@yield") < text.index("@managers") < text.index("@leaf")


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_demo(encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    output = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-m", "asynctb"],
        env=environment,
        check=True,
        capture_output=True,
        encoding=encoding,
        timeout=60,
    )
    assert output.stderr == ""
    for expected in ("serve", "AsyncExitStack with 2 entries", "callback forget()", "transaction()", "RLock held by"):
        assert expected in output.stdout


def test_the_demo_is_not_the_command() -> None:
    command = [sys.executable, "-m", "asynctb", "run", "x.py"]
    output = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60)
    assert output.returncode == 2
    assert output.stdout == ""
    assert output.stderr.endswith("the command asynctb, such as: asynctb run script.py\n")


def test_a_task_has_its_name_in_the_title() -> None:
    async def sleeps() -> None:
        await asyncio.sleep(3600)

    async def main() -> List[str]:
        tasks = [asyncio.tasks._PyTask(sleeps(), name="in Python")]  # type: ignore[attr-defined]
        tasks += [asyncio.Task(sleeps(), name="fetch")]
        await asyncio.sleep(0)
        titles = [Traceback.of(task).format()[0] for task in tasks]
        for task in tasks:
            task.cancel()
        return [title.partition(" at 0x")[0].rpartition(".")[2] for title in titles]

    assert asyncio.run(main()) == ["Task in Python", "Task fetch"]
    if sys.implementation.name != "pypy":  # its finalizer fails there
        uninitialised = asyncio.Task.__new__(asyncio.Task)
        assert "Task at 0x" in Traceback((), uninitialised).format()[0]
