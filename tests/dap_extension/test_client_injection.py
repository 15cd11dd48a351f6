"""``asynctb dump --pid`` and ``asynctb attach --pid``: debugpy gets into programs that know nothing of it."""

from __future__ import annotations

import importlib
import os
import re
import sys
import time
from pathlib import Path
from typing import List, Tuple

import pytest
from commands import COMMAND, REPOSITORY, asynctb, read_until, started, tell
from debugging import PROGRAMS
from interpreters import Interpreter, find_interpreters
from sessions import install, install_gevent

from dap_extension.client._commands.messages import explain_injection
from dap_extension.client._session import executables, injection
from dap_extension.client._session.stalled import is_held

OBEYING, LOCKED = PROGRAMS / "obeying.py", PROGRAMS / "locked.py"
#: What is said where gdb is missing, may not or cannot.
NOT_HERE = "does not allow asynctb to attach|with gdb, which is not|so that process was left alone"
#: Those that let others in by themselves.
OPEN = [found for found in find_interpreters() if found.implementation == "CPython" and found.version >= (3, 14)]

#: Those that nobody gets into.
CLOSED = [found for found in find_interpreters() if found.implementation == "PyPy"]

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="wakes a process as Linux allows")
on_open_interpreters = pytest.mark.parametrize("interpreter", OPEN, ids=[found.name for found in OPEN])


def test_no_such_process() -> None:
    with started(sys.executable, "-c", "") as process:
        process.wait()
        result = asynctb("dump", "--pid", process.pid)
    assert result.returncode == 3
    assert result.stderr == f"asynctb: there is no process {process.pid}\n"


@on_linux
@pytest.mark.parametrize("interpreter", CLOSED, ids=[found.name for found in CLOSED])
def test_a_process_of_pypy_is_left_alone(interpreter: Interpreter) -> None:
    with started(interpreter.path, "-c", "print(flush=True); input()") as process:
        assert process.stdout is not None
        process.stdout.readline()
        result = asynctb("dump", "--pid", process.pid)
        assert f"process {process.pid} (" in result.stderr
        assert "runs PyPy, which debugpy cannot get into from outside. Let the program call" in result.stderr
        assert result.returncode == 3
        assert process.poll() is None


@on_linux
def test_a_process_that_is_not_python_is_left_alone(tmp_path: Path) -> None:
    # A gdb that would tell if it was called.
    gdb = tmp_path / "gdb"
    gdb.write_text(f"#!/bin/sh\ntouch {tmp_path}/called\n")
    gdb.chmod(0o755)
    with started("sh", "-c", "echo; read line") as process:
        assert process.stdout is not None
        process.stdout.readline()  # it has loaded everything by now
        before = Path(f"/proc/{process.pid}/maps").read_text()
        result = asynctb("dump", "--pid", process.pid, PATH=os.pathsep.join([str(tmp_path), os.environ["PATH"]]))
        assert result.stderr == f"asynctb: process {process.pid} (sh) is not a Python program\n"
        assert result.returncode == 3
        assert Path(f"/proc/{process.pid}/maps").read_text() == before
        assert process.poll() is None
    assert not (tmp_path / "called").exists()


@on_linux
def test_python_is_recognized_whatever_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert executables.runs_python(os.getpid())
    # As if it were linked statically: by the symbols of the executable, or here of the library.
    monkeypatch.setattr(executables, "_LIBRARY", re.compile("(?!)"))
    assert executables.runs_python(os.getpid())
    # Those who only want the symbols do not count.
    monkeypatch.setattr(executables, "_SECTION", b"there is none of this name")
    assert executables.runs_python(os.getpid())
    assert not executables._has_interpreter(extension_module())


def extension_module() -> str:
    """Return the path of an extension module, which refers to the interpreter's symbols."""
    return str(importlib.import_module("_ctypes").__file__)


@on_linux
def test_a_process_of_which_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(process_id: int) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(injection, "runs_python", refuse)
    with pytest.raises(injection.InjectionFailed) as caught:
        injection._check_process(7)
    assert "cannot tell whether it is a Python program: Permission denied" in caught.value.details
    assert "does not allow asynctb to attach to process 7. Run" in explain_injection(caught.value, 7)


@pytest.mark.skipif(sys.platform == "win32", reason="reads standard input through asyncio")
def test_a_process_that_knows_nothing_of_a_debugger() -> None:
    with started(sys.executable, OBEYING) as process:
        tell(process, "start sleeper")
        for _ in range(2):
            result = asynctb("dump", "--pid", process.pid)
            if result.returncode == 3 and re.search(NOT_HERE, result.stderr):
                tell(process, "stop sleeper")  # it goes on
                pytest.skip(result.stderr)
            assert result.stderr == ""
            assert "Task sleeper  suspended, waits for sleep\n" in result.stdout
            assert result.returncode == 0
            # It goes on.
            tell(process, "stop sleeper")
            tell(process, "start sleeper")
        paused = asynctb("attach", "--pid", process.pid)
        assert "Task sleeper  suspended, waits for sleep\n" in paused.stdout
        tell(process, "stop sleeper")


# CPython 3.14 and later: a process is asked to let debugpy in by another one of its version.


@pytest.fixture(scope="session")
def packages(request: pytest.FixtureRequest) -> Path:
    """Return a folder for what the command needs, by interpreter; kept in pytest's cache."""
    return request.config.cache.mkdir("client")


def command_of(interpreter: Interpreter, packages: Path) -> Tuple[List[str], str]:
    """Return the command line that runs the command on *interpreter*, and ``PYTHONPATH`` for it."""
    folder = packages / interpreter.name
    install(folder, interpreter, "attrs", "click", "debugpy", "rich")
    return [interpreter.path, *COMMAND[1:]], os.pathsep.join([str(folder), str(REPOSITORY)])


