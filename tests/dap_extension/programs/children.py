"""A parent with tasks whose child, started as the first argument says, has a task of its own."""

import asyncio
import multiprocessing
import os
import sys


async def wait(event):
    await event.wait()


async def child_main():
    event = asyncio.Event()
    task = asyncio.ensure_future(wait(event))
    task.set_name("task of the child")
    await asyncio.sleep(0)
    print("child")  # @child
    event.set()
    await task


def child():
    asyncio.run(child_main())


async def main():
    event = asyncio.Event()
    task = asyncio.ensure_future(wait(event))
    task.set_name("task of the parent")
    await asyncio.sleep(0)
    print("parent")  # @parent
    process = multiprocessing.get_context(sys.argv[1]).Process(target=child)
    process.start()
    await asyncio.get_running_loop().run_in_executor(None, process.join)
    event.set()
    await task
    print("joined", process.exitcode, os.getpid() != process.pid)


if __name__ == "__main__":
    asyncio.run(main())
