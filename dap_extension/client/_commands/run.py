"""``asynctb run``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import Any, Optional, Sequence, Tuple

import click

from .._session.session import Program, launch
from .follow import Breakpoints, follow, require_shown
from .messages import EXIT_CODES, errors_explained, tell_findings
from .options import make_output, output_options, save_option, stop_options


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}, epilog=EXIT_CODES)
@stop_options
@click.option("--terminate", is_flag=True, help="End the program after the last printed stop, instead of waiting.")
@click.option("--python", metavar="PATH", help="The interpreter; it needs nothing installed. Default: this one.")
@click.option("-m", "module", metavar="MODULE", help="Run a module, as python -m does, instead of a script.")
@save_option
@output_options
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
    output = make_output(**output_options)
    args: Sequence[str] = program
    script = None
    if module is None:
        if not program:
            raise click.UsageError("which program? Give a SCRIPT, or -m MODULE.")
        script, *args = program
        if not os.path.isfile(script):
            if script.startswith("-"):
                raise click.UsageError(f"there is no option {script!r}; those of the program come after SCRIPT")
            raise click.UsageError(f"there is no file {script!r}")
    target = Program(
        script=script,
        module=module,
        args=args,
        python=_interpreter(python),
        # Standard output is for the JSON alone.
        stdout=sys.stderr if output.as_json else None,
    )
    with errors_explained(), output.busy("Starting the program"):
        session = launch(target)
    with errors_explained(), session:
        require_shown(follow(session, output, breakpoints, stops=stops, terminate=terminate), session, breakpoints)
    tell_findings(output)


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
