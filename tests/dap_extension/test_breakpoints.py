"""Breakpoints that are set while the functions that they are in are suspended."""

from __future__ import annotations

from typing import List

import pytest
from commands import COMMAND, read_until, started
from debugging import PROGRAMS, Debuggee, debug, marked_lines
from interpreters import Interpreter
from sessions import (
    DebugpyFor,
    install_gevent,
    on_all_interpreters,
    on_few_interpreters,
    on_two_interpreters,
    serving,
)

SERVICE = PROGRAMS / "service.py"
MARKERS = ("plain", "looping", "nested", "managed", "numbers", "cancelled", "lines")


def hit(debuggee: Debuggee) -> List[str]:
    """Let the program go on to its end and return where it stopped."""
    names = {line: name for name, line in debuggee.lines.items()}
    found: List[str] = []
    while "done" not in found:
        debuggee.resume()
        stop = debuggee.wait_for_stop()
        assert stop.reason == "breakpoint"
        frames = debuggee.request("stackTrace", {"threadId": stop.thread_id})["stackFrames"]
        found.append(names[frames[0]["line"]])
    return found


EXPECTED = ["plain", "looping", "looping", "nested", "managed", "numbers", "cancelled", "lines", "done"]


@on_all_interpreters
def test_set_during_a_pause(interpreter: Interpreter) -> None:
    with debug("resuming.py", interpreter.path) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        debuggee.break_at(*MARKERS, "done")
        assert hit(debuggee) == EXPECTED
        assert debuggee.finish() == 0
        assert debuggee.output["stderr"] == ""


@on_two_interpreters
def test_set_before_the_helper_came(interpreter: Interpreter) -> None:
    with debug("resuming.py", interpreter.path) as debuggee:
        debuggee.run_to("paused")
        debuggee.break_at(*MARKERS, "done")
        debuggee.bootstrap()
        assert hit(debuggee) == EXPECTED
        assert debuggee.finish() == 0


@on_two_interpreters
def test_command_that_attaches(interpreter: Interpreter, debugpy_for: DebugpyFor) -> None:
    with serving(SERVICE, interpreter.path, debugpy_for(interpreter)) as (service, port):
        assert service.ask("begin") == "1: begin"
        place = f"{SERVICE}:{marked_lines(SERVICE)['count']}"
        args = ["attach", "--no-pause", "--break", place, "--stops", "1", port]
        with started(*COMMAND, *args) as watcher:
            read_until(watcher.stderr, "asynctb: waiting until the program stops")
            service.tell("go on")
            assert watcher.wait() == 0
            assert watcher.stdout is not None
            assert "main" in read_until(watcher.stdout, f"{SERVICE.name}:{marked_lines(SERVICE)['count']}")
        assert service.heard() == "2: go on"
        assert service.ask("alone") == "3: alone"


def test_set_anew_and_removed() -> None:
    with debug("resuming.py") as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        debuggee.break_at("plain", "nested")
        debuggee.break_at()
        debuggee.break_at("lines", "done")
        assert hit(debuggee) == ["lines", "done"]
        assert debuggee.finish() == 0


@on_few_interpreters
def test_in_greenlets(interpreter: Interpreter, request: pytest.FixtureRequest) -> None:
    assert request.config.cache is not None
    packages = install_gevent(request.config.cache.mkdir("gevent"), interpreter)
    with debug("gevents.py", interpreter.path, env={"PYTHONPATH": packages, "GEVENT_SUPPORT": "True"}) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        debuggee.break_at("held", "done")
        # Before CPython 3.12, not in the one that was made as a thread.
        assert hit(debuggee).count("held") >= (4 if interpreter.version >= (3, 12) else 3)
        assert debuggee.finish() == 0
