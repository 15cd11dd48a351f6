"""The essentials with the oldest supported release of debugpy and the newest one, as each interpreter gets them.

Other tests run with the debugpy that is installed for the tests, which for other interpreters lacks the compiled parts.
"""

from __future__ import annotations

import os

import pytest
from debugging import PROGRAMS, TIMEOUT, debug
from interpreters import Interpreter
from sessions import (
    OLDEST_RELEASE,
    DebugpyFor,
    all_stacks,
    attached,
    child_session,
    frame_named,
    last_release,
    on_all_interpreters,
    on_two_interpreters,
    reported_child,
    serving,
    visible,
)

from dap_extension.client._session.dap import Json, RequestFailed
from dap_extension.protocol import SNAPSHOT

SERVICE = PROGRAMS / "service.py"
oldest_and_newest = pytest.mark.parametrize("release", [OLDEST_RELEASE, None], ids=["oldest", "newest"])


def value_in(stack: Json, function: str, expression: str) -> Json:
    """Return the arguments of an evaluation in a frame."""
    frame_id = frame_named(stack, function)["frameId"]
    return {"expression": expression, "frameId": frame_id, "context": "watch"}


@on_all_interpreters
@oldest_and_newest
def test_launch(interpreter: Interpreter, debugpy_for: DebugpyFor, release: str) -> None:
    folder = debugpy_for(interpreter, release or last_release(interpreter))
    with debug("tasks.py", interpreter.path, debugpy=folder) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        stacks = all_stacks(debuggee)
        assert sorted(stacks) == ["MainThread", "Task-1", "fetch-0", "fetch-1", "fetch-2"]
        assert visible(stacks["fetch-2"]) == ["query", "fetch"]
        arguments = value_in(stacks["fetch-2"], "fetch", "number * 21")
        assert debuggee.request("evaluate", arguments)["result"] == "42"
        debuggee.run_to("done")
        with pytest.raises(RequestFailed):
            debuggee.request("evaluate", arguments)
        assert sorted(all_stacks(debuggee)) == ["MainThread", "Task-1"]
        assert debuggee.finish() == 0
        assert debuggee.output["stdout"] == "paused\ndone\n"
        assert debuggee.output["stderr"] == ""


@on_two_interpreters
def test_attach_to_the_oldest(interpreter: Interpreter, debugpy_for: DebugpyFor) -> None:
    with serving(SERVICE, interpreter.path, debugpy_for(interpreter, OLDEST_RELEASE)) as (service, port):
        for attempt in range(2):
            with attached(port, SERVICE) as debuggee:
                debuggee.break_at("serve")
                debuggee.session.start(TIMEOUT)
                # Without a pause, too.
                debuggee.bootstrap()
                assert debuggee.ask(SNAPSHOT)["paused"] is False
                service.tell("hello")
                debuggee.wait_for_stop()
                stack = debuggee.stack("hold-1")
                arguments = value_in(stack, "hold", "release.is_set()")
                assert debuggee.request("evaluate", arguments)["result"] == "False"
            assert service.heard() == f"{attempt + 1}: hello"
        assert service.finish() == 0
        assert service.heard() == "done"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@on_two_interpreters
def test_fork_with_the_oldest(interpreter: Interpreter, debugpy_for: DebugpyFor) -> None:
    folder = debugpy_for(interpreter, OLDEST_RELEASE)
    with debug("processes.py", interpreter.path, args=("fork",), subProcess=True, debugpy=folder) as parent:
        parent.run_to("parent")
        parent.bootstrap()
        parent.break_at()
        parent.resume()
        with child_session(parent, reported_child(parent)) as child:
            child.run_to("child")
            child.bootstrap()
            stacks = all_stacks(child)
            assert "child-0" in stacks
            assert not any(name.startswith("parent") for name in stacks)
            child.break_at()
            child.resume()
            child.session.wait_for_end(TIMEOUT)
        assert parent.session.wait_for_end(TIMEOUT) == 0
