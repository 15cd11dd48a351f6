"""Many stops with snapshots: the program stays as large as it was, and keeps nothing.

``ASYNCTB_TEST_SOAK_CYCLES`` says how many (default 50).
"""

from __future__ import annotations

import json
import os

from debugging import TIMEOUT, debug
from interpreters import Interpreter
from sessions import all_stacks, on_few_interpreters

CYCLES = int(os.environ.get("ASYNCTB_TEST_SOAK_CYCLES", "50"))
WARM_UP = 15
#: The helper remembers the identifiers of up to so many dead objects: a tuple and a weak reference each.
REMEMBERED = 1024
#: How much may be otherwise: what a debugger is doing just then, what it knows of each function that runs.
TOLERANCE = 20


@on_few_interpreters
def test_soak(interpreter: Interpreter) -> None:
    with debug("cycles.py", interpreter.path, args=(str(WARM_UP + CYCLES), str(WARM_UP))) as debuggee:
        debuggee.break_at("pause")
        debuggee.session.start(TIMEOUT)
        for number in range(WARM_UP + CYCLES):
            debuggee.wait_for_stop()
            if not number:
                debuggee.bootstrap()
            stacks = all_stacks(debuggee)
            assert len(stacks) == 7
            # The frames are opened, too.
            frame_id = stacks["MainThread"]["frames"][0]["frameId"]
            scope = debuggee.request("scopes", {"frameId": frame_id})["scopes"][0]
            debuggee.request("variables", {"variablesReference": scope["variablesReference"]})
            debuggee.resume()
        assert debuggee.session.wait_for_end(TIMEOUT) == 0
        report = json.loads(debuggee.output["stdout"])
        assert report["alive"] == 0
        growth = report["growth"]
        # pydevd itself keeps a weak reference for each stop (to a lock of _FramesTracker, in _fork_safe_locks).
        references = growth.pop("weakref.ReferenceType", 0) + growth.pop("builtins.weakref", 0)
        assert references <= CYCLES + REMEMBERED + TOLERANCE, report
        assert growth.pop("builtins.tuple", 0) <= REMEMBERED + TOLERANCE, report
        assert not growth or max(growth.values()) <= TOLERANCE, report
        # Those remembered take four blocks each; pydevd takes about six for each stop.
        assert report["blocks"] < 4 * REMEMBERED + 10 * CYCLES, report
        assert report["memory"] < 2048, report
