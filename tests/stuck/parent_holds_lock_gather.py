"""A task gathers children, and has the lock that they want."""

import asyncio

from looks import start_looking

start_looking()


async def child(lock):
    async with lock:
        pass


async def parent():
    lock = asyncio.Lock()
    async with lock:
        await asyncio.gather(*[asyncio.create_task(child(lock), name=f"child-{n}") for n in range(2)])


async def main():
    await asyncio.create_task(parent(), name="parent")


asyncio.run(main())
