"""Tasks in the native Call Stack: what any DAP client sees through the standard requests."""

from __future__ import annotations

from typing import Dict, List

import pytest
from debugging import TIMEOUT, Debuggee, Failure, debug
from interpreters import Interpreter, find_interpreters

from dap_extension.client._session.dap import Json, RequestFailed
from dap_extension.protocol import CONFIGURE


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

        # A step on a focused task steps the real thread.
        debuggee.request("next", {"threadId": thread_id})
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
