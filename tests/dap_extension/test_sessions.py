"""The helper in every kind of session: remote paths, re-attaching, subprocesses, servers, threads, crashes."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest
from debugging import PROGRAMS, TIMEOUT, Debuggee, Failure, Output, debug

from dap_extension.client._session.dap import DapError, Json, RequestFailed
from dap_extension.client._session.session import attach
from dap_extension.payload import payload_key
from dap_extension.protocol import HANDSHAKE, SNAPSHOT


def names(activities: List[Json]) -> List[str]:
    return [activity["name"] for activity in activities]


@pytest.mark.parametrize("framework", ["aiohttp", "anyio"])
def test_server(framework: str) -> None:
    pytest.importorskip("aiohttp" if framework == "aiohttp" else "httpx")
    with debug("server.py", args=(framework,)) as debuggee:
        debuggee.run_to(framework)
        debuggee.bootstrap()
        snapshot_id, activities = debuggee.snapshot()
        ids = [activity["id"] for activity in activities]
        stacks = debuggee.stacks(snapshot_id, ids)
        assert all("stack" in entry and "error" not in entry["stack"] for entry in stacks), stacks
        if framework == "aiohttp":
            stack = debuggee.stack("client")
            fetch = next(frame for frame in stack["frames"] if frame["name"].endswith("fetch"))
            assert fetch["location"]["line"] == debuggee.lines["fetch_aiohttp"] - 1
        assert debuggee.finish() == 0
        assert debuggee.output["stdout"] == "paused\nhello world\n"
        assert debuggee.output["stderr"] == ""


def test_path_mappings() -> None:
    client_root = "/client/side" if os.name != "nt" else "C:\\client\\side"
    mappings = [{"localRoot": client_root, "remoteRoot": str(PROGRAMS)}]
    with debug("tasks.py", pathMappings=mappings) as debuggee:
        debuggee.script = Path(client_root) / "tasks.py"
        debuggee.run_to("paused")
        debuggee.bootstrap()
        stack = debuggee.stack("fetch-0")
        source = next(frame for frame in stack["frames"] if frame["name"] == "query")["location"]["source"]
        assert source == {"name": "tasks.py", "path": str(debuggee.script)}
        assert debuggee.finish() == 0


def test_just_my_code() -> None:
    with debug("tasks.py", justMyCode=True) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        # The user asked not to step into libraries; the frames in between are still there, as hidden ones.
        assert [frame.get("hidden", False) for frame in debuggee.stack("fetch-0")["frames"]] == [True, False, False]
        assert debuggee.finish() == 0


@pytest.mark.parametrize("method", ["spawn", "fork"])
@pytest.mark.parametrize("helper_in_parent", [True, False], ids=["inherited", "fresh"])
def test_subprocess(method: str, helper_in_parent: bool) -> None:
    if method == "fork" and not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")
    with contextlib.ExitStack() as sessions:
        parent = sessions.enter_context(debug("children.py", args=(method,), subProcess=True))
        parent.run_to("parent")
        if helper_in_parent:
            parent.bootstrap()
            assert names(parent.snapshot()[1]) == ["MainThread", "Task-1", "task of the parent"]
        parent.break_at()
        parent.resume()
        # On POSIX systems, multiprocessing starts a resource tracker, too, which is debugged like any other process and
        # connects before or after the child. It is the child that stops.
        children: List[Debuggee] = []
        stopped: queue.Queue[int] = queue.Queue()
        for index in range(2 if method == "spawn" and os.name == "posix" else 1):
            event = parent.session.client.wait_for_event("debugpyAttach", timeout=TIMEOUT)
            configuration = event["body"]
            output = Output()

            def on_event(event: Json, output: Output = output, index: int = index) -> bool:
                if event["event"] == "stopped":
                    stopped.put(index)
                return output.take(event)

            session = attach(
                configuration["connect"]["host"],
                configuration["connect"]["port"],
                on_event=on_event,
                timeout=TIMEOUT,
                subProcessId=configuration["subProcessId"],
            )
            sessions.enter_context(session)
            children.append(Debuggee(session, parent.script, output))
            children[-1].break_at("child")
            session.start(TIMEOUT)
        child = children[stopped.get(timeout=TIMEOUT)]
        child.wait_for_stop()
        handshake = child.bootstrap()
        assert handshake["processId"] == child.session.process_id
        activities = child.snapshot()[1]
        assert [activity["kind"] for activity in activities].count("thread") == 1
        tasks = [activity for activity in activities if activity["kind"] == "task"]
        assert sorted(names(tasks))[-1] == "task of the child"
        assert len(tasks) == 2
        assert child.stack("task of the child")["frames"][-1]["name"] == "wait"
        child.break_at()
        child.resume()
        child.session.wait_for_end(TIMEOUT)
        assert parent.session.wait_for_end(TIMEOUT) == 0
        assert parent.output["stdout"].endswith("joined 0 True\n")
        assert parent.output["stderr"] == ""


def test_attach_and_reattach(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    stop = tmp_path / "stop"
    script = PROGRAMS / "running.py"
    command = [sys.executable, "-m", "debugpy", "--listen", f"127.0.0.1:{port}", "--wait-for-client", str(script)]
    environment = {**os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    with subprocess.Popen([*command, str(stop)], env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            identifiers = []
            for attempt in range(2):
                output = Output()
                with _attach_when_ready(port, output) as session:
                    debuggee = Debuggee(session, script, output)
                    debuggee.run_to("poll")
                    if attempt == 0:
                        with pytest.raises(Failure):
                            debuggee.ask(HANDSHAKE)
                        debuggee.bootstrap()
                    # The helper is still there.
                    assert debuggee.ask(HANDSHAKE)["helperKey"] == payload_key()
                    by_name = {activity["name"]: activity["id"] for activity in debuggee.snapshot()[1]}
                    identifiers.append(by_name["in the second thread"])
                    assert debuggee.stack("in the second thread")["frames"]
            assert identifiers[0] == identifiers[1]
            stop.touch()
            assert process.communicate(timeout=TIMEOUT)[0] == "ready\ndone\n"
            assert process.returncode == 0
        finally:
            process.kill()


def _attach_when_ready(port: int, output: Output):  # type: ignore[no-untyped-def]
    """Attach as soon as the adapter listens: there is no event before that could be waited for."""
    for _ in range(200):
        try:
            return attach("127.0.0.1", port, on_event=output.take, timeout=TIMEOUT)
        except OSError:
            with socket.socket() as pause:
                pause.settimeout(0.1)
                pause.bind(("127.0.0.1", 0))
                pause.listen()
                try:
                    pause.accept()
                except socket.timeout:
                    continue
    raise AssertionError("nothing listens")


def test_process_that_dies_during_a_request() -> None:
    with debug("tasks.py") as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        pending = debuggee.session.client.send(
            "evaluate", {"expression": "__import__('os')._exit(3)", "context": "repl"}
        )
        # Requests are refused at once; none is left without an answer.
        with pytest.raises(Failure) as caught:  # noqa: PT012
            for _ in range(1000):
                debuggee.ask(SNAPSHOT)
        assert caught.value.code is None
        assert "disconnected" in caught.value.text
        with pytest.raises((RequestFailed, DapError)):
            pending.wait(TIMEOUT)


def test_stop_at_an_uncaught_exception() -> None:
    with debug("failing.py") as debuggee:
        debuggee.request("setExceptionBreakpoints", {"filters": ["uncaught"]})
        debuggee.session.start()
        assert debuggee.wait_for_stop().reason == "exception"
        debuggee.bootstrap()
        page = debuggee.ask(SNAPSHOT)
        assert page["paused"] is True
        assert page["activities"][0]["name"] == "MainThread"
        stack = debuggee.stack("MainThread")
        assert next(frame["name"] for frame in stack["frames"] if not frame.get("hidden")).endswith("fail")
        debuggee.resume()
        assert debuggee.session.wait_for_end(TIMEOUT) == 1


def test_breakpoint_in_a_thread_without_a_loop(tmp_path: Path) -> None:
    with debug("executor.py") as debuggee:
        stop = debuggee.run_to("executor")
        debuggee.bootstrap()
        page = debuggee.ask(SNAPSHOT)
        by_name = {activity["name"]: activity for activity in page["activities"]}
        stopped = [activity for activity in page["activities"] if activity.get("dapThreadId") == stop.thread_id]
        assert names(stopped) == ["pool_0"]
        assert "Task-1" in by_name
        assert debuggee.stack("Task-1")["frames"]
        assert debuggee.finish() == 0
        assert debuggee.output["stdout"] == "executor\ndone\n"
