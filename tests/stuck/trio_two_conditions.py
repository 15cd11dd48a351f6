"""Two tasks have the lock of one condition each, and want that of the other one."""

import trio
from looks import start_looking

start_looking()


async def take(first, second):
    async with first:
        await trio.sleep(0.1)
        async with second:
            second.notify()


async def main():
    one, two = trio.Condition(), trio.Condition()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(take, one, two, name="left")
        nursery.start_soon(take, two, one, name="right")


trio.run(main)
