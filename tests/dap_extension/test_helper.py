"""The helper inside real programs, on every interpreter of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from pathlib import Path
from typing import Any, Dict, List

import pytest
from debugging import TIMEOUT, Debuggee, Failure, debug
from interpreters import Interpreter, find_interpreters
from sessions import all_stacks, on_few_interpreters

from dap_extension.client._session.dap import Json, RequestFailed
from dap_extension.debuggee._wake import _waker_of
from dap_extension.payload import payload_expression, payload_key
from dap_extension.protocol import HANDSHAKE, PROTOCOL_VERSION, SNAPSHOT, STACKS


@pytest.fixture(params=find_interpreters(), ids=lambda interpreter: str(interpreter.name))
def interpreter(request: pytest.FixtureRequest) -> Interpreter:
    found: Interpreter = request.param
    return found


def names(stack: Json) -> List[str]:
    """Return the names of the functions of a stack's visible frames, innermost first."""
    return [frame["name"].rpartition(".")[2] for frame in stack["frames"] if not frame.get("hidden")]


def frame_named(stack: Json, name: str) -> Json:
    found: Json = next(frame for frame in stack["frames"] if frame["name"].rpartition(".")[2] == name)
    return found


def variables(debuggee: Debuggee, frame_id: int) -> Dict[str, str]:
    scope = debuggee.request("scopes", {"frameId": frame_id})["scopes"][0]
    body = debuggee.request("variables", {"variablesReference": scope["variablesReference"]})
    return {variable["name"]: variable["value"] for variable in body["variables"]}


def manager_types(frame: Json) -> List[str]:
    return [context["manager"]["type"] for context in frame.get("contexts", ())]


def test_tasks_of_a_paused_program(interpreter: Interpreter) -> None:
    with debug("tasks.py", interpreter.path) as debuggee:
        stop = debuggee.run_to("paused")
        handshake = debuggee.bootstrap()
        assert handshake["protocolVersion"] == PROTOCOL_VERSION
        assert handshake["helperKey"] == payload_key()
        assert handshake["python"]["implementation"] == interpreter.implementation
        assert handshake["processId"] == debuggee.session.process_id

        _, activities = debuggee.snapshot()
        by_name = {activity["name"]: activity for activity in activities}
        assert list(by_name) == ["MainThread", "Task-1", "fetch-0", "fetch-1", "fetch-2"]
        thread = by_name["MainThread"]
        assert thread["kind"] == "thread"
        assert thread["dapThreadId"] == stop.thread_id
        assert thread["top"]["location"]["line"] == debuggee.lines["paused"]
        assert by_name["Task-1"]["state"] == "running"
        assert by_name["Task-1"]["top"]["location"]["line"] == debuggee.lines["paused"]
        for number in range(3):
            task = by_name[f"fetch-{number}"]
            assert (task["kind"], task["framework"], task["state"]) == ("task", "asyncio", "suspended")
            assert task["threadId"] == thread["id"]
            assert task["waitsFor"]["target"]["type"] == "asyncio.locks.Event"
            assert task["signature"] == by_name["fetch-0"]["signature"]
            assert task["top"]["location"]["line"] == debuggee.lines["query"]

        stack = debuggee.stack("fetch-1")
        assert names(stack) == ["query", "fetch"]
        query, fetch = frame_named(stack, "query"), frame_named(stack, "fetch")
        assert query["location"]["source"]["path"] == str(debuggee.script)
        assert query["location"]["line"] == debuggee.lines["query"]
        if interpreter.version >= (3, 11):
            # In UTF-16: the emoji is two units, "ü" and "ß" one each.
            line = debuggee.script.read_text(encoding="utf-8").splitlines()[debuggee.lines["query"] - 1]
            start = len(line[: line.index("await")].encode("utf-16-le")) // 2 + 1
            assert query["location"]["column"] == start
            assert query["location"]["endColumn"] == start + len("await release.wait()")
        if handshake["contexts"] == "full":
            assert manager_types(query) == ["asyncio.locks.Lock", "__main__.Connection"]
            assert [context.get("varname") for context in query["contexts"]] == [None, "connection"]
            (borrowed,) = fetch["contexts"]
            assert names(borrowed["inner"]) == ["borrowed"]
            assert manager_types(frame_named(borrowed["inner"], "borrowed")) == ["__main__.Connection"]

        native = debuggee.request("stackTrace", {"threadId": stop.thread_id})["stackFrames"]
        frames = debuggee.stack("MainThread")["frames"]
        assert [(frame["name"].rpartition(".")[2], frame["location"]["line"]) for frame in frames] == [
            (frame["name"], frame["line"]) for frame in native
        ]
        assert [frame.get("frameId") for frame in frames] == [frame["id"] for frame in native]

        assert debuggee.finish() == 0
        # Nothing of ours among what the program wrote.
        assert debuggee.output["stdout"] == "paused\ndone\n"
        assert debuggee.output["stderr"] == ""


