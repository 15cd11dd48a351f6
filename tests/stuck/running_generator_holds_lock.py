"""No deadlock: the generator that is inside a lock's block is being iterated."""

import asyncio

from looks import start_looking

start_looking()


async def rows(lock):
    async with lock:
        for n in range(10):
            yield n


async def read(lock):
    async for _row in rows(lock):
        await asyncio.sleep(50)


async def write(lock):
    await asyncio.sleep(0.1)
    async with lock:
        pass


async def main():
    lock = asyncio.Lock()
    await asyncio.gather(
        asyncio.create_task(read(lock), name="reader"), asyncio.create_task(write(lock), name="writer")
    )


asyncio.run(main())
