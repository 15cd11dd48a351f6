"""The helper in programs that gevent has patched: it replaces what tells threads apart."""

from __future__ import annotations

import sys
from collections import Counter

import pytest
from commands import asynctb, started
from debugging import debug
from interpreters import Interpreter, find_interpreters
from sessions import all_stacks, frame_named, install_gevent, on_few_interpreters


@on_few_interpreters
def test_program_that_gevent_has_patched(interpreter: Interpreter, request: pytest.FixtureRequest) -> None:
    assert request.config.cache is not None
    packages = install_gevent(request.config.cache.mkdir("gevent"), interpreter)
    # The debugger itself needs to be told of gevent.
    environment = {"PYTHONPATH": packages, "GEVENT_SUPPORT": "True"}
    with debug("gevents.py", interpreter.path, env=environment) as debuggee:
        stop = debuggee.run_to("paused")
        debuggee.bootstrap()
        snapshot_id, activities = debuggee.snapshot()
        # Neither the debugger's threads, nor any that are no threads any more.
        (thread,) = [activity for activity in activities if activity["kind"] == "thread"]
        assert thread["name"] == "MainThread"
        assert thread["dapThreadId"] == stop.thread_id
        assert thread["top"]["location"]["line"] == debuggee.lines["paused"]
        tops = Counter(activity["top"]["location"]["line"] for activity in activities if "top" in activity)
        assert tops[debuggee.lines["hold"]] == 4
        module = frame_named(all_stacks(debuggee)["MainThread"], "<module>")
        greenlet = next(activity for activity in activities if activity["name"] == "holder")
        (entry,) = debuggee.stacks(snapshot_id, [greenlet["id"]])
        hold = frame_named(entry["stack"], "hold")
        for frame, expression, value in ((module, "len(greenlets)", "3"), (hold, "number", "3")):
            evaluate = {"expression": expression, "frameId": frame["frameId"], "context": "watch"}
            assert debuggee.request("evaluate", evaluate)["result"] == value
        # What waits says for what, and what runs has frames.
        assert greenlet["waitsFor"]["kind"] == "event"
        assert not [activity["name"] for activity in activities if "pydevd" in activity["name"]]
        for entry in debuggee.stacks(snapshot_id, [activity["id"] for activity in activities]):
            assert "error" not in entry["stack"], entry
        # The program can be asked while it runs, and stops again.
        debuggee.run_to("done")
        _, activities = debuggee.snapshot()
        assert [activity["name"] for activity in activities if activity["kind"] == "thread"] == ["MainThread"]
        # A greenlet that the thread executes.
        debuggee.run_to("greenlet")
        snapshot_id, activities = debuggee.snapshot()
        (paused,) = [activity for activity in activities if activity["name"] == "pause"]
        assert paused["state"] == "running"
        (entry,) = debuggee.stacks(snapshot_id, [paused["id"]])
        assert "error" not in entry["stack"]
        frame = frame_named(entry["stack"], "pause")
        assert frame["location"]["line"] == debuggee.lines["greenlet"]
        evaluate = {"expression": "number", "frameId": frame["frameId"], "context": "watch"}
        assert debuggee.request("evaluate", evaluate)["result"] == "7"
        assert debuggee.finish() == 0
        assert debuggee.output["stdout"] == "paused\ndone\n7\n"


BUSY = """\
from gevent import monkey

monkey.patch_all()
import debugpy

print(debugpy.listen(("127.0.0.1", 0))[1], flush=True)
while True:
    pass
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose connections these are")
@pytest.mark.parametrize("command", ["dump", "attach"])
def test_debugger_whose_threads_are_greenlets_that_get_no_turn(command: str, request: pytest.FixtureRequest) -> None:
    assert request.config.cache is not None
    here = next(found for found in find_interpreters() if found.path and found.version[:2] == sys.version_info[:2])
    packages = install_gevent(request.config.cache.mkdir("gevent"), here)
    with started("env", f"PYTHONPATH={packages}", sys.executable, "-c", BUSY) as process:
        assert process.stdout is not None
        result = asynctb(command, int(process.stdout.readline()))
        assert "uses gevent" in result.stderr
        assert "GEVENT_SUPPORT=True" in result.stderr
        assert f"process {process.pid} " in result.stderr
        assert result.returncode != 0
        assert process.poll() is None
