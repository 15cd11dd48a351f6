"""Programs that hang, looked at as they are: nothing is paused."""

from __future__ import annotations

import pytest
from debugging import TIMEOUT, debug
from interpreters import Interpreter
from sessions import all_stacks, frame_named, on_two_interpreters, visible

from dap_extension.protocol import SNAPSHOT


@on_two_interpreters
@pytest.mark.parametrize("where", ["python", "c"])
def test_hung_program(interpreter: Interpreter, where: str) -> None:
    function = "spin" if where == "python" else "block"
    with debug("hung.py", interpreter.path, args=(where,)) as debuggee:
        debuggee.session.start(TIMEOUT)
        debuggee.output.wait_for("hangs")
        assert debuggee.bootstrap()["capabilities"]["whileRunning"] is True
        page = debuggee.ask(SNAPSHOT)
        while True:  # it is said to hang a moment before it does
            states = {activity["name"]: activity["state"] for activity in page["activities"]}
            if states["culprit"] == "running":
                break
            page = debuggee.ask(SNAPSHOT)
        assert page["paused"] is False
        assert states["hold-0"] == states["hold-1"] == states["Task-1"] == "suspended"
        culprit = next(activity for activity in page["activities"] if activity["name"] == "culprit")
        assert culprit["threadId"] == next(a["id"] for a in page["activities"] if a["kind"] == "thread")
        stacks = all_stacks(debuggee)
        while function not in visible(stacks["culprit"]):
            stacks = all_stacks(debuggee)
        assert visible(stacks["culprit"])[-2:] == [function, "stuck"]
        assert frame_named(stacks["culprit"], "stuck")["location"]["line"] == debuggee.lines["stuck"]
        assert visible(stacks["MainThread"])[-1] == "<module>"
        assert visible(stacks["hold-1"]) == ["hold"]
        assert visible(stacks["Task-1"])[-1] == "main"
        # No thread was stopped for it.
        events = [event["event"] for event in debuggee.session.client.queued_events()]
        assert "stopped" not in events
        assert debuggee.output["stdout"] == "hangs\n"
        debuggee.request("evaluate", {"expression": "__import__('sys').modules['__main__'].GATE.set()"})
        assert debuggee.session.wait_for_end(TIMEOUT) == 0
        assert debuggee.output["stdout"] == "hangs\ndone\n"
        assert debuggee.output["stderr"] == ""
