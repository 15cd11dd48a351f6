"""Tasks in the native Call Stack: what any DAP client sees through the standard requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest
from debugging import TIMEOUT, Debuggee, Failure, debug
from interpreters import Interpreter, find_interpreters

from dap_extension.client._session.dap import Json, RequestFailed
from dap_extension.protocol import CONFIGURE, FOCUS, SNAPSHOT


@pytest.fixture(params=find_interpreters(), ids=lambda interpreter: str(interpreter.name))
def interpreter(request: pytest.FixtureRequest) -> Interpreter:
    found: Interpreter = request.param
    return found


def threads(debuggee: Debuggee) -> Dict[str, int]:
    return {thread["name"]: thread["id"] for thread in debuggee.request("threads")["threads"]}


def stack(debuggee: Debuggee, thread_id: int, **arguments: int) -> List[Json]:
    frames: List[Json] = debuggee.request("stackTrace", {"threadId": thread_id, **arguments})["stackFrames"]
    return frames


def test_tasks_as_threads(interpreter: Interpreter) -> None:
    with debug("tasks.py", interpreter.path) as debuggee:
        stop = debuggee.run_to("paused")
        assert debuggee.bootstrap()["capabilities"]["callStack"] is True
        assert list(threads(debuggee)) == ["MainThread"]
        answer = debuggee.ask(CONFIGURE, {"callStack": {"enabled": True}})
        assert answer == {"callStack": {"enabled": True, "limit": 100, "libraryTasks": True}}
        # A client that has listed the threads already is told to do so again.
        event = debuggee.session.client.wait_for_event("invalidated", timeout=TIMEOUT)
        assert event["body"]["areas"] == ["threads"]

        rows = threads(debuggee)
        assert list(rows) == ["MainThread", *(f"fetch-{number} — suspended: event" for number in range(3))]
        thread_id = rows["fetch-1 — suspended: event"]
        frames = stack(debuggee, thread_id)
        assert [frame["name"].rpartition(".")[2] for frame in frames][-2:] == ["query", "fetch"]
        assert frames[-1]["line"] == debuggee.lines["fetch"]
        assert stack(debuggee, thread_id, startFrame=1, levels=1) == [frames[1]]
        evaluate = {"expression": "number", "frameId": frames[-1]["id"], "context": "watch"}
        assert debuggee.request("evaluate", evaluate)["result"] == "1"

        # With a step of the thread that runs them, what was known of the tasks is over.
        debuggee.request("next", {"threadId": stop.thread_id})
        stepped = debuggee.wait_for_stop()
        assert (stepped.reason, stepped.thread_id) == ("step", stop.thread_id)
        assert stop.thread_id is not None
        # Out of the block, which newer interpreters do at the line of the `with`.
        assert stack(debuggee, stop.thread_id)[0]["line"] - debuggee.lines["paused"] in (-1, 1)
        # The ids are the same as before, but a frame that was not asked for again is not known any more.
        assert threads(debuggee) == rows
        with pytest.raises(RequestFailed):
            debuggee.request("evaluate", evaluate)
        assert stack(debuggee, thread_id)

        debuggee.break_at("done")
        debuggee.resume()
        for _ in range(3):
            exited = debuggee.session.client.wait_for_event(
                "thread", where=lambda event: event["body"]["reason"] == "exited", timeout=TIMEOUT
            )
            assert exited["body"]["threadId"] in rows.values()
        debuggee.wait_for_stop()
        assert list(threads(debuggee)) == ["MainThread"]
        # A stale one has no stack; least of all that of the real thread.
        assert stack(debuggee, thread_id) == []
        assert debuggee.finish() == 0
        assert debuggee.output["stdout"] == "paused\ndone\n"
        assert debuggee.output["stderr"] == ""


def test_failed_tasks_are_not_listed() -> None:
    with debug("failed.py") as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        debuggee.ask(CONFIGURE, {"callStack": {"enabled": True}})
        assert list(threads(debuggee)) == ["MainThread", "reader — suspended: event"]
        assert debuggee.finish() == 0


def test_limit_and_last_row() -> None:
    with debug("many.py", args=("1000",)) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        debuggee.ask(CONFIGURE, {"callStack": {"enabled": True, "limit": 10}})
        rows = threads(debuggee)
        assert len(rows) == 12
        last = list(rows)[-1]
        assert last == "… 991 more tasks are not shown"  # one of them is running, and stands under its thread
        assert stack(debuggee, rows[last]) == []
        debuggee.ask(CONFIGURE, {"callStack": {"enabled": False}})
        assert list(threads(debuggee)) == ["MainThread"]
        assert debuggee.finish() == 0


@pytest.mark.parametrize(
    "arguments",
    [
        {"callStack": True},
        {"callStack": {"enabled": 1}},
        {"callStack": {"enabled": None}},
        {"callStack": {"limit": 0}},
        {"callStack": {"limit": 10**9}},
        {"callStack": {"limit": True}},
        {"callStack": {"libraryTasks": "no"}},
        [],
    ],
)
def test_malformed_configuration(arguments: object, paused: Debuggee) -> None:
    with pytest.raises(Failure) as caught:
        paused.ask(CONFIGURE, arguments)
    assert caught.value.code == "badRequest"
    assert paused.ask(CONFIGURE, {}) == {"callStack": {"enabled": False, "limit": 100, "libraryTasks": True}}


@pytest.fixture(scope="module")
def paused():  # type: ignore[no-untyped-def]
    with debug("tasks.py") as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        yield debuggee


def focus(debuggee: Debuggee, activity: Json, snapshot_id: int, frame_id: Optional[int] = None, **more: str) -> Json:
    """Focus an activity; return the event that clients follow."""
    arguments: Dict[str, Any] = {"snapshotId": snapshot_id, "activityId": activity["id"], **more}
    if frame_id is not None:
        arguments["frameId"] = frame_id
    thread_id = debuggee.ask(FOCUS, arguments)["threadId"]
    event: Json = debuggee.session.client.wait_for_event(
        "stopped", where=lambda event: bool(event["body"].get("asynctbFocus")), timeout=TIMEOUT
    )["body"]
    assert event["threadId"] == thread_id
    assert event["allThreadsStopped"] is False
    return event


def test_focus(interpreter: Interpreter) -> None:
    with debug("tasks.py", interpreter.path) as debuggee:
        stop = debuggee.run_to("paused")
        assert debuggee.bootstrap()["capabilities"]["focus"] is True
        snapshot_id, activities = debuggee.snapshot()
        by_name = {activity["name"]: activity for activity in activities}
        task = by_name["fetch-1"]
        (entry,) = debuggee.stacks(snapshot_id, [task["id"]])
        frames = entry["stack"]["frames"]
        outer = next(frame for frame in frames if frame["name"] == "fetch")
        inner = outer["contexts"][0]["inner"]["frames"][0]
        assert inner["name"] == "borrowed"

        # It is listed although tasks are not, so that clients have a place for it.
        event = focus(debuggee, task, snapshot_id, outer["frameId"])
        assert event["reason"] == ""
        rows = threads(debuggee)
        assert list(rows) == ["MainThread", "fetch-1 — suspended: event"]
        assert rows["fetch-1 — suspended: event"] == event["threadId"]
        # The frame is the first one that is not subtle, and so the one that clients show.
        shown = stack(debuggee, event["threadId"], startFrame=0, levels=1)
        assert [frame["id"] for frame in shown if frame.get("presentationHint") != "subtle"] == [outer["frameId"]]
        assert shown[-1]["name"].endswith("fetch")
        # Not for good.
        assert len(stack(debuggee, event["threadId"], startFrame=0, levels=1)) == 1

        # A frame inside of a context manager comes before the others.
        event = focus(debuggee, task, snapshot_id, inner["frameId"])
        shown = stack(debuggee, event["threadId"], startFrame=0, levels=1)
        assert [frame["id"] for frame in shown] == [inner["frameId"]]
        evaluate = {"expression": "pool", "frameId": inner["frameId"], "context": "watch"}
        assert "Connection" in debuggee.request("evaluate", evaluate)["result"]

        # The thread that stopped, and what it runs: the debugger has these frames itself.
        event = focus(debuggee, by_name["MainThread"], snapshot_id, reason="breakpoint")
        assert (event["threadId"], event["reason"]) == (stop.thread_id, "breakpoint")
        main = stack(debuggee, event["threadId"])
        running = next(
            activity for activity in activities if activity["state"] == "running" and activity["kind"] == "task"
        )
        event = focus(debuggee, running, snapshot_id, main[1]["id"])
        assert event["threadId"] == stop.thread_id
        shown = stack(debuggee, event["threadId"], startFrame=0, levels=1)
        assert shown[0]["presentationHint"] == "subtle"
        assert shown[-1]["id"] == main[1]["id"]

        # A step from there steps the thread, and nothing remains of the focus.
        debuggee.request("next", {"threadId": stop.thread_id})
        assert debuggee.wait_for_stop().reason == "step"
        assert list(threads(debuggee)) == ["MainThread"]
        assert "presentationHint" not in stack(debuggee, event["threadId"])[0]
        with pytest.raises(Failure) as caught:
            focus(debuggee, task, snapshot_id)
        assert caught.value.code == "staleSnapshot"
        assert debuggee.finish() == 0
        assert debuggee.output["stdout"] == "paused\ndone\n"
        assert debuggee.output["stderr"] == ""


def test_focus_beyond_the_limit() -> None:
    with debug("many.py", args=("1000",)) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        debuggee.ask(CONFIGURE, {"callStack": {"enabled": True, "limit": 10}})
        threads(debuggee)
        snapshot_id, activities = debuggee.snapshot()
        assert len(threads(debuggee)) == 12
        event = focus(debuggee, activities[-1], snapshot_id)
        rows = threads(debuggee)
        assert len(rows) == 13
        assert rows[next(name for name in rows if name.startswith(activities[-1]["name"]))] == event["threadId"]
        assert stack(debuggee, event["threadId"])
        assert debuggee.finish() == 0


def test_counts() -> None:
    with debug("many.py", args=("1500",)) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        page = debuggee.ask(SNAPSHOT)
        _, activities = debuggee.snapshot()
        expected: Dict[Any, int] = {}
        for activity in activities:
            key = activity["kind"], None if activity["kind"] == "thread" else activity.get("threadId")
            expected[key] = expected.get(key, 0) + 1
        assert {(entry["kind"], entry.get("threadId")): entry["count"] for entry in page["counts"]} == expected
        assert sum(expected.values()) == page["total"] > 1500
        rest = debuggee.ask(SNAPSHOT, {"snapshotId": page["snapshotId"], "start": 1000})
        assert "counts" not in rest
        assert debuggee.finish() == 0


def test_own_code_behind_that_of_a_library(tmp_path: Path) -> None:
    with debug("library.py", args=(str(tmp_path),), env={"LIBRARY_ROOTS": str(tmp_path)}) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        snapshot_id, activities = debuggee.snapshot()
        by_name = {activity["name"]: activity for activity in activities}
        for name in ("reader-0", "reader-1"):
            assert by_name[name]["innermost"]["name"] == "receive"
            assert by_name[name]["top"]["name"] == "read"
            assert by_name[name]["top"]["location"]["line"] == debuggee.lines["read"]
        assert by_name["waiter"]["top"]["name"] == "wait"
        assert "innermost" not in by_name["waiter"]
        (entry,) = debuggee.stacks(snapshot_id, [by_name["reader-0"]["id"]])
        kinds = [(frame["name"], frame.get("library"), frame.get("hidden")) for frame in entry["stack"]["frames"]]
        assert kinds[-2:] == [("receive", True, None), ("read", None, None)]
        assert debuggee.finish() == 0
