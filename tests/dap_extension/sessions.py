"""More kinds of real sessions for tests: programs that are attached to, subprocesses, all or a few interpreters."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import pytest
from debugging import TIMEOUT, Debuggee, Output
from interpreters import Interpreter, find_interpreters

from dap_extension.client._session.dap import ConnectionLost, Json, RequestFailed
from dap_extension.client._session.session import Session, attach

Test = Callable[..., None]
#: The fixture `debugpy_for`.
DebugpyFor = Callable[..., str]

#: The last releases of debugpy for old interpreters. For the others it is the one that is installed for the tests.
LAST_RELEASES: Dict[Tuple[int, ...], str] = {(3, 8): "1.8.21", (3, 9): "1.8.21"}
#: The oldest release that is supported.
OLDEST_RELEASE = "1.6.7"


def last_release(interpreter: Interpreter) -> str:
    """Return the version of the newest debugpy for an interpreter."""
    return LAST_RELEASES.get(interpreter.version[:2]) or importlib.metadata.version("debugpy")


def install_debugpy(parent: Path, interpreter: Interpreter, release: str) -> str:
    """Return the folder of the package debugpy in a release as it is installed for an interpreter.

    :param parent: folder to install it into, once and for all.
    """
    # debugpy has compiled parts for CPython only.
    compiled = interpreter.implementation == "CPython"
    folder = parent / f"debugpy-{release}-{interpreter.name if compiled else 'pure'}"
    install(folder, interpreter if compiled else None, "--no-deps", f"debugpy=={release}")
    return str(folder / "debugpy")


def install_gevent(parent: Path, interpreter: Interpreter) -> str:
    """Return a folder with gevent, and what it needs, for an interpreter.

    :param parent: folder to install it into, once and for all.
    """
    if interpreter.implementation != "CPython":
        pytest.skip("gevent has no wheels for this interpreter")
    folder = parent / f"gevent-{interpreter.name}"
    install(folder, interpreter, "gevent")
    return str(folder)


def install(folder: Path, interpreter: Optional[Interpreter], *arguments: str) -> None:
    """Install packages into a folder that has them from then on; skip the test if that fails.

    :param interpreter: the one of CPython that compiled packages are for.
    """
    if folder.exists():
        return
    platform: Tuple[str, ...] = ()
    if interpreter is not None:
        version = ".".join(map(str, interpreter.version[:2]))
        platform = ("--python-version", version, "--implementation", "cp")
    incomplete = folder.with_name(f"{folder.name}.{os.getpid()}")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *platform]
    result = subprocess.run([*command, "--target", str(incomplete), *arguments], capture_output=True, text=True)
    if result.returncode:
        shutil.rmtree(incomplete, ignore_errors=True)
        pytest.skip(f"{' '.join(arguments)} cannot be installed: {result.stderr.strip()[-300:]}")
    try:
        incomplete.rename(folder)
    except OSError:
        # Tests that run beside these have done the same.
        if not folder.exists():
            raise
        shutil.rmtree(incomplete)


def _parameter(interpreters: List[Interpreter]) -> Callable[[Test], Test]:
    return pytest.mark.parametrize("interpreter", interpreters, ids=[found.name for found in interpreters])


def few_interpreters() -> List[Interpreter]:
    """Return the oldest CPython, one with `sys.monitoring`, on which debugpy works differently, and the newest."""
    found = [interpreter for interpreter in find_interpreters() if interpreter.implementation == "CPython"]
    monitoring = [interpreter for interpreter in found if interpreter.version >= (3, 12)]
    chosen = [found[0], *monitoring[:1], found[-1]]
    return sorted(set(chosen), key=lambda interpreter: interpreter.version)


def ends(interpreters: List[Interpreter]) -> List[Interpreter]:
    """Return the first and the last one."""
    return interpreters[:: max(1, len(interpreters) - 1)]


#: Decorators that run a test on interpreters: all of this machine, three, or two where the interpreter matters little.
on_all_interpreters = _parameter(find_interpreters())
on_few_interpreters = _parameter(few_interpreters())
on_two_interpreters = _parameter(ends(few_interpreters()))


def visible(stack: Json) -> List[str]:
    """Return the names of the functions of a stack's visible frames, innermost first."""
    return [frame["name"].rpartition(".")[2] for frame in stack["frames"] if not frame.get("hidden")]


