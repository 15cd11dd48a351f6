"""Runs the command ``asynctb`` as a user does, and the programs that it looks at."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Dict, Iterator, Optional, Sequence

REPOSITORY = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "dap_extension.client")
TIMEOUT = 120.0


def environment(**extra: str) -> Dict[str, str]:
    # What tells rich and Python how to print must not come from where the tests run.
    unwanted = ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "PYTHONDEVMODE", "PYTHONWARNINGS")
    inherited = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**inherited, "PYTHONUTF8": "1", **extra}


def asynctb(
    *args: object, stdin: str = "", command: Sequence[str] = COMMAND, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [*command, *map(str, args)],
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        cwd=REPOSITORY,
        env=environment(**env),
        check=False,
    )


@contextlib.contextmanager
def started(*command: object, quiet: bool = True) -> Iterator[subprocess.Popen[str]]:
    """Start a process with pipes to its streams; it has ended afterwards.

    :param quiet: whether to tell the debugger not to warn of frozen modules on standard error.
    """
    process = subprocess.Popen(
        [*map(str, command)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=REPOSITORY,
        env=environment(**({"PYDEVD_DISABLE_FILE_VALIDATION": "1"} if quiet else {})),
    )
    timer = threading.Timer(TIMEOUT, process.kill)
    timer.start()
    try:
        yield process
    finally:
        timer.cancel()
        timer.join()
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def read_until(stream: Optional[IO[str]], text: str) -> str:
    """Return what a process writes up to the line that contains *text*."""
    assert stream is not None
    lines = []
    for line in stream:
        lines.append(line)
        if text in line:
            return "".join(lines)
    raise AssertionError(f"no {text!r} in {''.join(lines)!r}")


def tell(process: subprocess.Popen[str], command: str) -> None:
    """Have the listening program do something, and wait until it has."""
    assert process.stdin is not None
    process.stdin.write(command + "\n")
    process.stdin.flush()
    read_until(process.stdout, f"done {command}")
