"""Time of a snapshot of many suspended tasks, beside the bare walk along ``cr_await``.

Run with ``python -m benchmarks.snapshot [TASKS]``. Each task is suspended five frames deep, with two context managers
in each frame. "cold" is the first time that anything looks at these tasks: from CPython 3.11 on, the interpreter makes
their frame objects then. The memory is what a snapshot holds in addition to those. The garbage collector is on: what a
snapshot of 10,000 tasks and more takes, is to a good part its doing, as all results are kept until the end.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
import types
from typing import Callable, List, Tuple

from asynctb import Traceback
from asynctb._snapshot.listing import Listing, snapshot

_DEPTH = 5
_ROUNDS = 5
_PAGE = 100


class Manager:
    def __enter__(self) -> Manager:
        return self

    def __exit__(self, *exc: object) -> None: ...


async def nested(depth: int) -> None:
    with Manager() as first, Manager() as second:
        del first, second
        if depth > 1:
            await nested(depth - 1)
        else:
            await asyncio.get_running_loop().create_future()


def bare_walk(tasks: List[asyncio.Task[None]]) -> None:
    """Do the least that somebody would write by hand: the function and line of each coroutine, by ``cr_await``."""
    for task in tasks:
        found = []
        coroutine: object = task.get_coro()
        while type(coroutine) is types.CoroutineType:
            frame, coroutine = coroutine.cr_frame, coroutine.cr_await
            found.append((frame.f_code.co_name, frame.f_lineno))


def each_stack(tasks: List[asyncio.Task[None]]) -> None:
    for task in tasks:
        Traceback.of(task)


def times(function: Callable[[], object]) -> Tuple[float, float]:
    """Return the processor time of the first call and the shortest of the next ones, in seconds."""
    measured = []
    for _ in range(1 + _ROUNDS):
        gc.collect()
        began = time.process_time()
        result = function()
        measured.append(time.process_time() - began)
        del result
    return measured[0], min(measured[1:])


def memory_of(function: Callable[[], object]) -> int:
    """Return how many bytes the result of *function* takes, while it is kept."""
    import tracemalloc  # which PyPy does not have

    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    result = function()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del result
    return after - before


async def measure(count: int) -> None:
    print(f"Python {sys.version.split()[0]}, {count} tasks of {_DEPTH} frames")
    print("microseconds of processor time per task (x bare walk)")
    print(f"{'':32}{'cold':>18}{'then':>18}")
    cases: Tuple[Tuple[str, Callable[[List[asyncio.Task[None]]], object]], ...] = (
        ("bare cr_await walk", bare_walk),
        (f"listing and a page of {_PAGE}", lambda tasks: Listing(thorough=False).page(0, _PAGE)),
        ("listing, all summaries", lambda tasks: Listing(thorough=False).page()),
        ("snapshot(tracebacks=False)", lambda tasks: snapshot(tracebacks=False)),
        ("snapshot()", lambda tasks: snapshot()),
        ("Traceback.of, result dropped", each_stack),
    )
    snapshot()  # loads what asynctb knows about libraries
    base: Tuple[float, float] = (1, 1)
    for name, function in cases:
        tasks = [asyncio.get_running_loop().create_task(nested(_DEPTH)) for _ in range(count)]
        await asyncio.sleep(0)
        cold, then = times(lambda function=function, tasks=tasks: function(tasks))  # type: ignore[misc]
        size = memory_of(snapshot) if name == "snapshot()" and sys.implementation.name == "cpython" else None
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        if function is bare_walk:
            base = cold, then
        row = [
            f"{value / count * 1e6:9.2f} ({value / reference:4.1f}x)" for value, reference in zip((cold, then), base)
        ]
        print(f"{name:32}{row[0]:>18}{row[1]:>18}")
        if size is not None:
            print(f"memory of a full snapshot: {size / count:.0f} bytes per task")


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