def frame_named(stack: Json, name: str) -> Json:
    """Return the innermost frame of the function *name*."""
    found: Json = next(frame for frame in stack["frames"] if frame["name"].rpartition(".")[2] == name)
    return found


def all_stacks(debuggee: Debuggee) -> Dict[str, Json]:
    """Take a snapshot and return the full stack of each activity by its name."""
    snapshot_id, activities = debuggee.snapshot()
    ids = [activity["id"] for activity in activities]
    found: Dict[str, Json] = {}
    while ids:
        entries = debuggee.stacks(snapshot_id, ids)
        for activity, entry in zip(activities[len(activities) - len(ids) :], entries):
            assert activity["id"] == entry["activityId"]
            assert "error" not in entry, entry
            found[activity["name"]] = entry["stack"]
        assert entries, "no stack at all"
        ids = ids[len(entries) :]
    return found


class Service:
    """A process that serves one line of its standard input with one line of output, and can be attached to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put("end of output")

    def tell(self, line: str) -> None:
        """Send the program a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def heard(self) -> str:
        """Return the program's next line."""
        return self._lines.get(timeout=TIMEOUT)

    def ask(self, line: str) -> str:
        """Send the program a line and return its answer."""
        self.tell(line)
        return self.heard()

    def finish(self) -> int:
        """End the program's input and return its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        code = self.process.wait(TIMEOUT)
        self._reader.join(TIMEOUT)
        return code


@contextlib.contextmanager
def serving(script: Path, python: str, debugpy: str) -> Iterator[Tuple[Service, int]]:
    """Start a copy of ``service.py``; yields it and the port that debugpy listens on.

    :param debugpy: folder of the package debugpy that it imports.
    """
    command = [python, str(script), os.path.dirname(debugpy)]
    environment = {**os.environ, "PYTHONUTF8": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    service = Service(process)
    try:
        yield service, int(service.heard())
    finally:
        process.kill()
        process.wait()
        service._reader.join()
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()


@contextlib.contextmanager
def attached(port: int, script: Path, **options: Any) -> Iterator[Debuggee]:
    """Attach to a process that listens; leaving detaches from it.

    :param script: its main file, as the client sees it.
    :param options: more arguments of the attach request.
    """
    output = Output()
    with _attach(port, on_event=output.take, timeout=TIMEOUT, **options) as session:
        yield Debuggee(session, script, output)


def _attach(port: int, **options: Any) -> Session:
    """Attach as soon as the adapter takes clients. After it has lost one it needs a moment, and nothing tells when."""
    give_up = time.monotonic() + TIMEOUT
    while True:
        try:
            return attach("127.0.0.1", port, **options)
        except (OSError, ConnectionLost, RequestFailed) as error:
            if time.monotonic() > give_up or (isinstance(error, RequestFailed) and "already being" not in error.text):
                raise
            threading.Event().wait(0.1)


def reported_child(parent: Debuggee) -> Json:
    """Return how to attach to the next subprocess that debugpy reports. It is held before its first line."""
    reported: Json = parent.session.client.wait_for_event("debugpyAttach", timeout=TIMEOUT)["body"]
    return reported


@contextlib.contextmanager
def child_session(parent: Debuggee, reported: Json, script: Optional[Path] = None) -> Iterator[Debuggee]:
    """Attach to a subprocess as an editor does.

    :param reported: what `reported_child` returned.
    """
    configuration = dict(reported)
    address = configuration.pop("connect")
    output = Output()
    options = {name: value for name, value in configuration.items() if name in ("subProcessId", "justMyCode")}
    with attach(
        address["host"], address["port"], on_event=output.take, timeout=TIMEOUT, subProcess=True, **options
    ) as session:
        yield Debuggee(session, script or parent.script, output)