def test_frames_of_suspended_tasks_are_open_to_standard_requests(interpreter: Interpreter) -> None:
    with debug("tasks.py", interpreter.path) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        fetch = frame_named(debuggee.stack("fetch-2"), "fetch")
        frame_id = fetch["frameId"]
        assert frame_named(debuggee.stack("fetch-2"), "fetch")["frameId"] == frame_id
        assert variables(debuggee, frame_id)["number"] == "2"
        evaluate = {"expression": "number * 21", "frameId": frame_id, "context": "watch"}
        assert debuggee.request("evaluate", evaluate)["result"] == "42"
        completions = debuggee.request("completions", {"frameId": frame_id, "text": "numb", "column": 5})
        assert "number" in [target["label"] for target in completions["targets"]]
        scope = debuggee.request("scopes", {"frameId": frame_id})["scopes"][0]
        change = {"variablesReference": scope["variablesReference"], "name": "number", "value": "'changed'"}
        debuggee.request("setVariable", change)
        # The task goes on with the new value.
        debuggee.run_to("done")
        main = frame_named(debuggee.stack("Task-1"), "main")
        result = debuggee.request(
            "evaluate", {"expression": "tasks[2].result()[2]", "frameId": main["frameId"], "context": "watch"}
        )
        assert result["result"] == "'changed'"
        # The frame is gone with the pause.
        with pytest.raises(RequestFailed):
            debuggee.request("evaluate", {**evaluate, "frameId": frame_id})
        assert debuggee.finish() == 0
        assert debuggee.output["stderr"] == ""


def test_failed_tasks_show_where_their_exception_came_from(interpreter: Interpreter) -> None:
    with debug("failed.py", interpreter.path) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        _, activities = debuggee.snapshot()
        by_name = {activity["name"]: activity for activity in activities if activity["kind"] == "task"}
        assert set(by_name) == {"Task-1", "fetch-0", "fetch-1", "waits", "reader"}
        for number in range(2):
            task = by_name[f"fetch-{number}"]
            assert (task["state"], task["failure"]) == ("done", f"LookupError: no item {number}")
            assert task["threadId"] == task["parentId"] == activities[0]["id"]
            assert (task["top"]["name"], task["top"]["location"]["line"]) == ("look_up", debuggee.lines["failure"])
        assert "failure" not in by_name["reader"]

        stack = debuggee.stack("fetch-1")
        assert names(stack) == ["look_up", "fetch"]
        look_up, fetch = frame_named(stack, "look_up"), frame_named(stack, "fetch")
        assert look_up["location"]["line"] == debuggee.lines["failure"]
        assert fetch["location"]["line"] == debuggee.lines["fetch"]
        assert variables(debuggee, fetch["frameId"])["number"] == "1"
        assert variables(debuggee, look_up["frameId"])["number"] == "1"
        evaluate = {"expression": "item.number + 41", "frameId": look_up["frameId"], "context": "watch"}
        assert debuggee.request("evaluate", evaluate)["result"] == "42"
        for frame in (look_up, fetch):
            scope = debuggee.request("scopes", {"frameId": frame["frameId"]})["scopes"][0]
            change = {"variablesReference": scope["variablesReference"], "name": "number", "value": "'changed'"}
            debuggee.request("setVariable", change)
            assert variables(debuggee, frame["frameId"])["number"] == "'changed'"
            assert frame_named(debuggee.stack("fetch-1"), "fetch")["frameId"] == fetch["frameId"]

        # An exception that was made elsewhere, in a frame that goes on.
        stack = debuggee.stack("waits")
        assert names(stack) == ["look_up", "reader", "waits"]
        evaluate = {**evaluate, "frameId": frame_named(stack, "reader")["frameId"], "expression": "state"}
        assert debuggee.request("evaluate", evaluate)["result"] == "'goes on'"

        debuggee.run_to("left")
        with pytest.raises(RequestFailed):
            debuggee.request("evaluate", evaluate)
        assert debuggee.finish() == 0
        # Nothing of the failed frames is kept.
        assert debuggee.output["stdout"] == "paused\nleft: 0\n"
        assert debuggee.output["stderr"] == ""


