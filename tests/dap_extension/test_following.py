"""The program stops where a task goes on that was suspended, and where no other one does."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import pytest
from debugging import Debuggee, Failure, debug
from interpreters import Interpreter
from sessions import on_all_interpreters, on_few_interpreters

from dap_extension.client._session.dap import Json
from dap_extension.protocol import CONFIGURE, FOLLOW


def follow(debuggee: Debuggee, name: str) -> Json:
    """Have the program stop where *name* goes on."""
    snapshot_id, activities = debuggee.snapshot()
    activity = next(activity for activity in activities if activity["name"] == name)
    answer: Json = debuggee.ask(FOLLOW, {"snapshotId": snapshot_id, "activityId": activity["id"]})
    return answer


def continue_to_stop(debuggee: Debuggee) -> Tuple[str, List[Json]]:
    """Let the program go on until it stops; return why, and the frames of the thread that did."""
    debuggee.resume()
    stop = debuggee.wait_for_stop()
    frames: List[Json] = debuggee.request("stackTrace", {"threadId": stop.thread_id})["stackFrames"]
    return stop.reason, frames


def value(debuggee: Debuggee, frame: Json, expression: str) -> Any:
    evaluate = {"expression": expression, "frameId": frame["id"], "context": "watch"}
    return debuggee.request("evaluate", evaluate)["result"]


@on_all_interpreters
def test_only_that_task(interpreter: Interpreter) -> None:
    with debug("following.py", interpreter.path) as debuggee:
        stop = debuggee.run_to("paused")
        assert debuggee.bootstrap()["capabilities"]["follow"] is True
        assert follow(debuggee, "work-3") == {"threadId": stop.thread_id}
        reason, frames = continue_to_stop(debuggee)
        assert (reason, frames[0]["line"]) == ("step", debuggee.lines["after"])
        assert value(debuggee, frames[0], "number") == "3"

        # Through a function that only returns.
        follow(debuggee, "outer")
        reason, frames = continue_to_stop(debuggee)
        assert (reason, frames[0]["name"].rpartition(".")[2]) == ("step", "outer")

        # In the loop of another thread, after others have gone on.
        debuggee.break_at("done")
        follow(debuggee, "work-101")
        reason, frames = continue_to_stop(debuggee)
        assert (reason, frames[0]["line"]) == ("step", debuggee.lines["after"])
        assert value(debuggee, frames[0], "number") == "101"
        reason, frames = continue_to_stop(debuggee)
        assert (reason, frames[0]["line"]) == ("breakpoint", debuggee.lines["done"])
        assert debuggee.finish() == 0
        assert debuggee.output["stderr"] == ""


@on_few_interpreters
def test_another_stop_ends_it(interpreter: Interpreter) -> None:
    with debug("following.py", interpreter.path, justMyCode=True) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        follow(debuggee, "work-1")
        debuggee.break_at("after", "done")
        reason, frames = continue_to_stop(debuggee)
        assert (reason, value(debuggee, frames[0], "number")) == ("breakpoint", "0")
        debuggee.break_at("done")
        reason, frames = continue_to_stop(debuggee)
        assert (reason, frames[0]["line"]) == ("breakpoint", debuggee.lines["done"])
        assert debuggee.finish() == 0


@on_all_interpreters
def test_one_that_ends_and_one_that_is_cancelled(interpreter: Interpreter) -> None:
    with debug("following.py", interpreter.path) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        debuggee.break_at("done")
        follow(debuggee, "cancelled")
        reason, frames = continue_to_stop(debuggee)
        assert reason == "step"
        line = frames[0]["line"]
        assert debuggee.lines["cancelled"] <= line <= debuggee.lines["handler"]
        assert continue_to_stop(debuggee)[1][0]["line"] == debuggee.lines["done"]
        assert debuggee.finish() == 0
    with debug("following.py", interpreter.path) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        debuggee.break_at("done")
        # It executes nothing more; the program does not stop in another task instead.
        follow(debuggee, "ending")
        reason, frames = continue_to_stop(debuggee)
        assert (reason, frames[0]["line"]) == ("breakpoint", debuggee.lines["done"])
        assert debuggee.finish() == 0


@on_few_interpreters
@pytest.mark.parametrize("command", ["next", "stepIn", "stepOut"])
def test_step_from_a_task(interpreter: Interpreter, command: str) -> None:
    with debug("following.py", interpreter.path) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        debuggee.ask(CONFIGURE, {"callStack": {"enabled": True}})
        rows: Dict[str, int] = {thread["name"]: thread["id"] for thread in debuggee.request("threads")["threads"]}
        thread_id = rows["work-2 — suspended: event"]
        assert debuggee.request("stackTrace", {"threadId": thread_id})["stackFrames"]
        debuggee.break_at("done")
        debuggee.request(command, {"threadId": thread_id})
        stop = debuggee.wait_for_stop()
        assert stop.reason == "step"
        frames = debuggee.request("stackTrace", {"threadId": stop.thread_id})["stackFrames"]
        assert frames[0]["line"] == debuggee.lines["after"]
        assert value(debuggee, frames[0], "number") == "2"
        # The next step is one of the thread that has stopped.
        debuggee.request("next", {"threadId": stop.thread_id})
        assert debuggee.wait_for_stop().reason == "step"
        assert debuggee.finish() == 0


def test_what_cannot_be_followed() -> None:
    with debug("following.py") as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        for name in ("MainThread", "Task-1"):
            with pytest.raises(Failure, match="does not wait to go on"):
                follow(debuggee, name)
        snapshot_id, activities = debuggee.snapshot()
        with pytest.raises(Failure) as caught:
            debuggee.ask(FOLLOW, {"snapshotId": snapshot_id, "activityId": "task-999"})
        assert caught.value.code == "unknownActivity"
        task = next(activity for activity in activities if activity["name"] == "work-1")
        # A step of the thread has nothing to do with what was to be followed.
        debuggee.ask(FOLLOW, {"snapshotId": snapshot_id, "activityId": task["id"]})
        assert debuggee.stop is not None
        debuggee.request("next", {"threadId": debuggee.stop.thread_id})
        stop = debuggee.wait_for_stop()
        frames = debuggee.request("stackTrace", {"threadId": stop.thread_id})["stackFrames"]
        assert frames[0]["name"].rpartition(".")[2] == "main"
        with pytest.raises(Failure) as caught:
            debuggee.ask(FOLLOW, {"snapshotId": snapshot_id, "activityId": task["id"]})
        assert caught.value.code == "staleSnapshot"
        assert debuggee.finish() == 0
