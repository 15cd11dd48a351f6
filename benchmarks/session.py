"""What the helper costs in real debug sessions, beside what debugpy itself does in the same session.

- Latency of a small custom request beside a ``threads`` request.
- Time from ``stopped`` to the first page of the snapshot (100 activities), beside ``threads`` and ``stackTrace``, by
  number of tasks; a page in the middle; the stacks of one page; and, as the least that can be done, how long a function
  of the paused program takes to follow ``cr_await`` through all tasks.
- A whole snapshot of 10,000 tasks, all pages and all stacks: its time, and its bytes on the wire beside those of the
  same stacks in full.
- Slow-down of a busy program with the helper loaded and idle, beside the same program under debugpy alone.

Run: ``python benchmarks/session.py [PYTHON]``, where PYTHON runs the programs.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any, Callable, List, Optional

TESTS = Path(__file__).parent.parent / "tests"
sys.path[:0] = [str(TESTS / "dap_extension"), str(TESTS)]

from debugging import TIMEOUT, Debuggee, debug  # noqa: E402

from dap_extension.client._session import dap as _dap  # noqa: E402
from dap_extension.client._session.shapes import expand_stacks  # noqa: E402
from dap_extension.protocol import HANDSHAKE, SNAPSHOT, STACKS  # noqa: E402

PAGE = 100
ROUNDS = 5
#: Tasks of which a whole snapshot is taken.
WHOLE = 10_000


def milliseconds(function: Callable[[], Any]) -> float:
    started = time.perf_counter()
    function()
    return (time.perf_counter() - started) * 1000


def median_of(repetitions: int, function: Callable[[], Any]) -> float:
    return statistics.median(milliseconds(function) for _ in range(repetitions))


def latency(python: str) -> None:
    with debug("many.py", python, args=("10",)) as debuggee:
        debuggee.run_to("paused")
        threads_before = median_of(50, lambda: debuggee.request("threads"))
        debuggee.bootstrap()
        threads = median_of(50, lambda: debuggee.request("threads"))
        handshake = median_of(50, lambda: debuggee.ask(HANDSHAKE))
        debuggee.finish()
    print(f"threads without the helper {threads_before:6.2f} ms, with it {threads:6.2f} ms")
    print(f"asynctbHandshake           {handshake:6.2f} ms = {handshake / threads:.2f} x threads")


def first_page(python: str, tasks: int) -> None:
    with debug("many.py", python, args=(str(tasks),)) as debuggee:
        debuggee.break_at("paused")
        debuggee.session.start(TIMEOUT)
        debuggee.bootstrap()
        stop = debuggee.wait_for_stop()
        pages: List[Any] = []

        def native() -> None:
            debuggee.request("threads")
            debuggee.request("stackTrace", {"threadId": stop.thread_id})

        def page(**arguments: int) -> None:
            pages.append(debuggee.ask(SNAPSHOT, {"count": PAGE, **arguments}))

        cold = milliseconds(page)
        by_itself = median_of(3, native)
        warm = median_of(3, page)
        snapshot_id = pages[-1]["snapshotId"]
        middle = median_of(3, lambda: page(snapshotId=snapshot_id, start=max(0, tasks // 2 - PAGE // 2)))
        ids = [activity["id"] for activity in pages[-1]["activities"]]
        stacks = milliseconds(lambda: debuggee.ask(STACKS, {"snapshotId": snapshot_id, "activityIds": ids}))
        walk = min(bare_walk(debuggee) for _ in range(5))
        print(
            f"{tasks:7,} tasks: debugpy's threads + stackTrace {by_itself:6.1f} ms; first page {cold:7.1f} ms cold,"
            f" {warm:7.1f} ms warm = {warm / by_itself:5.1f} x; page in the middle {middle:5.1f} ms;"
            f" stacks of {len(ids)} {stacks:6.1f} ms"
        )
        print(
            f"{'':14} bare cr_await walk over all tasks {walk:8.3f} ms;"
            f" (first page warm - threads + stackTrace) / walk = {(warm - by_itself) / walk:6.2f}"
        )
        if tasks == WHOLE:
            whole_snapshot(debuggee)
        debuggee.session.close()


def bare_walk(debuggee: Debuggee) -> float:
    """Return the milliseconds that the program itself needs for it, on a thread that is not traced."""
    answer = debuggee.request("evaluate", {"expression": "__import__('__main__').walk()", "context": "repl"})
    return float(answer["result"]) * 1000


def whole_snapshot(debuggee: Debuggee) -> None:
    before = received.size
    started = time.perf_counter()
    snapshot_id, activities = debuggee.snapshot()
    pages, pages_size = time.perf_counter() - started, received.size - before
    ids = [activity["id"] for activity in activities]
    answers: List[Any] = []
    number = 0
    while number < len(ids):
        wanted = ids[number : number + 1000]
        answers.append(debuggee.ask(STACKS, {"snapshotId": snapshot_id, "activityIds": wanted}))
        number += len(answers[-1]["stacks"])
    seconds, size = time.perf_counter() - started, received.size - before
    started = time.perf_counter()
    stacks = [entry for answer in answers for entry in expand_stacks(answer)]
    expanding = time.perf_counter() - started
    full = len(json.dumps(stacks, separators=(",", ":")))
    shared = size - pages_size
    shapes = sum(len(answer["shapes"]) for answer in answers)
    print(f"whole snapshot of {WHOLE:,} tasks, 5 frames with 2 context managers in each:")
    print(f"  time: {seconds:.2f} s = pages {pages:.2f} s + stacks {seconds - pages:.2f} s in {len(answers)} requests")
    print(f"  on the wire: {size:,} bytes = pages {pages_size:,} + stacks {shared:,} ({shapes} shapes)")
    print(f"  the same stacks expanded: {full:,} bytes = {full / shared:.1f} x, in {expanding:.2f} s in the client")


class Received:
    """Counts the bytes of the DAP messages that clients receive, headers included."""

    def __init__(self) -> None:
        self.size = 0
        self._read_message = _dap._read_message
        _dap._read_message = self.read_message

    def read_message(self, stream: _dap.Reader) -> Optional[_dap.Json]:
        return self._read_message(_Counted(stream, self))


class _Counted:
    def __init__(self, stream: _dap.Reader, received: Received) -> None:
        self._stream = stream
        self._received = received
        self.close = stream.close

    def readline(self, limit: int) -> bytes:
        return self._count(self._stream.readline(limit))

    def read(self, size: int) -> bytes:
        return self._count(self._stream.read(size))

    def _count(self, data: bytes) -> bytes:
        self._received.size += len(data)
        return data


received = Received()


def busy(python: str, with_helper: bool) -> float:
    """Return the seconds of the fastest round: everything that disturbs makes rounds slower."""
    with debug("busy.py", python, args=(str(ROUNDS),)) as debuggee:
        if with_helper:
            debuggee.bootstrap()
        debuggee.session.start(TIMEOUT)
        debuggee.session.wait_for_end(TIMEOUT)
        return min(float(line.split()[1]) for line in debuggee.output["stdout"].splitlines())


def main() -> None:
    python = sys.argv[1] if len(sys.argv) > 1 else sys.executable
    print(f"programs on {python}")
    latency(python)
    for tasks in (10, 100, 1000, WHOLE, 100_000):
        first_page(python, tasks)
    # Alternating, so that a change of the machine's speed meets both.
    pairs = [(busy(python, False), busy(python, True)) for _ in range(3)]
    alone, loaded = (min(pair[index] for pair in pairs) for index in (0, 1))
    print(
        f"busy program: {alone:.3f} s a round under debugpy alone, {loaded:.3f} s with the helper loaded and idle",
        end="",
    )
    print(f" = {loaded / alone:.3f} x")


if __name__ == "__main__":
    main()
