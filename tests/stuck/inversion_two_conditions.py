"""Two tasks enter two conditions in opposite orders."""

import asyncio

from looks import start_looking

start_looking()


async def take(first, second):
    async with first:
        await asyncio.sleep(0.1)
        async with second:
            second.notify_all()


async def main():
    a, b = asyncio.Condition(), asyncio.Condition()
    await asyncio.gather(asyncio.create_task(take(a, b), name="left"), asyncio.create_task(take(b, a), name="right"))


asyncio.run(main())
