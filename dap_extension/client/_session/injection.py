"""Injects debugpy into a process that runs already."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from types import FrameType
from typing import Callable, Iterator, List, Optional

from .dap import DapError
from .executables import process_name, runs_pypy, runs_python, uses_gevent
from .processes import APART, debugger_environment, debugpy_folder, end_process
from .stalled import is_held

#: Seconds that a process gets to run what it was told to (`sys.remote_exec`).
REMOTE_TIMEOUT = 5.0
#: Seconds that a process is given in which it runs no Python code at all.
HELD_TIMEOUT = 3.0
#: Seconds that a process which gevent has patched gets to answer; elsewhere this can only be a slow machine.
GEVENT_TIMEOUT = 7.0
# For so many seconds it is watched whether the process is held.
_WATCHED = 15.0
#: Seconds between two looks at whether it has.
_POLL = 0.02
#: Seconds that a thread may take to stop for a moment, once it was told to.
_NUDGE_TIMEOUT = 1.0
# From sys/ptrace.h and bits/waitflags.h of Linux.
_PTRACE_DETACH, _PTRACE_SEIZE, _PTRACE_INTERRUPT, _WALL = 17, 0x4206, 0x4207, 0x40000000

#: What a process runs to let debugpy in; once only, and not if we have taken the token back. Names of the program
#: stay as they are, as it runs in its module ``__main__``. What `debugpy.server.cli` of 1.8.22 injects does the same,
#: but cannot be taken back, writes a warning about frozen modules to the program's standard error, and takes a debugger
#: that is on its way out after an earlier session for one that is connected.
_REMOTE_CODE = """\
def asynctb_attach(token, script, folder, setup):
    import os, sys, time
    try:
        os.remove(script)
        os.remove(token)
    except OSError:
        return
    quiet = "PYDEVD_DISABLE_FILE_VALIDATION"
    was_quiet = quiet in os.environ
    os.environ.setdefault(quiet, "1")
    sys.path.insert(0, folder)
    try:
        import attach_pid_injected
    finally:
        sys.path.remove(folder)
    pydevd = sys.modules.get("pydevd")
    for _ in range(100):
        earlier = None if pydevd is None else pydevd.get_global_debugger()
        if earlier is None:
            break
        earlier.dispose_and_kill_all_pydevd_threads(wait=True)
        time.sleep(0.01)
    try:
        attach_pid_injected.attach(setup)
    finally:
        if not was_quiet:
            del os.environ[quiet]
try:
    asynctb_attach({token!r}, {script!r}, {folder!r}, {setup!r})
finally:
    del asynctb_attach
"""


class InjectionFailed(DapError):
    """debugpy could not inject itself into a process.

    :ivar details: what its tools (such as gdb) printed, in full.
    :ivar in_trial: whether that was in a trial beforehand, so that the process itself was not touched.
    :ivar asleep: whether the process was asked to let debugpy in, but its main thread did not come to run Python code.
    """

    def __init__(self, details: str, in_trial: bool = False, asleep: bool = False) -> None:
        self.details = details
        self.in_trial = in_trial
        self.asleep = asleep
        super().__init__("debugpy could not inject itself into the process")


class NotPython(InjectionFailed):
    """The process is not a Python program, so it was left alone."""


class OnPyPy(InjectionFailed):
    """The process runs PyPy, which lets nobody in, so it was left alone."""


class NotAnswering(InjectionFailed):
    """The process does not come to run what debugpy needs; *details* say which process, why, and what to do."""

    def __str__(self) -> str:
        return self.details


def _held(process_id: int) -> NotAnswering:
    return NotAnswering(
        f"process {process_id} ({process_name(process_id)}) does not run Python code: one of its threads has computed "
        f"for {HELD_TIMEOUT:g} s, in a function written in C, without letting others run (it holds the global lock of "
        "the interpreter). Try again when that has ended; what it calls can be seen with: "
        f"gdb -p {process_id} -batch -ex 'thread apply all bt'; or start the program with -X faulthandler and let it "
        "call faulthandler.dump_traceback_later(SECONDS), which works then, too"
    )


def patched_by_gevent(process_id: int, advice: str = "") -> NotAnswering:
    """Return what is wrong with a process in which debugpy's threads are greenlets, or cannot be started.

    :param advice: what else is to be done.
    """
    return NotAnswering(
        f"process {process_id} ({process_name(process_id)}) uses gevent, and debugpy did not get to run in it: a "
        "program that gevent has patched must load it from the start. Start it with GEVENT_SUPPORT=True in its "
        f"environment as: python -m debugpy --listen HOST:PORT SCRIPT{advice}"
    )


def _check_process(process_id: int) -> None:
    """Make sure that a process runs a Python that debugpy gets into, before anything is done to it.

    :raises InjectionFailed: if it does not, if there is no such process, or if the system does not tell.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        if not runs_python(process_id):
            message = f"process {process_id} ({process_name(process_id)}) is not a Python program"
            raise NotPython(message, in_trial=True)
        if runs_pypy(process_id):
            message = f"process {process_id} ({process_name(process_id)}) runs PyPy, which debugpy cannot get into"
            raise OnPyPy(message, in_trial=True)
    except ProcessLookupError:
        raise InjectionFailed("no such process", in_trial=True) from None
    except OSError as error:
        reason = f"cannot tell whether it is a Python program: {error.strerror or error}"
        raise InjectionFailed(reason, in_trial=True) from None


