"""What the threads of a running program are building stays whole while the program is looked at."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from debugging import TIMEOUT, debug
from interpreters import Interpreter
from sessions import all_stacks, install_gevent, on_few_interpreters

from dap_extension.protocol import SNAPSHOT

SECONDS = float(os.environ.get("ASYNCTB_TEST_STRESS_SECONDS", "3"))


@on_few_interpreters
def test_objects_under_construction(interpreter: Interpreter, request: pytest.FixtureRequest) -> None:
    assert request.config.cache is not None
    packages = install_gevent(request.config.cache.mkdir("gevent"), interpreter)
    environment = {"PYTHONPATH": os.pathsep.join([packages, str(Path(__file__).parent.parent)])}
    with debug("building.py", interpreter.path, env=environment) as debuggee:
        debuggee.session.start(TIMEOUT)
        debuggee.output.wait_for("building")
        debuggee.bootstrap()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            page = debuggee.ask(SNAPSHOT)
            assert {"build_tuples", "import_packages"} <= {activity["name"] for activity in page["activities"]}
            all_stacks(debuggee)
        debuggee.request("evaluate", {"expression": "__import__('sys').modules['__main__'].ENOUGH.set()"})
        assert debuggee.session.wait_for_end(TIMEOUT) == 0
        assert debuggee.output["stdout"] == "building\nTrue []\n"
