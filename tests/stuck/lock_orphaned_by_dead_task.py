"""A lock that a task took by a call and never gave back before it ended."""

import asyncio

from looks import start_looking

start_looking()


async def first(lock):
    await lock.acquire()
    return 1  # early return, forgot release


async def second(lock):
    async with lock:
        pass


async def main():
    lock = asyncio.Lock()
    await asyncio.create_task(first(lock), name="first")
    waiter = asyncio.create_task(second(lock), name="second")
    del lock
    await waiter


asyncio.run(main())
