"""A task waits for children of which one wants its lock; another one may fail at any time and end them all."""

import trio
from looks import start_looking

start_looking()


async def child(lock):
    async with lock:
        pass


async def sibling():
    await trio.sleep(1000)
    raise ValueError


async def main():
    lock = trio.Lock()
    async with lock, trio.open_nursery() as nursery:
        nursery.start_soon(child, lock, name="child")
        nursery.start_soon(sibling, name="sibling")


trio.run(main)
