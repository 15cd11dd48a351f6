"""Injects debugpy into a process that runs already."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from types import FrameType
from typing import Callable, Iterator, List, Optional

from ._dap import DapError
from ._processes import APART, debugger_environment, debugpy_folder, end_process


class InjectionFailed(DapError):
    """debugpy could not inject itself into a process.

    :ivar details: what its tools (such as gdb) printed, in full.
    :ivar in_trial: whether that was in a trial beforehand, so that the process itself was not touched.
    """

    def __init__(self, details: str, in_trial: bool = False) -> None:
        self.details = details
        self.in_trial = in_trial
        super().__init__("debugpy could not inject itself into the process")


def check_injectable(process_id: int, timeout: float) -> None:
    """Have gdb call a function in a process made for it, where debugpy's injector works with gdb.

    On some machines gdb attaches to a process and then cannot write its registers ("Couldn't write extended state
    status"): what its attempt leaves of the process ends with an error. The program must not be the first to try.

    :param process_id: the process to inject into; not touched.
    :param timeout: of the call, in seconds.
    :raises InjectionFailed: if there is no such process, or if gdb is not installed, may not, or cannot.
    """
    if not sys.platform.startswith("linux") or os.environ.get("PYDEVD_ATTACH_PREFER_LLDB"):
        return
    if not os.path.exists(f"/proc/{process_id}"):
        raise InjectionFailed("no such process", in_trial=True)
    waiting = [sys.executable, "-I", "-S", "-c", "print(flush=True); input()"]
    with subprocess.Popen(
        waiting, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **APART
    ) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()  # before, libc might not be loaded
            gdb = subprocess.run(
                ["gdb", "--nw", "--nh", "--nx", "--pid", str(process.pid), "--batch", "--ex", "call (int)getpid()"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                check=False,
                env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            )
        except FileNotFoundError:
            raise InjectionFailed("gdb: not found", in_trial=True) from None
        except subprocess.TimeoutExpired:
            raise InjectionFailed(f"no answer in {timeout:g} seconds", in_trial=True) from None
        finally:
            process.kill()
    output = gdb.stdout.decode("utf-8", "replace")
    if f"= {process.pid}\n" not in output:
        raise InjectionFailed(output, in_trial=True)


class Injector:
    """Runs debugpy's injector.

    The adapter would do that, too, but it neither tells when the injector has finished nor waits for it. Ending an
    injector that works with gdb half-way would leave the process in the middle of a call that gdb made.

    :param process_id: the process to inject debugpy into.
    :param folder: folder of the package debugpy; None: of the one that can be imported.
    :param failed: called from another thread if it fails.
    """

    def __init__(self, process_id: int, folder: Optional[str], failed: Callable[[], object]) -> None:
        self._process_id = process_id
        self._folder = debugpy_folder() if folder is None else folder
        self._failed = failed
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  (finish closes it)
        #: What the injector printed, once it has finished and if it has failed.
        self.failure: Optional[str] = None
        self._process: Optional[subprocess.Popen[bytes]] = None

    def start(self, host: str, port: int) -> None:
        """Start the injector. The process will connect to the adapter at *host* and *port*."""
        command = [sys.executable, self._folder, "--connect", f"{host}:{port}", "--pid", str(self._process_id)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env=debugger_environment(),
            # Ctrl-C must not end it half-way.
            **APART,
        )
        threading.Thread(target=self._watch, args=(self._process,), name="asynctb injector", daemon=True).start()

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        if process.wait() != 0:
            self._failed()

    def finish(self, timeout: float) -> None:
        """Wait until the injector has ended; kill it after *timeout* seconds."""
        if self._process is not None:
            end_process(self._process, timeout)
            if self._process.returncode:
                self._output.seek(0)
                self.failure = self._output.read().decode("utf-8", "replace")
        self._output.close()


@contextlib.contextmanager
def signals_postponed() -> Iterator[None]:
    """Let signals that would end us, such as Ctrl-C, wait until the ``with`` statement has ended."""
    if threading.current_thread() is not threading.main_thread():
        yield  # they are not delivered here
        return
    came: List[int] = []

    def note(number: int, frame: Optional[FrameType]) -> None:
        came.append(number)

    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    handlers = [(number, signal.signal(number, note)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in handlers:
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)