def test_snapshots_become_stale(interpreter: Interpreter) -> None:
    with debug("tasks.py", interpreter.path) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        snapshot_id, activities = debuggee.snapshot()
        ids = [activity["id"] for activity in activities]
        debuggee.run_to("done")
        for command, arguments in (
            (SNAPSHOT, {"snapshotId": snapshot_id}),
            (STACKS, {"snapshotId": snapshot_id, "activityIds": ids}),
        ):
            with pytest.raises(Failure) as caught:
                debuggee.ask(command, arguments)
            assert caught.value.code == "staleSnapshot"
        # Identifiers go on to mean the same objects, and are not given to others.
        again = {activity["name"]: activity["id"] for activity in debuggee.snapshot()[1]}
        assert again == {"MainThread": ids[0], "Task-1": ids[1]}
        assert debuggee.finish() == 0


def test_nothing_of_the_program_is_run(interpreter: Interpreter) -> None:
    with debug("hostile.py", interpreter.path) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        snapshot_id, activities = debuggee.snapshot()
        assert [activity["kind"] for activity in activities].count("thread") == 2
        tasks = [activity for activity in activities if activity["name"] == "hostile task"]
        assert len(tasks) == 4
        ids = [activity["id"] for activity in activities]
        stacks = debuggee.stacks(snapshot_id, ids)
        assert all("stack" in entry for entry in stacks), stacks
        exit_code = debuggee.finish()
        assert debuggee.output["stdout"] == "paused\nran: []\n"
        assert exit_code == 0
        assert debuggee.output["stderr"] == ""


def test_garbage_of_the_program_is_not_finalized(interpreter: Interpreter) -> None:
    if interpreter.implementation == "PyPy":
        pytest.skip("PyPy has no thresholds that would make a collection likely")
    with debug("garbage.py", interpreter.path) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        snapshot_id, activities = debuggee.snapshot()
        ids = [activity["id"] for activity in activities]
        for start in range(0, len(ids), 1000):
            assert debuggee.stacks(snapshot_id, ids[start : start + 1000])
        exit_code = debuggee.finish()
        assert debuggee.output["stdout"] == "True [] ['cycle']\n"
        assert exit_code == 0


def test_garbage_of_a_running_program_is_not_collected(interpreter: Interpreter, tmp_path: Path) -> None:
    if interpreter.implementation == "PyPy":
        pytest.skip("PyPy has no thresholds that would make a collection likely")
    with debug("garbage.py", interpreter.path, args=(str(tmp_path / "stop"),)) as debuggee:
        debuggee.session.start()
        debuggee.output.wait_for("ready")
        debuggee.bootstrap()
        snapshot_id, activities = debuggee.snapshot()
        ids = [activity["id"] for activity in activities]
        for start in range(0, len(ids), 1000):
            assert debuggee.stacks(snapshot_id, ids[start : start + 1000])
        (tmp_path / "stop").touch()
        assert debuggee.session.wait_for_end(TIMEOUT) == 0
        assert debuggee.output["stdout"] == "ready\nTrue [] ['cycle']\n"


