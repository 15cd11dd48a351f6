"""A barrier that one party is missing at, and will never come."""

import asyncio

from looks import start_looking

start_looking()


async def work(barrier):
    await barrier.wait()


async def main():
    barrier = asyncio.Barrier(4)
    tasks = [asyncio.create_task(work(barrier), name=f"w{n}") for n in range(3)]
    del barrier
    await asyncio.gather(*tasks)


asyncio.run(main())
