"""Exit codes, and what is said where something has gone wrong."""

from __future__ import annotations

import sys
from typing import List, NoReturn, Optional

import click

from .._drawing.output import Output, OutputError
from .._session.dap import DapError
from .._session.helper import HelperError
from .._session.injection import NotAnswering, OnPyPy
from .._session.session import InjectionFailed, NotPython

#: Exit codes; `EXIT_CODES` explains them to the user.
NOTHING_SHOWN = 1
CANNOT_DEBUG = 3
HELPER_FAILED = 4
OUTPUT_FAILED = 5
STUCK = 6
INTERRUPTED = 130

# What debugpy's adapter answers when the program is taken.
_ALREADY_DEBUGGED = "is already being debugged"

EXIT_CODES = """\b
Exit codes:
  0    what was asked for was printed (whatever the program's own exit code was)
  1    the program ended before it stopped, so there was nothing to print
  2    wrong usage
  3    the program could not be started, reached or debugged, or the file not be read
  4    the program was reached but its stacks could not be read
  5    the result could not be written to standard output, or to the file
  6    with --why: it is certain that something does not go on
  130  interrupted by Ctrl-C"""


def tell_findings(output: Output) -> None:
    """Exit with the code for it if what was asked for is why something does not go on, and that was found."""
    if output.why and output.found_certain:
        sys.exit(STUCK)


class errors_explained:
    """Turns the errors of a session into a message and an exit code."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: Optional[BaseException], traceback: object) -> None:
        if isinstance(error, HelperError):
            if error.program_ended:
                fail("the program ended while its stacks were read", NOTHING_SHOWN)
            fail(str(error), HELPER_FAILED)
        elif isinstance(error, DapError):
            if _ALREADY_DEBUGGED in str(error):
                fail("another debugger is attached to that program; end its session first")
            fail(str(error).partition("\n")[0])
        elif isinstance(error, OutputError):
            fail(str(error), OUTPUT_FAILED)
        elif isinstance(error, KeyboardInterrupt):
            sys.exit(INTERRUPTED)


def explain_injection(error: InjectionFailed, process_id: int) -> str:
    """Say what to do, from what debugpy's injector and its tools printed."""
    if isinstance(error, (NotAnswering, NotPython)):
        return error.details
    if isinstance(error, OnPyPy):
        return (
            f"{error.details} from outside. Let the program call debugpy.listen((HOST, PORT)), or start it with: "
            "python -m debugpy --listen HOST:PORT SCRIPT; then give HOST:PORT instead of --pid"
        )
    text = error.details.casefold()
    if "no such process" in text:
        return f"there is no process {process_id}"
    if "not permitted" in text or "permission denied" in text:
        return (
            f"the system does not allow asynctb to attach to process {process_id}. Run asynctb as the same user, or as "
            "root; on Linux also allow it with: sudo sysctl kernel.yama.ptrace_scope=0; in a container start it with: "
            "--cap-add=SYS_PTRACE"
        )
    message = _explain_tool(error, text)
    if error.asleep:
        message = f"the main thread of that process is not running Python code, so Python cannot let us in; {message}"
    return message


def _explain_tool(error: InjectionFailed, text: str) -> str:
    if "gdb: not found" in text or "gdb: command not found" in text or ("'gdb'" in text and "no such file" in text):
        return "debugpy injects itself with gdb, which is not installed (on Debian and Ubuntu: sudo apt install gdb)"
    lines: List[str] = [line.strip() for line in error.details.splitlines() if line.strip()]
    if error.in_trial:
        reason = next((line for line in lines if line.startswith(("Couldn't", "Cannot"))), lines[-1])
        return (
            "gdb, with which debugpy injects itself, cannot call functions on this machine, so that process was left "
            f"alone. Perhaps a newer gdb can; this one said: {reason}"
        )
    return "debugpy could not inject itself into the process: " + (lines[-1] if lines else "no reason given")


def fail(message: str, code: int = CANNOT_DEBUG) -> NoReturn:
    click.echo(f"asynctb: {message}", err=True)
    sys.exit(code)