def test_nothing_is_kept_alive(interpreter: Interpreter) -> None:
    with debug("leaks.py", interpreter.path) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        snapshot_id, activities = debuggee.snapshot()
        ids = [activity["id"] for activity in activities]
        stacks = debuggee.stacks(snapshot_id, ids)
        assert all("frameId" in frame for entry in stacks for frame in entry["stack"]["frames"])
        exit_code = debuggee.finish()
        assert debuggee.output["stdout"] == "paused\nalive: [] died: 30\n"
        assert exit_code == 0


@on_few_interpreters
def test_what_the_debugger_remembers_does_not_grow(interpreter: Interpreter) -> None:
    def value(expression: str) -> Any:
        assert debuggee.stop is not None
        frame = debuggee.request("stackTrace", {"threadId": debuggee.stop.thread_id})["stackFrames"][0]
        arguments = {"expression": expression, "frameId": frame["id"], "context": "watch"}
        return debuggee.request("evaluate", arguments)["result"]

    with debug("cycles.py", interpreter.path, args=("3", "1")) as debuggee:
        debuggee.run_to("pause")
        debuggee.bootstrap()
        numbers = [frame["frameId"] for stack in all_stacks(debuggee).values() for frame in stack["frames"]]
        known = "__import__('_pydevd_bundle._debug_adapter.pydevd_base_schema')._debug_adapter.pydevd_base_schema"
        expression = f"len({set(numbers)} & set({known}.BaseSchema._dap_id_to_obj_id))"
        assert value(expression) == str(len(set(numbers)))
        for _ in range(20):
            debuggee.snapshot()
        kept = "sum(type(item).__name__ == '_Held' for item in __import__('gc').get_objects())"
        assert value(kept) == "8"
        debuggee.run_to("pause")
        assert value(expression) == "0"
        assert value(kept) == "0"
        assert debuggee.finish() == 0
        assert debuggee.output["stderr"] == ""


def test_running_program(interpreter: Interpreter, tmp_path: Path) -> None:
    with debug("running.py", interpreter.path, args=(str(tmp_path / "stop"),)) as debuggee:
        debuggee.session.start()
        debuggee.output.wait_for("ready")
        debuggee.bootstrap()
        page = debuggee.ask(SNAPSHOT)
        assert page["paused"] is False
        by_name = {activity["name"]: activity for activity in page["activities"]}
        first, second = by_name["in the first thread"], by_name["in the second thread"]
        assert first["threadId"] == by_name["MainThread"]["id"]
        assert second["threadId"] == by_name["second"]["id"]
        assert first["loopId"] != second["loopId"]
        for entry in debuggee.stacks(page["snapshotId"], [first["id"], second["id"]]):
            assert names(entry["stack"]) == ["waiter"]
            # It may go on at any moment, so there is nothing to look into.
            assert not any("frameId" in frame for frame in entry["stack"]["frames"])
        (tmp_path / "stop").touch()
        assert debuggee.session.wait_for_end() == 0
        assert debuggee.output["stdout"] == "ready\ndone\n"
        assert debuggee.output["stderr"] == ""


@pytest.mark.parametrize("just_my_code", [False, True])
def test_pause_stops_idle_loops(interpreter: Interpreter, just_my_code: bool) -> None:
    with debug("idle.py", interpreter.path, justMyCode=just_my_code) as debuggee:
        debuggee.session.start()
        debuggee.output.wait_for("ready")
        assert debuggee.bootstrap()["capabilities"]["wakesLoops"] is True
        for _ in range(3):
            debuggee.session.pause()
            stop = debuggee.wait_for_stop()
            assert stop.reason == "pause"
            native = debuggee.request("stackTrace", {"threadId": stop.thread_id})["stackFrames"]
            assert any(frame["name"] in ("<module>", "<lambda>") for frame in native), native
            assert not [frame for frame in native if "suspend" in frame["name"]], native
            page = debuggee.ask(SNAPSHOT)
            assert page["paused"] is True
            assert [activity["kind"] for activity in page["activities"]].count("task") == 2
            debuggee.resume()
            debuggee.session.client.wait_for_event("continued")
        debuggee.request("evaluate", {"expression": "__import__('__main__').stop()"})
        assert debuggee.session.wait_for_end() == 0
        assert debuggee.output["stdout"] == "ready\ndone\n"
        assert debuggee.output["stderr"] == ""


