"""Time and memory of a snapshot by kind of activity, and by number: asyncio, trio, greenlets, threads.

Run: ``python benchmarks/kinds.py [MOST]``. All of them are suspended five frames deep, with two context managers in
each frame. A kind whose library is not installed is left out. Then tasks of asyncio, from a thousand to MOST, by
default 100,000: the time for each should stay the same.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Tuple

from asynctb._snapshot.listing import snapshot

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.snapshot import Manager, memory_of, nested

_DEPTH = 5
_ROUNDS = 3
_MOST_THREADS = 1_000


def nested_calls(depth: int, wait: Callable[[], object]) -> None:
    with Manager() as first, Manager() as second:
        del first, second
        if depth > 1:
            nested_calls(depth - 1, wait)
        else:
            wait()


def measure() -> Tuple[float, Optional[int]]:
    """Return the shortest processor time of a snapshot in seconds, and how much memory one takes in bytes."""
    snapshot()
    times = []
    for _ in range(_ROUNDS):
        gc.collect()
        began = time.thread_time()
        found = snapshot()
        times.append(time.thread_time() - began)
        del found
    # tracemalloc, which PyPy does not have, makes it slow.
    knows_memory = sys.implementation.name == "cpython" and len(snapshot().activities) < 50_000
    return min(times), memory_of(snapshot) if knows_memory else None


async def of_asyncio(count: int) -> Tuple[float, Optional[int]]:
    tasks = [asyncio.get_running_loop().create_task(nested(_DEPTH)) for _ in range(count)]
    await asyncio.sleep(0)
    result = measure()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return result


def of_trio(count: int) -> Tuple[float, Optional[int]]:
    import trio

    async def inside(depth: int) -> None:
        with Manager() as first, Manager() as second:
            del first, second
            await (inside(depth - 1) if depth > 1 else trio.sleep_forever())

    async def main() -> Tuple[float, Optional[int]]:
        async with trio.open_nursery() as nursery:
            for _ in range(count):
                nursery.start_soon(inside, _DEPTH)
            await trio.testing.wait_all_tasks_blocked()
            result = measure()
            nursery.cancel_scope.cancel()
        return result

    import trio.testing

    return trio.run(main)


def of_greenlets(count: int) -> Tuple[float, Optional[int]]:
    import greenlet

    back = functools.partial(greenlet.getcurrent().switch)
    made = [greenlet.greenlet(functools.partial(nested_calls, _DEPTH, back)) for _ in range(count)]
    for each in made:
        each.switch()
    result = measure()
    for each in made:
        each.switch()
    return result


def of_threads(count: int) -> Tuple[float, Optional[int]]:
    arrived, leave = threading.Semaphore(0), threading.Event()

    def wait() -> None:
        arrived.release()
        leave.wait()

    threads = [threading.Thread(target=nested_calls, args=(_DEPTH, wait)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for _ in threads:
        arrived.acquire()
    result = measure()
    leave.set()
    for thread in threads:
        thread.join()
    return result


def main() -> None:
    count = 10_000
    print(f"Python {sys.version.split()[0]}; microseconds of processor time and bytes for each, of snapshot()")
    kinds: Dict[str, Tuple[int, Callable[[], Any]]] = {
        "asyncio": (count, lambda: asyncio.run(of_asyncio(count))),
        # Before the others are imported: asynctb asks these about each thread.
        "threads": (_MOST_THREADS, lambda: of_threads(_MOST_THREADS)),
        "trio": (count, lambda: of_trio(count)),
        "greenlets": (count, lambda: of_greenlets(count)),
    }
    base: Optional[float] = None
    for name, (number, run) in kinds.items():
        try:
            took, size = run()
        except ImportError:
            continue
        each = took / number * 1e6
        base = base or each
        memory = "" if size is None else f", {size / number:6.0f} bytes"
        print(f"{number:9,} {name:10} {each:7.1f} us ({each / base:4.2f} x asyncio){memory}")
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    for number in [number for number in (1_000, 10_000, 100_000, 1_000_000) if number <= most]:
        took, _ = asyncio.run(of_asyncio(number))
        print(f"{number:9,} {'asyncio':10} {took / number * 1e6:7.1f} us")


if __name__ == "__main__":
    main()
