"""A session for each process of a program: every one shows its own tasks only, however the process was started."""

from __future__ import annotations

import os
from typing import List

import pytest
from debugging import TIMEOUT, Debuggee, debug
from interpreters import Interpreter
from sessions import all_stacks, child_session, frame_named, on_two_interpreters, reported_child, visible

from dap_extension.client._session.dap import Json
from dap_extension.protocol import SNAPSHOT

posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


def own(activities: List[Json], kind: str) -> List[str]:
    """Return the names of the activities of a kind that have names of their own, sorted."""
    found = [activity["name"] for activity in activities if activity["kind"] == kind]
    return sorted(name for name in found if not name.startswith("Task-"))


def tasks_of(process: str) -> List[str]:
    return [f"{process}-0", f"{process}-1", f"{process}-elsewhere"]


def check_parent(parent: Debuggee) -> None:
    """The parent runs while its child is paused, and is asked without pausing it."""
    page = parent.ask(SNAPSHOT)
    assert page["paused"] is False
    assert own(page["activities"], "task") == tasks_of("parent")
    assert own(page["activities"], "thread") == ["MainThread", "thread of parent"]


def check_child(child: Debuggee, parent: Debuggee, inherited: List[str]) -> None:
    """The child, which is paused, has no activities of its parent but those named *inherited*."""
    assert child.bootstrap()["processId"] == child.session.process_id != parent.session.process_id
    activities = child.snapshot()[1]
    assert own(activities, "task") == sorted([*tasks_of("child"), *inherited])
    assert own(activities, "thread") == ["MainThread", "thread of child"]
    stacks = all_stacks(child)
    for name in tasks_of("child"):
        assert visible(stacks[name]) == ["hold"]
    frame_id = frame_named(stacks["child-0"], "hold")["frameId"]
    evaluate = {"expression": "release.is_set()", "frameId": frame_id, "context": "watch"}
    assert child.request("evaluate", evaluate)["result"] == "False"


@on_two_interpreters
@pytest.mark.parametrize("method", ["popen", pytest.param("fork", marks=posix)])
def test_each_process_shows_its_own_tasks(interpreter: Interpreter, method: str) -> None:
    run(interpreter, method, [])


@on_two_interpreters
def test_spawned_process(interpreter: Interpreter) -> None:
    run(interpreter, "spawn", [])


@posix
@on_two_interpreters
def test_fork_inside_of_a_loop(interpreter: Interpreter) -> None:
    # The child of a plain fork can return into the loop that it was forked in, whose tasks then go on in it, too; it
    # cannot return into the loops of the threads that it does not have.
    run(interpreter, "os.fork", ["parent-0", "parent-1"])


def run(interpreter: Interpreter, method: str, inherited: List[str]) -> None:
    with debug("processes.py", interpreter.path, args=(method,), subProcess=True) as parent:
        parent.run_to("parent")
        # A forked child inherits the helper.
        parent.bootstrap()
        assert own(parent.snapshot()[1], "task") == tasks_of("parent")
        parent.break_at()
        parent.resume()
        if method == "spawn" and os.name == "posix":
            # multiprocessing starts its resource tracker first, which is debugged like any other process. Either may be
            # the first to be reported.
            processes = sorted(
                (reported_child(parent), reported_child(parent)), key=lambda found: found["subProcessId"]
            )
            with child_session(parent, processes[0]) as tracker:
                tracker.session.start(TIMEOUT)
                finish_child(parent, processes[1], inherited)
        else:
            finish_child(parent, reported_child(parent), inherited)
        assert parent.session.wait_for_end(TIMEOUT) == 0
        assert parent.output["stdout"].endswith("joined 0\n")


def finish_child(parent: Debuggee, reported: Json, inherited: List[str]) -> None:
    with child_session(parent, reported) as child:
        child.run_to("child")
        check_child(child, parent, inherited)
        check_parent(parent)
        child.break_at()
        child.resume()
        child.session.wait_for_end(TIMEOUT)
