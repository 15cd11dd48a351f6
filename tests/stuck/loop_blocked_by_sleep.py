"""A task sleeps in its loop's thread, and with it everything else of the loop."""

import asyncio
import time

from looks import start_looking

start_looking()


async def tick():
    while True:
        await asyncio.sleep(0.07)


async def poll():
    await asyncio.sleep(0.2)
    time.sleep(3600)


async def main():
    await asyncio.gather(asyncio.create_task(tick(), name="ticker"), asyncio.create_task(poll(), name="poller"))


asyncio.run(main())
