"""A task takes a lock that its caller, in the same task, is inside of."""

import asyncio

from looks import start_looking

start_looking()


class Cache:
    def __init__(self):
        self.lock = asyncio.Lock()

    async def get(self):
        async with self.lock:
            return 1

    async def refresh(self):
        async with self.lock:
            return await self.get()


async def main():
    await asyncio.create_task(Cache().refresh(), name="refresher")


asyncio.run(main())
