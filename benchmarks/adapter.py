"""What `asynctb adapter` costs a session, beside debugpy's own adapter with the same program.

- Latency: a small request and its answer, in the middle of a pause.
- Throughput: the variables of a list of 3,000 numbers, a large answer.
- A whole stop, from ``continue`` to the answer to ``stackTrace``, without the first, at which the helper is loaded.

Both sessions are open at the same time and asked in turn. Run: ``python benchmarks/adapter.py [PYTHON]``, where PYTHON
runs the program.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import Any, Callable, List, Tuple

TESTS = Path(__file__).parent.parent / "tests"
sys.path[:0] = [str(TESTS / "dap_extension"), str(TESTS)]

from commands import COMMAND  # noqa: E402
from debugging import Debuggee, debug  # noqa: E402

ROUNDS = 300
STOPS = 100


def seconds(function: Callable[[], Any]) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def compare(name: str, rounds: int, plain: Callable[[], Any], ours: Callable[[], Any]) -> None:
    pairs: List[Tuple[float, float]] = [(seconds(plain), seconds(ours)) for _ in range(rounds)]
    of_plain, of_ours = (statistics.median(times) * 1000 for times in zip(*pairs))
    print(f"{name:12} debugpy {of_plain:8.3f} ms, asynctb adapter {of_ours:8.3f} ms = {of_ours / of_plain:.3f}")


def small_request(debuggee: Debuggee) -> Callable[[], Any]:
    return lambda: debuggee.request("evaluate", {"expression": "1", "context": "watch"})


def large_answer(debuggee: Debuggee) -> Callable[[], Any]:
    assert debuggee.stop is not None
    frame = debuggee.session.top_frame(debuggee.stop)
    assert frame is not None
    arguments = {"expression": "list(range(3000))", "context": "watch", "frameId": frame["id"]}
    answer = debuggee.request("evaluate", arguments)
    return lambda: debuggee.request("variables", {"variablesReference": answer["variablesReference"]})


def stop(debuggee: Debuggee) -> Callable[[], Any]:
    def go_on() -> None:
        debuggee.resume()
        stop = debuggee.wait_for_stop()
        debuggee.request("threads")
        debuggee.request("stackTrace", {"threadId": stop.thread_id})

    return go_on


def main(python: str) -> None:
    adapter = [*COMMAND, "adapter", "--tasks", "0"]
    with debug("stops.py", python) as plain, debug("stops.py", python, adapter=adapter) as ours:
        for debuggee in (plain, ours):
            debuggee.run_to("step")
            # The large request makes the system send later small ones of the connection sooner; so in both sessions.
            debuggee.bootstrap()
        compare("latency", ROUNDS, small_request(plain), small_request(ours))
        compare("throughput", ROUNDS // 10, large_answer(plain), large_answer(ours))
        compare("stop", STOPS, stop(plain), stop(ours))


if __name__ == "__main__":
    main(*(sys.argv[1:] or [sys.executable]))
