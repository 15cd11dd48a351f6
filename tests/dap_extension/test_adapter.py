"""`asynctb adapter` as editors use it: on standard streams and on a port, beside what debugpy does itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Iterator, List

import pytest
from commands import COMMAND, asynctb, environment, read_until, started
from debugging import DEBUGPY, PROGRAMS, TIMEOUT, Debuggee, debug, marked_lines
from interpreters import Interpreter
from language_client import serving
from lsprotocol import types
from sessions import on_few_interpreters

from dap_extension.client._session.dap import DapClient, DapError, Json, RequestFailed
from dap_extension.client._session.session import adapter_command
from dap_extension.snapshot_files import shared

ADAPTER = [*COMMAND, "adapter"]


def ask_console(debuggee: Debuggee, text: str) -> str:
    result: str = debuggee.request("evaluate", {"expression": text, "context": "repl"})["result"]
    return result


def names_of_threads(debuggee: Debuggee) -> List[str]:
    return [thread["name"] for thread in debuggee.request("threads")["threads"]]


@on_few_interpreters
def test_a_stop_in_a_deadlock(interpreter: Interpreter) -> None:
    """All that an editor has to know are the standard requests."""
    with debug("two_locks.py", interpreter.path, adapter=ADAPTER) as debuggee:
        stop = debuggee.run_to("paused")
        # In the first answer already: an editor does not ask again.
        names = names_of_threads(debuggee)
        assert [name for name in names if "transfer" in name] == [
            "transfer-1 — suspended: lock",
            "transfer-2 — suspended: lock",
        ]
        frame = debuggee.session.top_frame(stop)
        assert frame is not None
        assert frame["line"] == debuggee.lines["paused"]
        debuggee.output.wait_for("Deadlock: task transfer-", "console")
        finding = debuggee.output["console"].strip()
        assert ask_console(debuggee, " asynctb  why ") == finding
        tree = ask_console(debuggee, "asynctb")
        assert re.match(rf"Paused \(breakpoint\) in main .*two_locks\.py:{debuggee.lines['paused']}", tree)
        assert "Task transfer-1  suspended, waits for lock, held by transfer-2" in tree
        assert debuggee.finish() == 0
        assert debuggee.output["stdout"] == "done\n"


def test_what_is_evaluated_otherwise_is_the_programs() -> None:
    with debug("two_locks.py", adapter=ADAPTER) as debuggee:
        stop = debuggee.run_to("paused")
        frame = debuggee.session.top_frame(stop)
        assert frame is not None
        for context in ("watch", "hover"):
            with pytest.raises(RequestFailed, match="asynctb"):
                debuggee.request("evaluate", {"expression": "asynctb", "frameId": frame["id"], "context": context})
        answer = debuggee.request("evaluate", {"expression": "'asynctb' + ' why'", "frameId": frame["id"]})
        assert answer["result"] == "'asynctb why'"
        debuggee.finish()


def test_nothing_is_found_and_nothing_is_said() -> None:
    with debug("tasks.py", adapter=ADAPTER) as debuggee:
        debuggee.run_to("paused")
        assert ask_console(debuggee, "asynctb why") == "Nothing is known to be stuck."
        assert debuggee.output["console"] == ""
        debuggee.finish()


def test_a_program_that_runs_is_looked_at() -> None:
    with debug("endless.py", adapter=ADAPTER) as debuggee:
        debuggee.session.start(TIMEOUT)
        debuggee.wait_for_stop()
        debuggee.resume()
        debuggee.output.wait_for("going on")
        assert ask_console(debuggee, "asynctb").startswith("Running, looked at without a pause\n")


def test_without_tasks_among_the_threads() -> None:
    with debug("two_locks.py", adapter=[*ADAPTER, "--tasks", "0"]) as debuggee:
        debuggee.run_to("paused")
        assert names_of_threads(debuggee) == ["MainThread"]
        debuggee.finish()


def test_a_program_that_does_not_let_the_helper_in() -> None:
    """Then it is a session of debugpy, and it is said why nothing is added."""
    with debug("two_locks.py", args=("without zlib",), adapter=ADAPTER) as debuggee:
        stop = debuggee.run_to("paused")
        assert names_of_threads(debuggee) == ["MainThread"]
        assert debuggee.session.top_frame(stop) is not None
        debuggee.output.wait_for("asynctb: the helper could not be loaded into the program", "console")
        with pytest.raises(RequestFailed, match="the helper could not be loaded"):
            ask_console(debuggee, "asynctb")
        assert debuggee.finish() == 0


def test_all_other_messages_are_those_of_debugpy(tmp_path: Path) -> None:
    log = tmp_path / "messages"
    with debug("two_locks.py", adapter=[*ADAPTER, "--log", str(log)]) as debuggee:
        debuggee.run_to("paused")
        debuggee.finish()
    lines = [line.split(" ", 2) for line in log.read_text("utf-8").splitlines()]
    assert {mark for _, mark, _ in lines} == {"->", "<-", "->+", "<-+"}
    ours = [json.loads(data) for _, mark, data in lines if mark == "->+"]
    loading = ["asynctbHandshake", "evaluate", "asynctbHandshake", "asynctbConfigure"]
    assert [message["command"] for message in ours[:4]] == loading
    # What debugpy and the editor have numbered is complete.
    for mark in ("->", "<-"):
        numbers = [json.loads(data)["seq"] for _, each, data in lines if each == mark]
        assert numbers == sorted(numbers)
    requests = {json.loads(data)["seq"] for _, mark, data in lines if mark == "->"}
    answers = {json.loads(data).get("request_seq") for _, mark, data in lines if mark == "<-"} - {None}
    assert answers == requests


@contextlib.contextmanager
def listening(*options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    with started(*ADAPTER, "--port", "0", *options) as process:
        said = read_until(process.stderr, "listening on")
        yield process, int(said.rpartition(":")[2])


def session_on(client: DapClient, script: Path) -> Json:
    """Run a program to its breakpoint and return the answer to ``threads``."""
    client.request("initialize", {"adapterID": "debugpy", "clientID": "tests"})
    arguments = {"program": str(script), "python": [sys.executable], "console": "internalConsole"}
    begun = client.send("launch", arguments)
    client.wait_for_event("initialized", timeout=TIMEOUT, unless=begun)
    line = marked_lines(script)["paused"]
    client.request("setBreakpoints", {"source": {"path": str(script)}, "breakpoints": [{"line": line}]})
    client.request("configurationDone")
    client.wait_for_event("stopped", timeout=TIMEOUT)
    return client.request("threads")


def test_several_sessions_on_a_port() -> None:
    with listening() as (process, port):
        clients = [DapClient.connect("127.0.0.1", port) for _ in range(2)]
        for client in clients:
            names = [thread["name"] for thread in session_on(client, PROGRAMS / "two_locks.py")["threads"]]
            assert len(names) == 3, names
        for client in clients:
            client.request("disconnect", {"terminateDebuggee": True})
            client.close()
        assert process.wait(TIMEOUT) == 0


def test_an_editor_that_goes_away_ends_program_and_adapter() -> None:
    with listening() as (process, port):
        client = DapClient.connect("127.0.0.1", port)
        session_on(client, PROGRAMS / "two_locks.py")
        client.close()
        assert process.wait(TIMEOUT) == 0


def test_an_adapter_that_dies_ends_the_session(tmp_path: Path) -> None:
    folder = tmp_path / "debugpy"
    (folder / "adapter").mkdir(parents=True)
    (folder / "adapter" / "__main__.py").write_text("raise SystemExit(7)\n")
    process = subprocess.run(
        [*ADAPTER, "--debugpy", str(folder)], stdin=subprocess.PIPE, capture_output=True, env=environment(), check=False
    )
    assert process.returncode == 7
    assert process.stdout == b""


def test_what_is_no_message_ends_the_session() -> None:
    process = subprocess.run(
        ADAPTER, input=b"GET / HTTP/1.1\r\n\r\n", capture_output=True, env=environment(), timeout=TIMEOUT, check=False
    )
    assert process.stderr == b""


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = asynctb("adapter", "--port", port)
    assert done.returncode == 3
    assert f"asynctb: cannot listen on 127.0.0.1:{port}: Address already in use" in done.stderr


def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    done = asynctb("adapter", "--log", tmp_path / "missing" / "log")
    assert done.returncode == 3
    assert "cannot write to" in done.stderr
    assert "No such file" in done.stderr


def test_options_of_debugpys_adapter(tmp_path: Path) -> None:
    with debug("two_locks.py", adapter=[*ADAPTER, "--log-dir", str(tmp_path)]) as debuggee:
        debuggee.run_to("paused")
        debuggee.finish()
    assert list(tmp_path.glob("debugpy.adapter-*.log"))


def test_same_answers_as_from_debugpy() -> None:
    """The requests of a whole session, beside the same session without us."""

    def answers(adapter: List[str]) -> List[Json]:
        found: List[Json] = []
        with debug("tasks.py", adapter=adapter) as debuggee:
            found.append(debuggee.session.capabilities)
            stop = debuggee.run_to("paused")
            frame = debuggee.session.top_frame(stop)
            assert frame is not None
            found.append({key: frame[key] for key in ("name", "line", "column")})
            for command, arguments in (
                ("scopes", {"frameId": frame["id"]}),
                ("evaluate", {"expression": "1 + 1", "frameId": frame["id"], "context": "repl"}),
                ("completions", {"text": "le", "column": 3, "frameId": frame["id"]}),
                ("modules", {}),
                ("evaluate", {"expression": "nothing", "frameId": frame["id"], "context": "repl"}),
            ):
                try:
                    found.append(debuggee.request(command, arguments))
                except DapError as error:
                    found.append({"error": str(error)})
            debuggee.finish()
        return [{key: value for key, value in each.items() if key != "scopes"} for each in found]

    assert answers([*ADAPTER, "--tasks", "0"]) == answers(adapter_command(DEBUGPY))


def test_a_language_server_is_fed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor that has both needs nothing else: hints come with the stop, and go when the program goes on."""
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    # What a server that was killed has left behind.
    left = runtime / "asynctb" / f"paused-{_ended_process()}-0.json"
    left.parent.mkdir(mode=0o700)
    left.write_text("{}")

    async def test() -> None:
        async with serving() as editor:
            uri = editor.open(PROGRAMS / "two_locks.py")
            with debug("two_locks.py", adapter=ADAPTER) as debuggee:
                await asyncio.to_thread(debuggee.run_to, "paused")
                await editor.wait_for(lambda: editor.diagnostics.get(uri))
                assert {each.severity for each in editor.diagnostics[uri]} == {types.DiagnosticSeverity.Warning}
                hints = await editor.hints(uri)
                assert hints[debuggee.lines["wants"]] == "⏸ transfer-1, transfer-2 wait for lock, 2 deadlocked"
                (published,) = (runtime / "asynctb").glob("paused-*")
                assert published.stat().st_mode & 0o077 == 0
                await asyncio.to_thread(debuggee.finish)
                await editor.wait_for(lambda: editor.diagnostics.get(uri) == [])

    asyncio.run(test())
    assert list(runtime.iterdir()) == []


def test_a_folder_that_others_can_write_to_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = tmp_path / "asynctb"
    folder.mkdir()
    folder.chmod(0o777)
    (folder / f"server-{os.getpid()}").touch()
    assert not shared.has_server()
    folder.chmod(0o700)
    assert shared.has_server()


def _ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid
