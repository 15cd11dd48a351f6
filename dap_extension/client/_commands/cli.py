"""The command line as a whole; each command has a module beside this one."""

from __future__ import annotations

import gc
import signal
import sys

import click

from .adapter import adapter
from .attach import attach_command, dump
from .messages import EXIT_CODES
from .run import run
from .show import show


@click.group(epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="asynctb", prog_name="asynctb")
def cli() -> None:
    """See every task, coroutine and thread of a Python program, with the context managers active in each frame."""
    # What is known of 10,000 tasks is a million objects, none of which is garbage before it is printed.
    gc.set_threshold(200_000)
    for name in ("SIGTERM", "SIGHUP"):
        # So that the processes that we have started are ended on our way out.
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, frame: sys.exit(128 + number))


cli.add_command(run)
cli.add_command(attach_command)
cli.add_command(dump)
cli.add_command(adapter)
cli.add_command(show)