@on_linux
@on_open_interpreters
def test_an_idle_process_is_asked_and_woken(interpreter: Interpreter, packages: Path, tmp_path: Path) -> None:
    command, path = command_of(interpreter, packages)
    with started(interpreter.path, OBEYING, quiet=False) as process:
        tell(process, "start sleeper")
        for _ in range(2):
            # Without gdb, or anything else on PATH.
            result = asynctb(
                "dump", "--pid", process.pid, command=command, PYTHONPATH=path, PATH=str(tmp_path), TMPDIR=str(tmp_path)
            )
            assert result.stderr == ""
            assert "Task sleeper  suspended, waits for sleep\n" in result.stdout
            assert result.returncode == 0
            tell(process, "stop sleeper")
            tell(process, "start sleeper")
        assert list(tmp_path.iterdir()) == []
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.close()
        assert process.wait() == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


@on_linux
@on_open_interpreters
def test_a_process_that_does_not_come_to_let_us_in(interpreter: Interpreter, packages: Path, tmp_path: Path) -> None:
    command, path = command_of(interpreter, packages)
    with started(interpreter.path, LOCKED, quiet=False) as process:
        read_until(process.stdout, "waiting")
        result = asynctb(
            "dump", "--pid", process.pid, command=command, PYTHONPATH=path, PATH=str(tmp_path), TMPDIR=str(tmp_path)
        )
        assert result.returncode == 3
        assert result.stderr == (
            "asynctb: the main thread of that process is not running Python code, so Python cannot let us in; debugpy "
            "injects itself with gdb, which is not installed (on Debian and Ubuntu: sudo apt install gdb)\n"
        )
        # What it was asked is taken back: it has no effect when it comes to it.
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        read_until(process.stdout, "done")
        assert process.wait() == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


@on_linux
@on_open_interpreters
def test_gdb_gets_into_what_does_not_come_to_it(interpreter: Interpreter, packages: Path) -> None:
    command, path = command_of(interpreter, packages)
    with started(interpreter.path, LOCKED) as process:
        read_until(process.stdout, "waiting")
        result = asynctb("dump", "--pid", process.pid, command=command, PYTHONPATH=path)
        if result.returncode == 3 and re.search(NOT_HERE, result.stderr):
            pytest.skip(result.stderr)
        assert result.stderr == ""
        assert "Thread reader" in result.stdout
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        read_until(process.stdout, "done")


# A process in which nobody gets to run Python code.


HELD = """\
import asyncio, re, sys, threading, time

def hold():
    print("holding", flush=True)
    re.match(r"(a+)+$", "a" * 60 + "b")  # never lets the global lock go

async def main():
    await asyncio.sleep(0.1)
    hold()

if sys.argv[1] == "main":
    asyncio.run(main())
else:
    # The main thread wants the lock every now and then.
    threading.Thread(target=hold, daemon=True).start()
    while True:
        time.sleep(0.01)
"""
HERE = next(found for found in find_interpreters() if found.path and found.version[:2] == sys.version_info[:2])


@on_linux
@pytest.mark.parametrize("where", ["main", "other"])
@pytest.mark.parametrize("interpreter", [HERE, *OPEN], ids=lambda found: str(found.name))
def test_a_process_whose_global_lock_is_held(interpreter: Interpreter, packages: Path, where: str) -> None:
    command, path = command_of(interpreter, packages)
    with started(interpreter.path, "-c", HELD, where) as process:
        read_until(process.stdout, "holding")
        start = time.monotonic()
        result = asynctb("dump", "--pid", process.pid, command=command, PYTHONPATH=path)
        taken = time.monotonic() - start
        if where == "main" and re.search(NOT_HERE, result.stderr):
            pytest.skip(result.stderr)
        assert f"asynctb: process {process.pid} (" in result.stderr
        assert "does not run Python code: one of its threads has computed for 3 s" in result.stderr
        assert "Try again when that has ended" in result.stderr
        assert result.returncode == 3
        assert taken < 20.0  # 10 where nothing else goes on
        assert process.poll() is None


COMPETING = """\
import threading

def compute():
    while True:
        pass

for _ in range(2):
    threading.Thread(target=compute, daemon=True).start()
print("computing", flush=True)
compute()
"""


@on_linux
@pytest.mark.parametrize("code", [COMPETING, "print('computing', flush=True)\nwhile True: pass"])
def test_python_code_that_computes_lets_others_run(code: str) -> None:
    with started(sys.executable, "-c", code) as process:
        read_until(process.stdout, "computing")
        for _ in range(5):
            assert not is_held(process.pid, 1.0)
    assert not is_held(process.pid, 1.0)  # it has ended


PATCHED = """\
from gevent import monkey

monkey.patch_all()
import gevent

sleepers = [gevent.spawn(gevent.sleep, 3600) for _ in range(3)]
print("asleep", flush=True)
gevent.joinall(sleepers)
"""


@on_linux
def test_a_process_that_gevent_has_patched(packages: Path, request: pytest.FixtureRequest) -> None:
    assert request.config.cache is not None
    gevent = install_gevent(request.config.cache.mkdir("gevent"), HERE)
    command, path = command_of(HERE, packages)
    with started("env", f"PYTHONPATH={gevent}", HERE.path, "-c", PATCHED) as process:
        read_until(process.stdout, "asleep")
        result = asynctb("dump", "--pid", process.pid, command=command, PYTHONPATH=path)
        if re.search(NOT_HERE, result.stderr):
            pytest.skip(result.stderr)
        assert f"asynctb: process {process.pid} (" in result.stderr
        assert "uses gevent" in result.stderr
        assert "GEVENT_SUPPORT=True" in result.stderr
        assert result.returncode == 3
        assert process.poll() is None
