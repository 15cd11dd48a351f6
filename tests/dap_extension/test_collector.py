"""The garbage collector of a process that is asked, on every interpreter of this machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from interpreters import Interpreter, find_interpreters

ROOT = Path(__file__).parent.parent.parent
#: A thread forks while another one answers a request: the child has to have its collector, and so has the parent then.
PROGRAM = """
import gc, os, threading
from dap_extension.debuggee._collector import without_collections

answering, go_on = threading.Event(), threading.Event()
seen = []

def work():
    seen.append(gc.isenabled())
    answering.set()
    go_on.wait()

thread = threading.Thread(target=without_collections, args=(work,))
thread.start()
answering.wait()
child = os.fork()
if child == 0:
    os._exit(0 if gc.isenabled() else 1)
_, status = os.waitpid(child, 0)
go_on.set()
thread.join()
print(seen, status, gc.isenabled())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("interpreter", find_interpreters(), ids=lambda interpreter: str(interpreter.name))
def test_a_child_forked_during_a_request_has_its_collector(interpreter: Interpreter) -> None:
    # From 3.12 on, CPython warns of a fork beside threads, which is what this is about.
    command = [interpreter.path, "-W", "ignore::DeprecationWarning", "-c", PROGRAM]
    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert result.stdout == "[False] 0 True\n", result.stderr
