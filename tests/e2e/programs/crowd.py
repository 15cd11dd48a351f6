"""Ten thousand tasks that wait, four frames deep."""

import asyncio
import contextlib


async def wait(depth, event):
    with contextlib.nullcontext():
        if depth:
            await wait(depth - 1, event)
        else:
            await event.wait()


async def main():
    event = asyncio.Event()
    tasks = [asyncio.create_task(wait(3, event), name=f"visitor {n:05}") for n in range(10_000)]
    await asyncio.sleep(0)
    stops = 1  # @stop
    event.set()
    await asyncio.gather(*tasks)
    return stops


asyncio.run(main())
