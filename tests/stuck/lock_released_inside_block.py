"""No deadlock: a lock was released inside its own block, and another one has it."""

import asyncio

from looks import start_looking

start_looking()


async def a(one, two):
    async with one:
        await asyncio.sleep(0.1)
        one.release()  # lets others in while it waits
        async with two:
            pass
        await one.acquire()


async def b(one, two):
    async with two:
        await asyncio.sleep(0.2)
        async with one:
            pass


async def c(one):
    await asyncio.sleep(0.15)
    await one.acquire()
    await asyncio.sleep(50)
    one.release()


async def main():
    one, two = asyncio.Lock(), asyncio.Lock()
    await asyncio.gather(
        asyncio.create_task(a(one, two), name="a"),
        asyncio.create_task(b(one, two), name="b"),
        asyncio.create_task(c(one), name="c"),
    )


asyncio.run(main())