def test_only_methods_of_asyncio_wake_a_loop() -> None:
    calls: List[object] = []

    class Overrides(asyncio.SelectorEventLoop):
        def call_soon_threadsafe(self, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
            calls.append(args)

        functools.update_wrapper(call_soon_threadsafe, asyncio.SelectorEventLoop.call_soon_threadsafe)

    class Intercepts(asyncio.SelectorEventLoop):
        def __getattribute__(self, name: str) -> Any:
            calls.append(name)
            return super().__getattribute__(name)

    with contextlib.ExitStack() as stack:
        plain, shadowed, overrides, intercepts = loops = [
            cls() for cls in (asyncio.SelectorEventLoop, asyncio.SelectorEventLoop, Overrides, Intercepts)
        ]
        for loop in loops:
            stack.callback(loop.close)
        (wake,) = _waker_of(plain)
        wake(calls.append, "woken")
        plain.call_soon(plain.stop)
        plain.run_forever()
        assert calls.pop() == "woken"
        vars(shadowed)["call_soon_threadsafe"] = calls.append
        calls.clear()
        for loop in (shadowed, overrides, intercepts):
            assert list(_waker_of(loop)) == []
        assert calls == []


@pytest.mark.parametrize("just_my_code", [False, True])
def test_pause_stops_an_idle_loop_of_trio(just_my_code: bool) -> None:
    pytest.importorskip("trio")
    with debug("idle_trio.py", justMyCode=just_my_code) as debuggee:
        debuggee.session.start()
        debuggee.output.wait_for("ready")
        debuggee.bootstrap()
        for _ in range(2):
            debuggee.session.pause()
            assert debuggee.wait_for_stop().reason == "pause"
            debuggee.resume()
            debuggee.session.client.wait_for_event("continued")
        debuggee.request("evaluate", {"expression": "__import__('__main__').stop()"})
        assert debuggee.session.wait_for_end() == 0
        assert debuggee.output["stdout"] == "ready\ndone\n"
        assert debuggee.output["stderr"] == ""


@on_few_interpreters
@pytest.mark.parametrize("mode", ["error", "always"])
def test_warnings_stay_away_from_the_program(interpreter: Interpreter, mode: str) -> None:
    """The helper says in its notes what it cannot do, and not among the program's output."""
    with debug("limited.py", interpreter.path, args=(mode,)) as debuggee:
        debuggee.run_to("paused")
        handshake = debuggee.bootstrap()
        assert handshake["contexts"] == "gc-only"
        assert any("ctypes" in note for note in handshake["notes"])
        assert len(all_stacks(debuggee)) == 3
        assert debuggee.finish() == 0
        assert debuggee.output["stdout"] == "paused\ndone\n"
        assert debuggee.output["stderr"] == ""


def test_unknown_activities_do_not_cost_the_others() -> None:
    with debug("tasks.py") as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        snapshot_id, activities = debuggee.snapshot()
        ids = [activities[0]["id"], "task-999999", activities[2]["id"]]
        stacks = debuggee.stacks(snapshot_id, ids)
        assert [entry["activityId"] for entry in stacks] == ids
        assert [sorted(entry) for entry in stacks] == [
            ["activityId", "stack"],
            ["activityId", "error"],
            ["activityId", "stack"],
        ]
        assert stacks[1]["error"]["code"] == "unknownActivity"


def test_a_file_name_that_the_debugger_cannot_deal_with() -> None:
    with debug("unreadable.py") as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        snapshot_id, activities = debuggee.snapshot()
        tasks = {a["id"]: a.get("top", {}).get("name") for a in activities if a["state"] == "created"}
        assert sorted(tasks.values(), key=str) == [None, "fine"]
        stacks = debuggee.stacks(snapshot_id, list(tasks))
        assert ["stack" in entry for entry in stacks] == [tasks[entry["activityId"]] is not None for entry in stacks]
        assert debuggee.finish() == 0


MALFORMED: List[Any] = [
    (HANDSHAKE, 5),
    (HANDSHAKE, {"client": ["x"] * 1000}),
    (SNAPSHOT, "x" * 100_000),
    (SNAPSHOT, {"snapshotId": True}),
    (SNAPSHOT, {"snapshotId": 10**300}),
    (SNAPSHOT, {"snapshotId": float("nan")}),
    (SNAPSHOT, {"snapshotId": 1.5}),
    (SNAPSHOT, {"count": -1}),
    (SNAPSHOT, {"start": 1}),
    (SNAPSHOT, {"snapshotId": 2**52}),
    (STACKS, None),
    (STACKS, {"activityIds": ["thread-1"]}),
    (STACKS, {"snapshotId": 2**52, "activityIds": ["thread-1"]}),
    (STACKS, {"snapshotId": 1, "activityIds": [["x"]]}),
    (STACKS, {"snapshotId": 1, "activityIds": {"a": {"b": [{}] * 1000}}}),
]


def test_malformed_requests_are_refused(interpreter: Interpreter) -> None:
    with debug("tasks.py", interpreter.path) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        deep: Any = []
        for _ in range(100):
            deep = [deep]
        for command, arguments in [*MALFORMED, (SNAPSHOT, {"start": deep})]:
            with pytest.raises(Failure) as caught:
                debuggee.ask(command, arguments)
            assert caught.value.code == "badRequest", (command, arguments)
            assert len(caught.value.text) < 200
        assert debuggee.stack("fetch-0")["frames"]
        assert debuggee.finish() == 0
        assert debuggee.output["stderr"] == ""


def test_bootstrap_again_and_with_another_version() -> None:
    with debug("tasks.py") as debuggee:
        debuggee.run_to("paused")
        # Without the helper, the debugger itself refuses.
        with pytest.raises(Failure) as caught:
            debuggee.ask(HANDSHAKE)
        assert caught.value.code is None
        debuggee.bootstrap()
        # The adapter drops the body of an error, but the code is in its message, too.
        with pytest.raises(RequestFailed) as refused:
            debuggee.request(SNAPSHOT, {"count": -1})
        assert refused.value.code == "badRequest"
        assert "body" not in refused.value.response or "error" not in (refused.value.response["body"] or {})
        snapshot_id, _ = debuggee.snapshot()
        assert debuggee.bootstrap()["helperKey"] == payload_key()
        # The same helper: it still knows its snapshots.
        debuggee.ask(SNAPSHOT, {"snapshotId": snapshot_id})
        other = payload_key()[::-1]
        debuggee.request("evaluate", {"expression": _with_key(other)})
        assert debuggee.ask(HANDSHAKE)["helperKey"] == other
        with pytest.raises(Failure) as caught:
            debuggee.ask(SNAPSHOT, {"snapshotId": snapshot_id})
        assert caught.value.code == "staleSnapshot"
        assert len(debuggee.snapshot()[1]) == 5
        assert debuggee.finish() == 0


def _with_key(key: str) -> str:
    """Return the payload as it would be if its sources had this key."""
    import base64
    import re
    import zlib

    def replace(match: re.Match[str]) -> str:
        program = zlib.decompress(base64.b64decode(match[1])).decode().replace(payload_key(), key)
        return f"'{base64.b64encode(zlib.compress(program.encode())).decode()}'"

    return re.sub(r"'([A-Za-z0-9+/=]{1000,})'", replace, payload_expression())
