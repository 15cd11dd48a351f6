"""Two tasks take two locks in opposite orders."""

import asyncio

from looks import start_looking

start_looking()


async def take(first, second):
    async with first:
        await asyncio.sleep(0.1)
        async with second:
            pass


async def main():
    a, b = asyncio.Lock(), asyncio.Lock()
    left = asyncio.create_task(take(a, b), name="left")
    right = asyncio.create_task(take(b, a), name="right")
    await asyncio.gather(left, right)


asyncio.run(main())
