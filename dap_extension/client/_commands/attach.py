"""``asynctb attach`` and ``asynctb dump``: what looks at a program that runs already."""

from __future__ import annotations

from typing import Any, Optional, Tuple

import click

from .._drawing.output import Output
from .._session.dap import ConnectionLost
from .._session.session import InjectionFailed, Session, attach, attach_to_process
from .follow import Breakpoints, follow, look, pause_and_look, require_shown, watch
from .messages import EXIT_CODES, errors_explained, explain_injection, fail, tell_findings
from .options import make_output, output_options, save_option, stop_options, target_options


@click.command("attach", epilog=EXIT_CODES)
@target_options
@click.option(
    "--pause/--no-pause",
    default=True,
    show_default=True,
    help="Pause the program now, print, and let it go on; or wait until it stops.",
)
@stop_options
@save_option
@output_options
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
    output = make_output(**output_options)
    with errors_explained(), _reach(address, pid, output) as session:
        if pause:
            pause_and_look(session, output)
        else:
            require_shown(follow(session, output, breakpoints, stops=stops, terminate=True), session, breakpoints)
    tell_findings(output)


@click.command(epilog=EXIT_CODES)
@target_options
@click.option(
    "--watch", "interval", metavar="SECONDS", type=click.FloatRange(min=0.1), help="Look again and print what changed."
)
@save_option
@output_options
def dump(
    address: Optional[Tuple[str, int]], pid: Optional[int], interval: Optional[float], **output_options: Any
) -> None:
    """Print the async stacks of a running program without pausing it.

    How the program is reached is described at "asynctb attach --help".
    """
    output = make_output(**output_options)
    with errors_explained(), _reach(address, pid, output) as session:
        if interval is None:
            look(session, output)
        else:
            watch(session, output, interval)
    tell_findings(output)


def _reach(address: Optional[Tuple[str, int]], pid: Optional[int], output: Output) -> Session:
    if address is not None and pid is not None:
        raise click.UsageError("give either HOST:PORT or --pid, not both")
    if address is None and pid is None:
        raise click.UsageError("which program? Give its HOST:PORT, or --pid PID.")
    if pid is not None:
        try:
            with output.busy(f"Injecting debugpy into process {pid}"):
                return attach_to_process(pid)
        except InjectionFailed as error:
            fail(explain_injection(error, pid))
    assert address is not None
    host, port = address
    try:
        with output.busy(f"Connecting to {host}:{port}"):
            return attach(host, port)
    except ConnectionLost as error:
        fail(f"what listens at {host}:{port} is not debugpy, or it has just ended: {error}")
    except OSError as error:
        message = f"cannot connect to {host}:{port}: {error.strerror or error}"
        if isinstance(error, ConnectionRefusedError):
            message += (
                f". Let the program call debugpy.listen(({host!r}, {port})), or start it with: "
                f"python -m debugpy --listen {host}:{port} SCRIPT"
            )
        fail(message)
