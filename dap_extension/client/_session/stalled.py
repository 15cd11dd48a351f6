"""Whether a process runs Python code at all, told from outside, by what Linux counts for each of its threads."""

from __future__ import annotations

import os
import time
from typing import Dict, NamedTuple, Optional

#: Seconds between two looks.
_INTERVAL = 0.2
#: Who wants the interpreter's global lock tries again every 5 ms (`sys.getswitchinterval`). That often a second it is
#: seen to, at least, on a busy machine.
_TRIES = 40.0
#: Who computes has this part of a processor, at least, and who only waits has less than the other one.
_COMPUTES, _WAITS = 0.3, 0.15


class _Usage(NamedTuple):
    seconds: float
    switches: int  # how often it gave its processor up to wait for something


def is_held(process_id: int, duration: float) -> bool:
    """Return whether one thread of a process computes for so long without letting others run Python code.

    That is so if it never waits for anything while other threads try to get the interpreter's global lock: from Python
    code it would hand it over, and wait until one of them has it. Returns earlier if it is not so.

    :param duration: in seconds.
    """
    start, before = time.monotonic(), _usage(process_id)
    elapsed = 0.0
    while before is not None and elapsed < duration:
        time.sleep(_INTERVAL)
        after = _usage(process_id)
        elapsed = time.monotonic() - start
        if after is None or not _seems_held(before, after, elapsed):
            return False
    return before is not None


def _seems_held(before: Dict[str, _Usage], after: Dict[str, _Usage], elapsed: float) -> bool:
    computing = trying = False
    for thread, now in after.items():
        if thread in before:
            seconds, switches = now.seconds - before[thread].seconds, now.switches - before[thread].switches
            computing = computing or (switches == 0 and seconds >= _COMPUTES * elapsed)
            trying = trying or (switches >= _TRIES * elapsed and seconds <= _WAITS * elapsed)
    return computing and trying


def _usage(process_id: int) -> Optional[Dict[str, _Usage]]:
    """Return what the threads of a process have used so far; None if the system does not tell."""
    folder = f"/proc/{process_id}/task"
    found: Dict[str, _Usage] = {}
    try:
        for thread in os.listdir(folder):
            try:
                found[thread] = _usage_of(f"{folder}/{thread}")
            except (FileNotFoundError, ProcessLookupError):
                pass  # it has just ended
    except OSError:
        return None
    return found


def _usage_of(folder: str) -> _Usage:
    with open(f"{folder}/stat", encoding="utf-8", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    with open(f"{folder}/status", encoding="utf-8", errors="replace") as file:
        lines = dict(line.split(":", 1) for line in file if ":" in line)
    ticks = int(fields[11]) + int(fields[12])
    return _Usage(ticks / os.sysconf("SC_CLK_TCK"), int(lines["voluntary_ctxt_switches"]))
