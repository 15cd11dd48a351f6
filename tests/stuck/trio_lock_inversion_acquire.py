"""Two tasks take two locks in opposite orders, by calls: the locks know their owners."""

import trio
from looks import start_looking

start_looking()


async def take(first, second):
    await first.acquire()
    await trio.sleep(0.1)
    await second.acquire()


async def main():
    a, b = trio.Lock(), trio.Lock()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(take, a, b, name="left")
        nursery.start_soon(take, b, a, name="right")


trio.run(main)
