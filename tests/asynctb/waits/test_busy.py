"""Programs that are busy, looked at again and again: nothing that is said for certain may be wrong."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import queue
import random
import sys
import threading
from typing import List

import pytest

import asynctb

#: The nightly run looks a thousand times and more.
_LOOKS = int(os.environ.get("ASYNCTB_BUSY_LOOKS", "60"))
if sys.implementation.name == "pypy":  # a thread that wants to look waits long for its turn there
    _LOOKS = min(_LOOKS, 3)


def _look(stop: threading.Event, found: List[str], *, tracebacks: bool) -> None:
    try:
        for number in range(_LOOKS):
            snapshot = asynctb.snapshot(tracebacks=tracebacks, loose_objects=number == 0)  # which searches the heap
            alarms = [each for each in snapshot.findings if each.certain or each.kind == "deadlock"]
            found += [str(finding.text) for finding in alarms]
            found += [note for note in snapshot.notes if "worked out" in note]
    finally:
        stop.set()


async def _take(lock: asyncio.Lock) -> None:
    async with lock:
        await asyncio.sleep(0)


@pytest.mark.parametrize("tracebacks", [True, False])
def test_tasks_with_locks_in_the_same_order(tracebacks: bool) -> None:
    stop = threading.Event()
    found: List[str] = []

    async def work(locks: List[asyncio.Lock], source: random.Random) -> None:
        while not stop.is_set():
            first, second = sorted(source.sample(range(len(locks)), 2))
            async with locks[first]:
                await asyncio.sleep(0)
                if source.random() < 0.5:
                    await _take(locks[second])
                else:
                    await asyncio.wait_for(_take(locks[second]), 1000)

    async def main() -> None:
        locks = [asyncio.Lock() for _ in range(8)]
        looker = threading.Thread(target=_look, args=(stop, found), kwargs={"tracebacks": tracebacks})
        looker.start()
        source = random.Random(1)
        await asyncio.gather(*[work(locks, source) for _ in range(100)])
        looker.join()

    asyncio.run(main())
    assert found == []


def test_threads_with_locks_in_the_same_order() -> None:
    stop = threading.Event()
    found: List[str] = []
    locks = [threading.Lock() if number % 2 else threading.RLock() for number in range(4)]
    handed: queue.Queue[int] = queue.Queue(2)

    def work(seed: int) -> None:
        source = random.Random(seed)
        while not stop.is_set():
            first, second = sorted(source.sample(range(len(locks)), 2))
            with locks[first], locks[second]:
                pass
            try:
                handed.put_nowait(first)
            except queue.Full:
                handed.get()

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        working = [pool.submit(work, seed) for seed in range(6)]
        _look(stop, found, tracebacks=True)
        while not all(each.done() for each in working):  # whoever waits for an item gets one
            try:
                handed.put(0, timeout=0.01)
            except queue.Full:
                continue
    assert found == []


def test_tasks_and_threads_that_hand_over_to_each_other() -> None:
    stop = threading.Event()
    found: List[str] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        lock, gate = asyncio.Lock(), threading.Lock()

        async def short() -> int:
            async with lock:
                return 1

        def in_thread() -> int:
            with gate:
                pass
            return asyncio.run_coroutine_threadsafe(short(), loop).result()

        async def work() -> None:
            while not stop.is_set():
                await loop.run_in_executor(None, in_thread)
                async with lock:
                    await asyncio.wait_for(asyncio.sleep(0), 10)

        looker = threading.Thread(target=_look, args=(stop, found), kwargs={"tracebacks": True})
        looker.start()
        await asyncio.gather(*[work() for _ in range(8)])
        looker.join()

    asyncio.run(main())
    assert found == []
