"""An asynchronous generator that somebody left half-way is still inside a lock's block."""

import asyncio

from looks import start_looking

start_looking()


async def rows(lock):
    async with lock:
        for n in range(10):
            yield n


async def read(lock, keep):
    found = rows(lock)
    keep.append(found)
    async for row in found:
        if row == 1:
            break


async def write(lock):
    async with lock:
        pass


async def main():
    lock, keep = asyncio.Lock(), []
    await asyncio.create_task(read(lock, keep), name="reader")
    await asyncio.create_task(write(lock), name="writer")


asyncio.run(main())
