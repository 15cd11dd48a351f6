"""The command line: options, exit codes, messages. What happens is in `_follow`."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Callable, List, NoReturn, Optional, Sequence, Tuple

import click

from ._dap import ConnectionLost, DapError
from ._follow import Breakpoints, follow, look, pause_and_look, watch
from ._helper import HelperError, prepare
from ._output import Output, OutputError
from ._session import InjectionFailed, NotPython, Program, Session, attach, attach_to_process, launch

#: Exit codes; `EXIT_CODES` explains them to the user.
NOTHING_SHOWN = 1
CANNOT_DEBUG = 3
HELPER_FAILED = 4
OUTPUT_FAILED = 5
INTERRUPTED = 130

# What debugpy's adapter answers when the program is taken.
_ALREADY_DEBUGGED = "is already being debugged"

EXIT_CODES = """\b
Exit codes:
  0    what was asked for was printed (whatever the program's own exit code was)
  1    the program ended before it stopped, so there was nothing to print
  2    wrong usage
  3    the program could not be started, reached or debugged
  4    the program was reached but its stacks could not be read
  5    the result could not be written to standard output
  130  interrupted by Ctrl-C"""


if TYPE_CHECKING:
    _PairType = click.ParamType[Tuple[str, int]]
else:
    _PairType = click.ParamType  # not generic before click 8.4


class BreakpointType(_PairType):
    """FILE:LINE -> (path, line)."""

    name = "FILE:LINE"

    def convert(self, value: Any, param: Optional[click.Parameter], ctx: Optional[click.Context]) -> Tuple[str, int]:
        if isinstance(value, tuple):
            return value
        path, colon, line = str(value).rpartition(":")
        if not colon or not path or not re.fullmatch("[0-9]+", line) or int(line) < 1:
            self.fail(f"{value!r} is not of the form FILE:LINE, such as app/main.py:42", param, ctx)
        if not os.path.isfile(path):
            self.fail(f"there is no file {path!r}", param, ctx)
        return path, int(line)


class AddressType(_PairType):
    """[HOST:]PORT -> (host, port)."""

    name = "[HOST:]PORT"

    def convert(self, value: Any, param: Optional[click.Parameter], ctx: Optional[click.Context]) -> Tuple[str, int]:
        if isinstance(value, tuple):
            return value
        host, _, port = str(value).rpartition(":")
        if not re.fullmatch("[0-9]+", port) or not 0 < int(port) < 65536:
            self.fail(f"{value!r} is not of the form HOST:PORT, such as localhost:5678", param, ctx)
        return host.strip("[]") or "127.0.0.1", int(port)


def _options(*decorators: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def decorate(function: Any) -> Any:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


_output_options = _options(
    click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each look at the program."),
    click.option("--filter", "contains", metavar="TEXT", help="Show only what has TEXT in its name, state or stack."),
    click.option("--group", is_flag=True, help="Put tasks with identical stacks together."),
    click.option("--all-frames", is_flag=True, help="Show the frames of the frameworks, too."),
)
_stop_options = _options(
    click.option(
        "--break", "breakpoints", type=BreakpointType(), multiple=True, help="Stop there; can be given several times."
    ),
    click.option(
        "--stops",
        metavar="NUMBER",
        type=click.IntRange(min=0),
        default=1,
        show_default=True,
        help="How many stops to print; 0: all. Later ones pass unnoticed.",
    ),
)
_target_options = _options(
    click.argument("address", metavar="[HOST:PORT]", type=AddressType(), required=False),
    click.option("--pid", metavar="PID", type=click.IntRange(min=1), help="Inject debugpy into this process instead."),
)


@click.group(epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="asynctb", prog_name="asynctb")
def cli() -> None:
    """See every task, coroutine and thread of a Python program, with the context managers active in each frame."""
    for name in ("SIGTERM", "SIGHUP"):
        # So that the processes that we have started are ended on our way out.
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, frame: sys.exit(128 + number))


@cli.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}, epilog=EXIT_CODES)
@_stop_options
@click.option("--terminate", is_flag=True, help="End the program after the last printed stop, instead of waiting.")
@click.option("--python", metavar="PATH", help="The interpreter; it needs nothing installed. Default: this one.")
@click.option("-m", "module", metavar="MODULE", help="Run a module, as python -m does, instead of a script.")
@_output_options
@click.argument("program", metavar="[SCRIPT] [ARGS]...", nargs=-1, type=click.UNPROCESSED)
def run(
    breakpoints: Breakpoints,
    stops: int,
    terminate: bool,
    python: Optional[str],
    module: Optional[str],
    program: Tuple[str, ...],
    **output_options: Any,
) -> None:
    """Run a program, and print its async stacks where it stops.

    It stops at the places given by --break and where it calls breakpoint(), and then goes on.
    """
    output = _output(**output_options)
    args: Sequence[str] = program
    script = None
    if module is None:
        if not program:
            raise click.UsageError("which program? Give a SCRIPT, or -m MODULE.")
        script, *args = program
        if not os.path.isfile(script):
            raise click.UsageError(f"there is no file {script!r}")
    target = Program(
        script=script,
        module=module,
        args=args,
        python=_interpreter(python),
        # Standard output is for the JSON alone.
        stdout=sys.stderr if output.as_json else None,
    )
    prepare()
    with _errors_explained(), output.busy("Starting the program"):
        session = launch(target)
    with _errors_explained(), session:
        _require_shown(follow(session, output, breakpoints, stops=stops, terminate=terminate), session, breakpoints)


@cli.command("attach", epilog=EXIT_CODES)
@_target_options
@click.option(
    "--pause/--no-pause",
    default=True,
    show_default=True,
    help="Pause the program now, print, and let it go on; or wait until it stops.",
)
@_stop_options
@_output_options
def attach_command(
    address: Optional[Tuple[str, int]],
    pid: Optional[int],
    pause: bool,
    breakpoints: Breakpoints,
    stops: int,
    **output_options: Any,
) -> None:
    """Pause a running program and print its async stacks.

    The program must have called debugpy.listen((HOST, PORT)) or been started with python -m debugpy --listen
    HOST:PORT; or name its process with --pid. It goes on afterwards.
    """
    if pause and breakpoints:
        raise click.UsageError("--break needs --no-pause: without it the program is paused at once, and only then")
    output = _output(**output_options)
    with _errors_explained(), _reach(address, pid, output) as session:
        if pause:
            pause_and_look(session, output)
        else:
            _require_shown(follow(session, output, breakpoints, stops=stops, terminate=True), session, breakpoints)


@cli.command(epilog=EXIT_CODES)
@_target_options
@click.option(
    "--watch", "interval", metavar="SECONDS", type=click.FloatRange(min=0.1), help="Look again and print what changed."
)
@_output_options
def dump(
    address: Optional[Tuple[str, int]], pid: Optional[int], interval: Optional[float], **output_options: Any
) -> None:
    """Print the async stacks of a running program without pausing it.

    How the program is reached is described at "asynctb attach --help".
    """
    output = _output(**output_options)
    with _errors_explained(), _reach(address, pid, output) as session:
        if interval is None:
            look(session, output)
        else:
            watch(session, output, interval)


def _output(**options: Any) -> Output:
    with _errors_explained():
        return Output(**options)


def _reach(address: Optional[Tuple[str, int]], pid: Optional[int], output: Output) -> Session:
    if address is not None and pid is not None:
        raise click.UsageError("give either HOST:PORT or --pid, not both")
    if address is None and pid is None:
        raise click.UsageError("which program? Give its HOST:PORT, or --pid PID.")
    prepare()
    if pid is not None:
        try:
            with output.busy(f"Injecting debugpy into process {pid}"):
                return attach_to_process(pid)
        except InjectionFailed as error:
            _fail(_explain_injection(error, pid))
    assert address is not None
    host, port = address
    try:
        with output.busy(f"Connecting to {host}:{port}"):
            return attach(host, port)
    except ConnectionLost as error:
        _fail(f"what listens at {host}:{port} is not debugpy, or it has just ended: {error}")
    except OSError as error:
        message = f"cannot connect to {host}:{port}: {error.strerror or error}"
        if isinstance(error, ConnectionRefusedError):
            message += (
                f". Let the program call debugpy.listen(({host!r}, {port})), or start it with: "
                f"python -m debugpy --listen {host}:{port} SCRIPT"
            )
        _fail(message)


def _interpreter(python: Optional[str]) -> str:
    if python is None:
        return sys.executable
    path = shutil.which(python)
    if path is None:
        raise click.UsageError(f"--python: there is no program {python!r}")
    code = "import sys; print(sys.version_info >= (3, 8))"
    try:
        result = subprocess.run(
            [path, "-I", "-c", code], stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise click.UsageError(f"--python: {path} cannot be run: {error}") from error
    if result.stdout.strip() != b"True":
        raise click.UsageError(f"--python: {path} is not Python 3.8 or later")
    return os.path.abspath(path)


def _require_shown(shown: int, session: Session, breakpoints: Breakpoints) -> None:
    if shown:
        return
    code = "" if session.exit_code is None else f" with exit code {session.exit_code}"
    if breakpoints:
        places = ", ".join(f"{path}:{line}" for path, line in breakpoints)
        hint = f"it never came to {places}"
    else:
        hint = "say where to look with --break FILE:LINE, or call breakpoint() in the program"
    _fail(f"the program ended{code} before it stopped: {hint}", NOTHING_SHOWN)


class _errors_explained:
    """Turns the errors of a session into a message and an exit code."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: Optional[BaseException], traceback: object) -> None:
        if isinstance(error, HelperError):
            if error.program_ended:
                _fail("the program ended while its stacks were read", NOTHING_SHOWN)
            _fail(str(error), HELPER_FAILED)
        elif isinstance(error, DapError):
            if _ALREADY_DEBUGGED in str(error):
                _fail("another debugger is attached to that program; end its session first")
            _fail(str(error).partition("\n")[0])
        elif isinstance(error, OutputError):
            _fail(str(error), OUTPUT_FAILED)
        elif isinstance(error, KeyboardInterrupt):
            sys.exit(INTERRUPTED)


def _explain_injection(error: InjectionFailed, process_id: int) -> str:
    """Say what to do, from what debugpy's injector and its tools printed."""
    if isinstance(error, NotPython):
        return error.details
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


def _fail(message: str, code: int = CANNOT_DEBUG) -> NoReturn:
    click.echo(f"asynctb: {message}", err=True)
    sys.exit(code)
