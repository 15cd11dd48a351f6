"""The helper in the kinds of sessions that users have, each with real processes, on several interpreters."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import List, Tuple

import pytest
from debugging import DEBUGPY, PROGRAMS, TIMEOUT, Debuggee, Failure, Output, adapter_to_test, debug
from interpreters import Interpreter
from sessions import (
    DebugpyFor,
    all_stacks,
    attached,
    frame_named,
    on_all_interpreters,
    on_few_interpreters,
    on_two_interpreters,
    serving,
    visible,
)

from dap_extension.client._session.dap import Json, RequestFailed
from dap_extension.client._session.session import Program, launch
from dap_extension.payload import payload_key
from dap_extension.protocol import HANDSHAKE, SNAPSHOT

SERVICE = PROGRAMS / "service.py"
HOLDING = ["hold-0", "hold-1", "hold-2"]


def value_of(debuggee: Debuggee, frame: Json, expression: str) -> str:
    """Evaluate in a frame, as the watch view of an editor does."""
    arguments = {"expression": expression, "frameId": frame["frameId"], "context": "watch"}
    return str(debuggee.request("evaluate", arguments)["result"])


def native_frames(debuggee: Debuggee) -> List[Json]:
    """Return the frames of the thread that stopped as the debugger itself shows them."""
    assert debuggee.stop is not None
    frames: List[Json] = debuggee.request("stackTrace", {"threadId": debuggee.stop.thread_id})["stackFrames"]
    return frames


@on_few_interpreters
def test_just_my_code(interpreter: Interpreter) -> None:
    with debug("tasks.py", interpreter.path, justMyCode=True) as debuggee:
        stop = debuggee.run_to("paused")
        debuggee.bootstrap()
        stacks = all_stacks(debuggee)
        assert sorted(stacks) == ["MainThread", "Task-1", "fetch-0", "fetch-1", "fetch-2"]
        # The frames of libraries are there, as hidden ones.
        assert len(stacks["fetch-1"]["frames"]) == 3
        assert visible(stacks["fetch-1"]) == ["query", "fetch"]
        assert value_of(debuggee, frame_named(stacks["fetch-1"], "fetch"), "number") == "1"
        # Stepping works as ever.
        debuggee.request("next", {"threadId": stop.thread_id})
        assert debuggee.wait_for_stop().reason == "step"
        main = frame_named(all_stacks(debuggee)["Task-1"], "main")
        assert main["location"]["line"] == native_frames(debuggee)[0]["line"]
        assert debuggee.finish() == 0
        assert debuggee.output["stdout"] == "paused\ndone\n"
        assert debuggee.output["stderr"] == ""


@on_all_interpreters
def test_attach_detach_and_attach_again(interpreter: Interpreter, debugpy_for: DebugpyFor) -> None:
    with serving(SERVICE, interpreter.path, debugpy_for(interpreter)) as (service, port):
        identifiers = []
        for attempt in range(2):
            with attached(port, SERVICE) as debuggee:
                debuggee.break_at("serve")
                debuggee.session.start(TIMEOUT)
                service.tell("hello")
                debuggee.wait_for_stop()
                if attempt == 0:
                    with pytest.raises(Failure):
                        debuggee.ask(HANDSHAKE)
                else:
                    # It is still there, and bootstrapping it once more changes nothing.
                    assert debuggee.ask(HANDSHAKE)["helperKey"] == payload_key()
                assert debuggee.bootstrap()["processId"] == service.process.pid
                tasks = {a["name"]: a["id"] for a in debuggee.snapshot()[1] if a["name"] in HOLDING}
                assert sorted(tasks) == HOLDING
                identifiers.append(tasks)
                stack = debuggee.stack("hold-2")
                assert visible(stack) == ["hold"]
                assert value_of(debuggee, frame_named(stack, "hold"), "release.is_set()") == "False"
            # The program goes on, with nobody attached.
            assert service.heard() == f"{2 * attempt + 1}: hello"
            assert service.ask("anybody?") == f"{2 * attempt + 2}: anybody?"
        # They are the same tasks.
        assert identifiers[0] == identifiers[1]
        assert service.finish() == 0
        assert service.heard() == "done"


@on_two_interpreters
def test_remote_with_path_mappings(interpreter: Interpreter, debugpy_for: DebugpyFor, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        shutil.copy(SERVICE, folder)
    mappings = [{"localRoot": str(here), "remoteRoot": str(there)}]
    with serving(there / SERVICE.name, interpreter.path, debugpy_for(interpreter)) as (service, port):
        with attached(port, here / SERVICE.name, pathMappings=mappings) as debuggee:
            debuggee.break_at("serve")
            debuggee.session.start(TIMEOUT)
            service.tell("hello")
            debuggee.wait_for_stop()
            debuggee.bootstrap()
            # The summary names our copy, not the program's.
            page = debuggee.ask(SNAPSHOT)
            top = next(activity for activity in page["activities"] if activity["name"] == "hold-0")["top"]
            assert page["sources"][top["location"]["source"]]["path"] == str(debuggee.script)
            stacks = all_stacks(debuggee)
            hold = frame_named(stacks["hold-0"], "hold")
            assert hold["location"]["source"] == {"name": "service.py", "path": str(debuggee.script)}
            assert hold["location"]["line"] == debuggee.lines["hold"]
            # The columns are known although only the file over there is the one that runs.
            assert hold["location"].get("column") == (5 if interpreter.version >= (3, 11) else None)
            # Every frame has the source that the debugger itself says it has.
            assert [_source(frame["location"]["source"]) for frame in stacks["MainThread"]["frames"]] == [
                _source(frame["source"]) for frame in native_frames(debuggee)
            ]
            # What has no mapping is read through the debugger.
            library = frame_named(stacks["hold-0"], "wait")["location"]["source"]
            arguments = {"source": library, "sourceReference": library["sourceReference"]}
            assert "class Event" in debuggee.request("source", arguments)["content"]
        assert service.heard() == "1: hello"
        assert service.finish() == 0


def _source(source: Json) -> Tuple[str, int]:
    return source["path"], source.get("sourceReference", 0)


@on_two_interpreters
def test_in_a_terminal(interpreter: Interpreter, tmp_path: Path) -> None:
    script, output = PROGRAMS / "tasks.py", Output()
    with (tmp_path / "terminal").open("w", encoding="utf-8") as terminal:
        program = Program(script=str(script), python=interpreter.path, stdout=terminal, stderr=terminal)
        adapter = adapter_to_test(DEBUGPY)
        # This client answers runInTerminal by starting the program on the streams of `program`.
        with launch(program, on_event=output.take, adapter=adapter, console="integratedTerminal") as session:
            debuggee = Debuggee(session, script, output)
            debuggee.run_to("paused")
            assert (tmp_path / "terminal").read_text(encoding="utf-8") == ""
            assert debuggee.bootstrap()["processId"] == session.process_id
            assert visible(debuggee.stack("fetch-0")) == ["query", "fetch"]
            assert debuggee.finish() == 0
    assert (tmp_path / "terminal").read_text(encoding="utf-8") == "paused\ndone\n"
    assert output["stdout"] == output["stderr"] == ""


@on_two_interpreters
@pytest.mark.parametrize("where", ["second", "MainThread"])
@pytest.mark.parametrize("just_my_code", [False, True], ids=["all code", "my code"])
def test_loops_in_several_threads(interpreter: Interpreter, where: str, just_my_code: bool) -> None:
    """The breakpoint is in one of the loops, or in a thread that has none."""
    with debug("loops.py", interpreter.path, args=(where,), justMyCode=just_my_code) as debuggee:
        stop = debuggee.run_to("paused")
        debuggee.bootstrap()
        activities = debuggee.snapshot()[1]
        threads = {activity["name"]: activity for activity in activities if activity["kind"] == "thread"}
        tasks = {activity["name"]: activity for activity in activities if activity["kind"] == "task"}
        assert sorted(threads) == ["MainThread", "first", "second", "third"]
        assert threads[where]["dapThreadId"] == stop.thread_id
        # Idle or not, a thread is in no frame of the debugger's, such as that which it started the thread in.
        tops = {name: thread.get("top", {}).get("name") for name, thread in threads.items()}
        assert tops == {"MainThread": "<module>", "first": None, "second": None, "third": None, where: "pause"}
        stacks = all_stacks(debuggee)
        for name, stack in stacks.items():
            files = [frame["location"]["source"]["path"] for frame in stack["frames"] if not frame.get("hidden")]
            assert not [path for path in files if "debugpy" in path or "pydev" in path or "runpy" in path], name
        assert visible(stacks[where])[0] == "pause"
        loops = set()
        for thread in ("first", "second", "third"):
            for number in range(2):
                name = f"{thread}-{number}"
                assert tasks[name]["threadId"] == threads[thread]["id"]
                assert visible(stacks[name]) == ["hold"]
                hold = frame_named(stacks[name], "hold")
                if thread == where or not just_my_code:
                    assert value_of(debuggee, hold, "release.is_set()") == "False"
                else:
                    # The loop could go on in library code, and resume it.
                    assert "frameId" not in hold
                loops.add((thread, tasks[name]["loopId"]))
        assert len(loops) == 3
        assert debuggee.finish() == 0
        assert debuggee.output["stdout"] == f"paused in {where}\ndone\n"
        assert debuggee.output["stderr"] == ""


@on_two_interpreters
@pytest.mark.parametrize("where", ["thread", "task", "program"])
def test_stop_at_an_exception(interpreter: Interpreter, where: str) -> None:
    # An exception in a task is never uncaught for the debugger: the task keeps it.
    filters = ["userUnhandled" if where == "task" else "uncaught"]
    with debug("uncaught.py", interpreter.path, args=(where,), justMyCode=where == "task") as debuggee:
        debuggee.request("setExceptionBreakpoints", {"filters": filters})
        debuggee.session.start(TIMEOUT)
        assert debuggee.wait_for_stop().reason == "exception"
        debuggee.bootstrap()
        stacks = all_stacks(debuggee)
        assert visible(stacks["hold"]) == ["hold"]
        assert frame_named(stacks["hold"], "hold")["location"]["line"] == debuggee.lines["hold"]
        # The stack of the exception, also where it has unwound the thread's.
        failed = stacks["failing" if where == "thread" else "MainThread"]
        assert visible(failed)[0] == "fail"
        frame = frame_named(failed, "fail")
        assert frame["location"]["line"] == debuggee.lines["fail"]
        assert frame["frameId"] == native_frames(debuggee)[0]["id"]
        assert value_of(debuggee, frame, "where") == repr(where)
        assert debuggee.finish() == (1 if where == "program" else 0)


@on_few_interpreters
@pytest.mark.parametrize("early", [True, False], ids=["early", "late"])
def test_interpreter_that_shuts_down(interpreter: Interpreter, early: bool) -> None:
    """The helper comes while the main thread ends, or so late that nothing can be registered for the end any more."""
    with debug("shutdown.py", interpreter.path) as debuggee:
        if early:
            debuggee.run_to("start")
            debuggee.bootstrap()
        debuggee.run_to("ended")
        refusal = None
        try:
            debuggee.bootstrap()
        except RequestFailed as error:
            refusal = error.text
        if refusal is None:
            stacks = all_stacks(debuggee)
            assert visible(stacks["hold"]) == ["hold"]
            assert visible(stacks["last"])[0] == "main"
            assert value_of(debuggee, frame_named(stacks["hold"], "hold"), "release.is_set()") == "False"
        else:
            # In some releases of 3.12 no thread can be started by now, and debugpy needs one for its first evaluation.
            assert "can't create new thread at interpreter shutdown" in refusal
            assert not early
            assert interpreter.version[:2] == (3, 12)
        assert debuggee.finish() == 0
        assert debuggee.output["stdout"] == "the main thread has ended\n"
        assert debuggee.output["stderr"] == ""
