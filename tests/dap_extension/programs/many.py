"""As many tasks as the first argument says, each five frames deep, with two context managers in each frame."""

import asyncio
import contextlib
import sys
import time
import types

TASKS = []
SYNC = contextlib.nullcontext()


class Async:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc_info):
        pass


async def level1(event):
    with SYNC:
        async with Async():
            await event.wait()  # @wait


async def level2(event):
    with SYNC:
        async with Async():
            await level1(event)


async def level3(event):
    with SYNC:
        async with Async():
            await level2(event)


async def level4(event):
    with SYNC:
        async with Async():
            await level3(event)


async def level5(event):
    with SYNC:
        async with Async():
            await level4(event)


def walk():
    """Return the seconds that the least takes that tells where all tasks are, as `bare_walk` of the benchmarks."""
    started = time.perf_counter()
    for task in TASKS:
        found = []
        coroutine = task.get_coro()
        while type(coroutine) is types.CoroutineType:
            frame, coroutine = coroutine.cr_frame, coroutine.cr_await
            found.append((frame.f_code.co_name, frame.f_lineno))
    return time.perf_counter() - started


async def main():
    event = asyncio.Event()
    TASKS.extend(asyncio.ensure_future(level5(event)) for _ in range(int(sys.argv[1])))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print("paused")  # @paused
    event.set()
    await asyncio.gather(*TASKS)


if __name__ == "__main__":
    asyncio.run(main())
