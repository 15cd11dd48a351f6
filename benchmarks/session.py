"""What the helper costs in real debug sessions, beside what debugpy itself does in the same session.

- Latency of a small custom request beside a ``threads`` request.
- Time from ``stopped`` to the first page of the snapshot (100 activities), beside ``threads`` and ``stackTrace``, by
  number of tasks; a page in the middle; the stacks of one page; everything.
- Slow-down of a busy program with the helper loaded and idle, beside the same program under debugpy alone.

Run: ``python benchmarks/session.py [PYTHON]``, where PYTHON runs the programs.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import Any, Callable, List

TESTS = Path(__file__).parent.parent / "tests"
sys.path[:0] = [str(TESTS / "dap_extension"), str(TESTS)]

from debugging import TIMEOUT, Debuggee, debug  # noqa: E402

from dap_extension.protocol import HANDSHAKE, SNAPSHOT, STACKS  # noqa: E402

PAGE = 100
ROUNDS = 5


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
        everything = milliseconds(lambda: all_stacks(debuggee)) if tasks <= 10_000 else float("nan")
        debuggee.session.close()
    print(
        f"{tasks:7,} tasks: debugpy's threads + stackTrace {by_itself:6.1f} ms; first page {cold:7.1f} ms cold,"
        f" {warm:7.1f} ms warm = {warm / by_itself:5.1f} x; page in the middle {middle:5.1f} ms;"
        f" stacks of {len(ids)} {stacks:6.1f} ms; all stacks {everything:8.1f} ms"
    )


def all_stacks(debuggee: Debuggee) -> None:
    snapshot_id, activities = debuggee.snapshot()
    ids = [activity["id"] for activity in activities]
    while ids:
        answer = debuggee.ask(STACKS, {"snapshotId": snapshot_id, "activityIds": ids[:1000]})
        ids = ids[len(answer["stacks"]) :]


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
    for tasks in (10, 100, 1000, 10_000, 100_000):
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