def _check_gdb(timeout: float) -> None:
    """Have gdb call a function in a process made for it, where debugpy's injector works with gdb.

    On some machines gdb attaches to a process and then cannot write its registers ("Couldn't write extended state
    status"): what its attempt leaves of the process ends with an error. The program must not be the first to try.

    :param timeout: of the call, in seconds.
    :raises InjectionFailed: if gdb is not installed, may not, or cannot.
    """
    if not sys.platform.startswith("linux") or os.environ.get("PYDEVD_ATTACH_PREFER_LLDB"):
        return
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
    """Lets debugpy into a process.

    From CPython 3.14 on, the interpreter runs what a process of the same version asks it to, as soon as its main thread
    runs Python code. Where that does not work, debugpy's injector makes the process call it (with gdb on Linux). The
    adapter would do that, too, but it neither tells when the injector has finished nor waits for it. Ending an injector
    that works with gdb half-way would leave the process in the middle of a call that gdb made.

    :param process_id: the process to inject debugpy into.
    :param folder: folder of the package debugpy; None: of the one that can be imported.
    :param timeout: in seconds, of what is tried beforehand.
    :param failed: called from another thread if it fails.
    :param silence: returns for how many seconds debugpy has said nothing.
    """

    def __init__(
        self,
        process_id: int,
        folder: Optional[str],
        timeout: float,
        failed: Callable[[], object],
        silence: Callable[[], float],
    ) -> None:
        self._process_id = process_id
        self._folder = debugpy_folder() if folder is None else folder
        self._timeout = timeout
        self._failed = failed
        self._silence = silence
        #: Set once the session has begun, or when there will be none.
        self.settled = threading.Event()
        #: Why it failed, once it has.
        self.failure: Optional[InjectionFailed] = None
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._thread: Optional[threading.Thread] = None

    def start(self, host: str, port: int) -> None:
        """Begin. The process will connect to the adapter at *host* and *port*."""
        self._thread = threading.Thread(target=self._run, args=(host, port), name="asynctb injector", daemon=True)
        self._thread.start()

    def _run(self, host: str, port: int) -> None:
        try:
            asleep = False
            _check_process(self._process_id)
            # Then nothing would come of it, and gdb could not be let go.
            if is_held(self._process_id, HELD_TIMEOUT):
                raise _held(self._process_id)
            threading.Thread(target=self._watch, name="asynctb watch", daemon=True).start()
            if hasattr(sys, "remote_exec"):
                let_in = self._ask_interpreter(host, port)
                if let_in:
                    return
                asleep = let_in is False
            try:
                _check_gdb(self._timeout)
                self._run_injector(host, port)
            except InjectionFailed as error:
                error.asleep = asleep
                raise
        except InjectionFailed as error:
            self._give_up(error)

    def _watch(self) -> None:
        """Find out why the process does not answer, if the system tells."""
        start = time.monotonic()
        patched = uses_gevent(self._process_id)
        while self.failure is None and time.monotonic() < start + _WATCHED:
            # What debugpy has begun to run there wants the lock as well.
            if is_held(self._process_id, HELD_TIMEOUT) and self._silence() >= HELD_TIMEOUT:
                self._give_up(_held(self._process_id))
            elif patched and not self.settled.is_set() and time.monotonic() > start + GEVENT_TIMEOUT:
                advice = "; then give HOST:PORT instead of --pid"
                self._give_up(patched_by_gevent(self._process_id, advice))
            time.sleep(_POLL)

    def _give_up(self, reason: InjectionFailed) -> None:
        self.failure = reason
        self._failed()

    def _ask_interpreter(self, host: str, port: int) -> Optional[bool]:
        """Have the process itself let debugpy in (`sys.remote_exec`, :pep:`768`).

        :returns: whether it has begun to, in time; None if it cannot be asked.
        """
        descriptor, token = tempfile.mkstemp(prefix="asynctb-", suffix=".token")
        os.close(descriptor)
        script = token[: -len(".token")] + ".py"
        setup = {
            "mode": "connect",
            "address": [host, port],
            "wait_for_client": False,
            "log_to": None,
            "adapter_access_token": None,
        }
        folder = os.path.join(os.path.abspath(self._folder), "server")
        with open(script, "x", encoding="utf-8") as file:
            file.write(_REMOTE_CODE.format(token=token, script=script, folder=folder, setup=setup))
        try:
            sys.remote_exec(self._process_id, script)  # type: ignore[attr-defined,unused-ignore]
        except Exception as error:
            os.remove(script)
            os.remove(token)
            if isinstance(error, (PermissionError, ProcessLookupError)):
                raise InjectionFailed(str(error), in_trial=True) from None
            return None  # another version of Python, or it does not let others in
        _nudge(self._process_id)
        end = time.monotonic() + REMOTE_TIMEOUT
        while time.monotonic() < end:
            if not os.path.exists(token):
                return True
            time.sleep(_POLL)
        try:
            os.remove(token)
        except FileNotFoundError:
            return True
        return False  # the script stays: the process will run it one day, to no effect

    def _run_injector(self, host: str, port: int) -> None:
        command = [sys.executable, self._folder, "--connect", f"{host}:{port}"]
        if hasattr(sys, "remote_exec") and _knows_remote_exec(self._folder):
            command.append("--disable-sys-remote-exec")
        with tempfile.TemporaryFile() as output:
            self._process = subprocess.Popen(
                [*command, "--pid", str(self._process_id)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=debugger_environment(),
                # Ctrl-C must not end it half-way.
                **APART,
            )
            if self._process.wait() != 0:
                output.seek(0)
                raise InjectionFailed(output.read().decode("utf-8", "replace"))

    def finish(self, timeout: float) -> None:
        """Wait until it has ended; kill debugpy's injector after *timeout* seconds."""
        if self._thread is None:
            return
        self._thread.join(timeout)
        if self._process is not None:
            end_process(self._process, 0.0)
        self._thread.join()


def _knows_remote_exec(folder: str) -> bool:
    """Return whether debugpy's injector would try `sys.remote_exec` once more (1.8.15 and later)."""
    path = os.path.join(folder, "server", "cli.py")
    with open(path, encoding="utf-8") as source:
        return "disable-sys-remote-exec" in source.read()


def _nudge(process_id: int) -> None:
    """Make the main thread of a process return from where it waits in the system, on Linux.

    As a debugger does when it attaches, but with nothing in between. An event loop then looks at once at what it was
    told to run, as `PyErr_CheckSignals` (Modules/signalmodule.c of 3.14) does; waits for locks and `time.sleep` are
    begun anew by the system.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    ptrace = libc.ptrace
    ptrace.restype, ptrace.argtypes = ctypes.c_long, [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    # Should one of these fail (somebody else traces the process), it is as if nothing had been tried.
    if ptrace(_PTRACE_SEIZE, process_id, None, None) != 0:
        return
    ptrace(_PTRACE_INTERRUPT, process_id, None, None)
    end = time.monotonic() + _NUDGE_TIMEOUT
    try:
        while os.waitpid(process_id, os.WNOHANG | _WALL) == (0, 0) and time.monotonic() < end:
            time.sleep(0.001)
    except ChildProcessError:
        return
    ptrace(_PTRACE_DETACH, process_id, None, None)


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
