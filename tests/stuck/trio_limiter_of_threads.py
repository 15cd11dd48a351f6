"""Threads have all the tokens of a limiter; what they call in the event loop wants another thread."""

import trio
from looks import start_looking

start_looking()


def outer(limiter):
    trio.from_thread.run(in_thread, print, limiter)


async def in_thread(function, limiter):
    await trio.sleep(0.1)
    await trio.to_thread.run_sync(function, limiter, limiter=limiter)


async def main():
    limiter = trio.CapacityLimiter(2)
    async with trio.open_nursery() as nursery:
        for n in range(2):
            nursery.start_soon(in_thread, outer, limiter, name=f"job-{n}")


trio.run(main)
