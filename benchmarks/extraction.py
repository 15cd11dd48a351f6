"""What extraction costs, beside a bare walk along ``cr_await`` and, where it is installed, stackscope.

``python benchmarks/extraction.py [TASKS]``: 10,000 tasks of 5 coroutines with 2 context managers each unless told
otherwise. Every figure is the best of several rounds, all in this one run, per task, in processor time.
"""

from __future__ import annotations

import gc
import sys
import time
import types
from typing import Any, Callable, Coroutine, List, Tuple

import asynctb
from asynctb._frames import read_frame
from asynctb._stacks.extract import top_frame

DEPTH = 5
ROUNDS = 5


class Manager:
    def __enter__(self) -> Manager:
        return self

    def __exit__(self, *exc: object) -> None: ...


@types.coroutine
def suspend() -> Any:
    yield


async def work(depth: int) -> None:
    with Manager() as first, Manager() as second:
        del first, second
        if depth > 1:
            await work(depth - 1)
        else:
            await suspend()


def bare_walk(coroutine: Any) -> List[Any]:
    """The least that somebody would write by hand: the function and line of each coroutine, by ``cr_await``."""
    found = []
    while coroutine is not None:
        if type(coroutine) is types.CoroutineType:
            frame, coroutine = coroutine.cr_frame, coroutine.cr_await
        else:
            frame, coroutine = coroutine.gi_frame, coroutine.gi_yieldfrom
        found.append((frame.f_code.co_name, frame.f_lineno))
    return found


def only_frames(coroutine: Any) -> List[Any]:
    """Read the contexts of each frame, and make nothing of them."""
    found = []
    owner = coroutine
    frame = coroutine.cr_frame
    while True:
        awaited = owner.cr_await
        is_last = type(awaited) is not types.CoroutineType
        callee = awaited.gi_frame if is_last else awaited.cr_frame
        found.append(read_frame(frame, owner=owner, callee=callee))
        if is_last:
            return found
        owner, frame = awaited, callee


def measure(functions: List[Tuple[str, Callable[[Any], object], List[Any]]]) -> List[Tuple[str, float]]:
    """Return the processor time per task in µs, of the fastest round; results are dropped at once, gc is on.

    The functions take turns, so that a slow moment of the machine does not fall on one of them alone.
    """
    best = [float("inf")] * len(functions)
    for _ in range(ROUNDS):
        for index, (_, function, tasks) in enumerate(functions):
            gc.collect()
            begin = time.process_time()
            for task in tasks:
                function(task)
            best[index] = min(best[index], (time.process_time() - begin) / len(tasks))
    return [(name, duration * 1e6) for (name, _, _), duration in zip(functions, best)]


def start(count: int, function: Callable[[int], Coroutine[Any, Any, None]] = work) -> List[Coroutine[Any, Any, None]]:
    tasks = [function(DEPTH) for _ in range(count)]
    for task in tasks:
        task.send(None)
    return tasks


def cold() -> float:
    """Return the shortest processor time in µs for one task whose code has not been seen before."""
    best = float("inf")
    for _ in range(ROUNDS * ROUNDS):
        space = dict(globals())
        space["work"] = types.FunctionType(work.__code__.replace(), space)  # code.replace makes a copy
        (task,) = start(1, space["work"])
        begin = time.process_time()
        asynctb.Traceback.of(task)
        best = min(best, time.process_time() - begin)
        task.close()
    return best * 1e6


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    tasks = start(count)
    stack = asynctb.Traceback.of(tasks[0])
    managers = [context.manager for frame in stack for context in frame.contexts]
    if len(stack) != DEPTH + 1 or len(managers) != 2 * DEPTH or None in managers:
        sys.exit("the stacks are not complete: the figures would mean nothing")
    functions: List[Tuple[str, Callable[[Any], object], List[Any]]] = [
        ("bare cr_await walk", bare_walk, tasks),
        ("summary (top frame)", top_frame, tasks),
        ("frames without contexts", lambda task: asynctb.Traceback.of(task, with_contexts=False), tasks),
        ("contexts of each frame alone", only_frames, tasks),
        ("full traceback", asynctb.Traceback.of, tasks),
    ]
    try:
        import stackscope
    except ImportError:
        pass
    else:
        functions.append(("stackscope", stackscope.extract, tasks[: max(1, count // 100)]))
    rows = measure(functions)
    print(f"Python {sys.version.split()[0]} ({sys.implementation.name}), {count} tasks, {DEPTH} coroutines each,")
    print(f"{2 * DEPTH} context managers each; per task:")
    for name, duration in rows:
        print(f"{name:30} {duration:9.2f} µs {duration / rows[0][1]:8.1f} x the bare walk")
    print(f"{'one task, code not seen before':30} {cold():9.2f} µs")
    for task in tasks:
        task.close()


if __name__ == "__main__":
    main()
