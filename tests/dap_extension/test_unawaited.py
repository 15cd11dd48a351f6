"""Coroutines that nobody awaits, in a paused program."""

from __future__ import annotations

from debugging import debug
from interpreters import Interpreter
from sessions import on_few_interpreters


@on_few_interpreters
def test_a_coroutine_that_nobody_awaits_is_listed(interpreter: Interpreter) -> None:
    with debug("unawaited.py", interpreter.path) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        snapshot_id, activities = debuggee.snapshot()
        assert sorted(each["kind"] for each in activities) == ["coroutine", "task", "task", "thread"]
        (found,) = [each for each in activities if each["kind"] == "coroutine"]
        assert (found["name"], found["state"], found.get("parentId")) == ("announce", "created", None)
        (entry,) = debuggee.stacks(snapshot_id, [found["id"]])
        (frame,) = entry["stack"]["frames"]
        assert frame["location"]["line"] == debuggee.lines["announce"]
        assert debuggee.finish() == 0
        assert debuggee.output["stdout"] == "paused\ndone\n"
