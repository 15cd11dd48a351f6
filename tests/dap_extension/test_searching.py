"""A search for a text in the stacks of all activities, in the process."""

from __future__ import annotations

from typing import Any, List

import pytest
from debugging import Debuggee, Failure, debug
from interpreters import Interpreter
from sessions import on_all_interpreters

from dap_extension.protocol import SEARCH, SNAPSHOT

FETCHING = ["fetch-0", "fetch-1", "fetch-2"]


def search(debuggee: Debuggee, text: str, **more: Any) -> List[str]:
    """Return the names of the activities in which a text occurs."""
    snapshot_id, activities = debuggee.snapshot()
    names = {activity["id"]: activity["name"] for activity in activities}
    answer = debuggee.ask(SEARCH, {"snapshotId": snapshot_id, "text": text, **more})
    assert (answer["next"], answer["total"]) == (len(activities), len(activities))
    return sorted(names[activity_id] for activity_id in answer["activityIds"])


@on_all_interpreters
def test_what_is_found(interpreter: Interpreter) -> None:
    with debug("tasks.py", interpreter.path) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        assert search(debuggee, "FETCH-1") == ["fetch-1"]
        assert search(debuggee, "suspended") == FETCHING
        # A function, a manager, what is inside of one, and the path of the source.
        for text in ("fetch", "locks.lock", "borrowed", "tasks.py"):
            assert set(FETCHING) <= set(search(debuggee, text)), text
        address = frame_lock(debuggee, "fetch-1")
        assert search(debuggee, address) == ["fetch-1"]
        assert search(debuggee, "Event.wait") == []
        assert search(debuggee, "nothing like that") == []
        hidden = "wait" if interpreter.version < (3, 11) or interpreter.implementation == "PyPy" else "Event.wait"
        assert search(debuggee, hidden, hidden=True) == FETCHING
        assert debuggee.finish() == 0
        assert debuggee.output["stderr"] == ""


def test_where_it_was_made_is_known() -> None:
    with debug("tasks.py", env={"PYTHONASYNCIODEBUG": "1"}) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        assert search(debuggee, "locks.lock") == FETCHING
        assert debuggee.finish() == 0


def frame_lock(debuggee: Debuggee, name: str) -> str:
    """Return the address of the lock that a task holds."""
    managers = [
        context["manager"]
        for frame in debuggee.stack(name)["frames"]
        for context in frame.get("contexts", ())
        if "manager" in context
    ]
    address: str = next(manager["address"] for manager in managers if manager["type"] == "asyncio.locks.Lock")
    return address


def test_many_in_parts() -> None:
    with debug("many.py", args=("10000",)) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        page = debuggee.ask(SNAPSHOT)
        found: List[str] = []
        parts = start = 0
        while start < page["total"]:
            query = {"snapshotId": page["snapshotId"], "text": "__main__.Async", "start": start}
            answer = debuggee.ask(SEARCH, query)
            assert answer["next"] > start
            parts, start = parts + 1, answer["next"]
            found += answer["activityIds"]
        # It takes longer than one answer may.
        assert parts > 1
        assert len(found) == len(set(found)) == 10_000
        assert debuggee.finish() == 0


def test_while_it_runs_and_when_it_has_gone_on() -> None:
    with debug("endless.py") as debuggee:
        debuggee.session.start()
        debuggee.wait_for_stop()
        debuggee.bootstrap()
        snapshot_id, activities = debuggee.snapshot()
        with pytest.raises(Failure) as caught:
            debuggee.ask(SEARCH, {"snapshotId": snapshot_id, "text": "x", "start": len(activities) + 1})
        assert caught.value.code == "badRequest"
        debuggee.resume()
        debuggee.output.wait_for("going on")
        with pytest.raises(Failure) as caught:
            debuggee.ask(SEARCH, {"snapshotId": snapshot_id, "text": "x"})
        assert caught.value.code == "staleSnapshot"
        snapshot_id, activities = debuggee.snapshot()
        answer = debuggee.ask(SEARCH, {"snapshotId": snapshot_id, "text": "thread"})
        assert answer["next"] == answer["total"] == len(activities)
        assert answer["activityIds"]
