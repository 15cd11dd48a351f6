"""No deadlock for good: a timer is set to cancel one of two that have each other's lock."""

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
    await asyncio.gather(
        asyncio.create_task(asyncio.wait_for(take(a, b), 50), name="left"),
        asyncio.create_task(take(b, a), name="right"),
        return_exceptions=True,
    )


asyncio.run(main())
