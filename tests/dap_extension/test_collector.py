"""The garbage collector of a process that is asked, on every interpreter of this machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from interpreters import Interpreter, find_interpreters

ROOT = Path(__file__).parent.parent.parent
COLLECTOR = ROOT / "asynctb" / "_collector.py"
#: While one thread answers a request, another one makes garbage, forks, and switches the collector off and on again, as
#: it was. Then the child has to have its collector, and so has the parent afterwards.
PROGRAM = """
import gc, os, sys, threading
import runpy
without_collections = runpy.run_path(sys.argv[1])["without_collections"]

class Circle:
    def __init__(self):
        self.self = self
    def __del__(self):
        finalized.append(self)

def is_collected():
    finalized.clear()
    for _ in range(10_000):
        Circle()
    if sys.implementation.name == "pypy":
        return gc.isenabled()
    return bool(finalized)

answering, go_on = threading.Event(), threading.Event()
finalized = []
seen = []

def work():
    seen.append(is_collected())
    answering.set()
    go_on.wait()

thread = threading.Thread(target=without_collections, args=(work,))
thread.start()
answering.wait()
child = os.fork()
if child == 0:
    os._exit(0 if is_collected() else 1)
_, status = os.waitpid(child, 0)
was_enabled = gc.isenabled()
gc.disable()
go_on.set()
thread.join()
if was_enabled or sys.implementation.name == "pypy":
    gc.enable()
else:
    gc.disable()
# Inside each other, and at the same time.
without_collections(lambda: without_collections(lambda: seen.append(is_collected())))
threads = [threading.Thread(target=without_collections, args=(lambda: None,)) for _ in range(20)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(seen, status, is_collected(), without_collections(lambda: "returned"))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("interpreter", find_interpreters(), ids=lambda interpreter: str(interpreter.name))
def test_a_child_forked_during_a_request_has_its_collector(interpreter: Interpreter) -> None:
    # From 3.12 on, CPython warns of a fork beside threads, which is what this is about.
    command = [interpreter.path, "-W", "ignore::DeprecationWarning", "-c", PROGRAM, str(COLLECTOR)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.stdout == "[False, False] 0 True returned\n", result.stderr
