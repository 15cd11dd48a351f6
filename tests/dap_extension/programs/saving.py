"""A deadlock and some that wait; saves a snapshot, lets a debugger connect, goes on for a moment, and saves another.

Prints the port; goes on when it reads a line.
"""

import asyncio
import sys

import debugpy

import asynctb


async def transfer(first, second):
    async with first:
        await asyncio.sleep(0)
        async with second as grüße:
            print(grüße)


async def idle(items):
    while True:
        await items.get()


async def main(first_file, last_file):
    one, two, items = asyncio.Lock(), asyncio.Lock(), asyncio.Queue()
    ending = asyncio.Event()
    tasks = [
        asyncio.create_task(transfer(one, two), name="left"),
        asyncio.create_task(transfer(two, one), name="right"),
        *[asyncio.create_task(idle(items), name=f"idle-{number}") for number in range(3)],
        asyncio.create_task(ending.wait(), name="ending"),
    ]
    while not items._getters or not one._waiters or not two._waiters or not ending._waiters:
        await asyncio.sleep(0)
    asynctb.snapshot().save(first_file)
    _, port = debugpy.listen(("127.0.0.1", 0))
    print(port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    items.put_nowait("item")
    ending.set()
    tasks.append(asyncio.create_task(asyncio.sleep(3600), name="new"))
    for _ in range(5):
        await asyncio.sleep(0)
    asynctb.snapshot().save(last_file)
    print("done", flush=True)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


asyncio.run(main(*sys.argv[1:]))
