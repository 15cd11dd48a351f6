"""The processes of a debug session that run on this machine: debugpy's adapter, its launcher, and the program."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import signal
import subprocess
import sys
import threading
from typing import IO, Any, Callable, Dict, List, Mapping, Optional, Sequence, Union

from .dap import DapError, Json

Output = Union[None, int, IO[Any]]

# Arguments of Popen that keep signals of the terminal, such as Ctrl-C, away from the process.
APART: Dict[str, Any]
if sys.platform == "win32":
    APART = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
else:
    APART = {"start_new_session": True}


@dataclasses.dataclass(frozen=True)
class Program:
    """What `launch` starts: either *script* or *module*."""

    script: Optional[str] = None
    module: Optional[str] = None
    args: Sequence[str] = ()
    #: The interpreter; any that debugpy supports. It needs nothing installed.
    python: str = sys.executable
    #: Options of the interpreter, such as ``["-X", "dev"]``.
    python_args: Sequence[str] = ()
    #: Default: ours.
    cwd: Optional[str] = None
    #: Environment variables beside ours.
    env: Mapping[str, str] = dataclasses.field(default_factory=dict)
    #: Where its streams go, as for `subprocess.Popen` but without PIPE; None: where ours go.
    stdin: Output = None
    stdout: Output = None
    stderr: Output = None


def debugpy_folder() -> str:
    """Return the folder of the package debugpy that can be imported.

    :raises DapError: if there is none.
    """
    spec = importlib.util.find_spec("debugpy")
    if spec is None or not spec.submodule_search_locations:
        raise DapError("debugpy is not installed; from a checkout: pip install '.[client]'")
    return next(iter(spec.submodule_search_locations))


def adapter_command(folder: Optional[str] = None) -> List[str]:
    """Return the command line that runs debugpy's adapter on its standard streams.

    :param folder: the folder of the package debugpy to use; None: of the one that can be imported.
    :raises DapError: if there is none.
    """
    # By path, as editors do: with -m, modules of the current folder would shadow those of the standard library.
    return [sys.executable, os.path.join(debugpy_folder() if folder is None else folder, "adapter")]


def spawn_adapter(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a debug adapter that talks over its standard streams, and ends when its input does."""
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=debugger_environment(),
        **APART,
    )


class Terminal:
    """Runs debugpy's launcher, and so the program, on our own streams."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._launcher: Optional[subprocess.Popen[bytes]] = None
        #: Called with a message if the launcher ends before the program is ready to run.
        self.abort: Optional[Callable[[str], None]] = None

    def run(self, arguments: Json) -> Json:
        """Answer DAP's ``runInTerminal``."""
        environment = debugger_environment()
        for name, value in (arguments.get("env") or {}).items():
            if value is None:
                environment.pop(name, None)
            else:
                environment[name] = value
        try:
            self._launcher = subprocess.Popen(
                arguments["args"],
                cwd=arguments.get("cwd") or None,
                env=environment,
                stdin=self._program.stdin,
                stdout=self._program.stdout,
                stderr=self._program.stderr,
                # In a session of its own it cannot take the terminal's foreground away from us, so that Ctrl-C
                # comes here; it still reads and writes the terminal.
                **APART,
            )
        except OSError as error:
            if self.abort is not None:
                self.abort(f"debugpy's launcher cannot be started: {error}")
            raise
        threading.Thread(target=self._watch, args=(self._launcher,), name="asynctb launcher", daemon=True).start()
        return {"processId": self._launcher.pid}

    def _watch(self, launcher: subprocess.Popen[bytes]) -> None:
        code = launcher.wait()
        if self.abort is not None:
            self.abort(f"debugpy's launcher ended with exit code {code} before the program could start")

    def end(self, program_id: Optional[int], timeout: float) -> None:
        """Wait for the launcher and kill it after *timeout* seconds.

        :param program_id: the process to kill then, in case that the launcher has not done it.
        """
        if self._launcher is None:
            return
        end_process(self._launcher, timeout)
        if program_id is not None:
            try:
                if hasattr(os, "killpg"):
                    os.killpg(program_id, signal.SIGKILL)  # the launcher makes it lead a group
                else:
                    os.kill(program_id, signal.SIGTERM)
            except (ProcessLookupError, PermissionError):
                pass  # it has ended


def end_process(process: subprocess.Popen[bytes], timeout: float) -> bool:
    """Wait for *process*, kill it after *timeout* seconds; return whether it ended by itself."""
    try:
        process.wait(timeout)
        return True
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False


def debugger_environment() -> Dict[str, str]:
    """Return the environment for processes of the debugger."""
    environment = dict(os.environ)
    # Else pydevd writes several lines about frozen modules to the program's standard error (pydevd_file_utils.py).
    environment.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    return environment
