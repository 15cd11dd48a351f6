"""Time of finding out who holds what and who cannot go on, beside that of a full snapshot of the same tasks.

Run with ``python -m benchmarks.waits [TASKS]``. Each task is suspended four frames deep and waits for one of 1, 100 or
5,000 locks; then all of them wait for each other in one circle, and in a chain that ends in one that could go on. A
circle is looked at twice.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Awaitable, List

from asynctb._collector import without_collections
from asynctb._snapshot.listing import Listing

_DEPTH = 3
_ROUNDS = 3


async def _wait(lock: asyncio.Lock, depth: int) -> None:
    if depth:
        await _wait(lock, depth - 1)
        return
    async with lock:
        await asyncio.Event().wait()


async def _take(first: asyncio.Lock, second: asyncio.Lock) -> None:
    async with first:
        await asyncio.sleep(0)
        async with second:
            pass


def _measure(title: str) -> None:
    without_collections(lambda: _measure_now(title))  # as in a snapshot


def _measure_now(title: str) -> None:
    best = 1e9, 1e9
    for _ in range(_ROUNDS):
        listing = Listing()
        began = time.thread_time()
        activities = listing.page(tracebacks=True)
        described = time.thread_time()
        activities, findings = listing.explained(activities)
        explained = time.thread_time()
        best = min(best[0], described - began), min(best[1], explained - described)
    snapshot, explanation = best
    print(
        f"{title:28} snapshot {snapshot * 1e3:6.0f} ms  explained {explanation * 1e3:6.0f} ms"
        f" ({explanation / snapshot:4.2f}x)  findings {len(findings)}"
    )


async def _with(awaitables: List[Awaitable[None]], title: str) -> None:
    tasks = [asyncio.ensure_future(each) for each in awaitables]
    for _ in range(5):
        await asyncio.sleep(0)
    _measure(title)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def main(count: int) -> None:
    print(f"Python {sys.version.split()[0]}, {count} tasks")
    for amount in (1, 100, 5000):
        locks = [asyncio.Lock() for _ in range(amount)]
        await _with([_wait(locks[number % amount], _DEPTH) for number in range(count)], f"{amount} locks")
    locks = [asyncio.Lock() for _ in range(count + 1)]
    await _with([_take(locks[number], locks[(number + 1) % count]) for number in range(count)], "a circle")
    chain = [_take(locks[number], locks[number + 1]) for number in range(count)]
    await _with([*chain, _wait(locks[count], 0)], "a chain that can go on")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
