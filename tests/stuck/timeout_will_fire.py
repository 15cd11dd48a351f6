"""No deadlock: a timeout ends this wait."""

import asyncio

from looks import start_looking

start_looking()


async def call():
    async with asyncio.timeout(50):
        await asyncio.Event().wait()


async def main():
    await asyncio.create_task(call(), name="caller")


asyncio.run(main())
