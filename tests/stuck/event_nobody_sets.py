"""An event that only its waiter has a reference to: who should have set it was cancelled."""

import asyncio

from looks import start_looking

start_looking()


async def wait_for_start(event):
    await event.wait()


async def set_later(event):
    await asyncio.sleep(3600)
    event.set()


async def main():
    event = asyncio.Event()
    waiter = asyncio.create_task(wait_for_start(event), name="waiter")
    setter = asyncio.create_task(set_later(event), name="setter")
    del event
    await asyncio.sleep(0.1)
    setter.cancel()
    del setter
    await waiter


asyncio.run(main())
