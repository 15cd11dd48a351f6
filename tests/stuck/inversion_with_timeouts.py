"""No deadlock for good: two tasks have each other's lock, and timeouts get them out."""

import asyncio

from looks import start_looking

start_looking()


async def take(first, second):
    async with first:
        await asyncio.sleep(0.1)
        async with asyncio.timeout(50):
            async with second:
                pass


async def main():
    a, b = asyncio.Lock(), asyncio.Lock()
    await asyncio.gather(
        asyncio.create_task(take(a, b), name="left"),
        asyncio.create_task(take(b, a), name="right"),
        return_exceptions=True,
    )


asyncio.run(main())
