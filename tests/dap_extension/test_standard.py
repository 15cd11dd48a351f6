"""The helper calls nothing that the program has put into, or in front of, the standard library."""

from __future__ import annotations

import pytest
from debugging import debug
from interpreters import Interpreter
from sessions import all_stacks, on_few_interpreters


@on_few_interpreters
@pytest.mark.parametrize("loaded_at", ["ready", "paused"])
def test_functions_that_are_replaced_are_not_called(interpreter: Interpreter, loaded_at: str) -> None:
    """Neither those that are replaced when the helper loads, nor those that are replaced later."""
    with debug("replaced.py", interpreter.path) as debuggee:
        if loaded_at == "ready":
            debuggee.run_to("ready")
            debuggee.bootstrap()
            debuggee.run_to("paused")
        else:
            debuggee.run_to("paused")
            debuggee.bootstrap()
        stacks = all_stacks(debuggee)
        # The lines are read from the file, and not from what `open` gives the program.
        frame = stacks["MainThread"]["frames"][0]
        assert frame["location"]["line"] == debuggee.lines["paused"]
        assert debuggee.finish() == 0
        assert debuggee.output["stderr"] == ""
        assert debuggee.output["stdout"] == "1.0 2.0 hello []\n"


@on_few_interpreters
def test_modules_and_import_hooks_of_the_program_do_not_run(interpreter: Interpreter) -> None:
    with debug("shadowing/main.py", interpreter.path) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        assert "MainThread" in all_stacks(debuggee)
        assert debuggee.finish() == 0
        assert debuggee.output["stderr"] == ""
        assert debuggee.output["stdout"] == "[] set() the program's own\n"
