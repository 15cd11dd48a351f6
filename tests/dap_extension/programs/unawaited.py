"""A coroutine that nobody awaits is kept in a list, and what it should do is waited for."""

import asyncio

pending = []


async def announce(done):  # @announce
    done.set()


async def works():
    await asyncio.sleep(0)


async def main():
    done = asyncio.Event()
    pending.append(announce(done))
    new = asyncio.ensure_future(works())
    print("paused")  # @paused
    await new
    await pending.pop()
    print("done")


asyncio.run(main())
