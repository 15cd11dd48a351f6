"""Makes several targets of the Makefile side by side: ``python tests/parallel.py MAKE TARGET...``.

What a target prints appears as a whole once it has ended, so that the parts stay readable; those that failed come last.
A TARGET may be several, in quotes, which are made one after the other. As many are made at a time as there are
processors, or as ``ASYNCTB_TEST_JOBS`` says, in the order in which they are given.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from types import FrameType
from typing import IO, Dict, List, NamedTuple, Optional

JOBS = int(os.environ.get("ASYNCTB_TEST_JOBS") or os.cpu_count() or 1)
#: How tests say in a line what came of them, or what is left out: "=== 664 passed, 1 rerun in 135.08s (0:02:15) ===",
#: "nox > Session core-3.9 skipped: Python interpreter 3.9 not found.", "SKIPPED: end-to-end tests: no Chromium".
_CLOSING = re.compile(
    r"(?m)^=+ (?:\d+ .*|no tests ran)(?= in [\d.]+s.* =+$)|^nox > .*skipped: .*|^(?:SKIPPED|RERUN): .*"
)


class Made(NamedTuple):
    """A target that has been made."""

    name: str
    code: int
    seconds: float
    output: str


class Parts:
    """The targets that are being made; all of them can be ended."""

    def __init__(self, make: str) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._running: Dict[str, subprocess.Popen[bytes]] = {}
        self._is_over = False

    def make(self, name: str) -> Optional[Made]:
        """Make a target; return nothing if all is over before that begins."""
        start = time.monotonic()
        with tempfile.TemporaryFile() as output:
            with self._lock:
                if self._is_over:
                    return None
                process = self._running[name] = self._start(name, output)
            print(f"started: {name}", flush=True)
            code = process.wait()
            with self._lock:
                del self._running[name]
            output.seek(0)
            text = output.read().decode("utf-8", "replace")
        return Made(name, code, time.monotonic() - start, text)

    def _start(self, name: str, output: IO[bytes]) -> subprocess.Popen[bytes]:
        # -k: of several targets, each is made. Processes of one group can be ended together.
        command = [self._make, "--no-print-directory", "-k", *name.split()]
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )

    def end(self) -> None:
        """Interrupt what is running, and begin nothing any more; the second time, kill it."""
        with self._lock:
            number = signal.SIGKILL if self._is_over else signal.SIGINT
            self._is_over = True
            for process in self._running.values():
                os.killpg(process.pid, number)


def show(made: Made) -> None:
    """Print what a target has printed."""
    print(f"\n{'#' * 40} {made.name}\n{made.output}", flush=True)


def summarize(all_made: List[Made]) -> None:
    """Print a line for each target, with what its tests say."""
    print(f"\n{'#' * 40} all")
    for made in all_made:
        result = "failed" if made.code else "passed"
        closing = "; ".join(line.lstrip("= ") for line in _CLOSING.findall(made.output))
        print(f"{result} {made.seconds:5.0f} s  {made.name}{closing and ': ' + closing}")
    sys.stdout.flush()


def main(make: str, names: List[str]) -> int:
    """Make all of the targets and return the exit code."""
    parts = Parts(make)
    interrupted: List[int] = []

    def interrupt(number: int, frame: Optional[FrameType]) -> None:
        interrupted.append(number)
        parts.end()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    all_made: List[Made] = []
    with ThreadPoolExecutor(JOBS) as pool:
        for future in as_completed([pool.submit(parts.make, name) for name in names]):
            made = future.result()
            if made is not None:
                all_made.append(made)
                if not made.code:
                    show(made)
    failed = [made for made in all_made if made.code]
    for made in failed:
        show(made)
    summarize([*(made for made in all_made if not made.code), *failed])
    if interrupted:
        return 128 + interrupted[0]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
