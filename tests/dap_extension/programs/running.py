"""A service that is idle until somebody creates the file that it is told about."""

import asyncio
import os
import sys
import threading


async def waiter(release):
    await release.wait()


def second_thread(ready):
    async def main():
        stop = asyncio.Event()
        task = asyncio.ensure_future(waiter(stop))
        task.set_name("in the second thread")
        await asyncio.sleep(0)
        ready.append((asyncio.get_running_loop(), stop))
        await task

    asyncio.run(main())


async def main():
    release = asyncio.Event()
    task = asyncio.ensure_future(waiter(release))
    task.set_name("in the first thread")
    ready = []
    thread = threading.Thread(target=second_thread, args=(ready,), name="second")
    thread.start()
    while not ready:
        await asyncio.sleep(0.01)
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    reader = loop.run_in_executor(None, sys.stdin.readline) if "--stdin" in sys.argv else None
    if reader is not None:
        await reader
    else:
        while not os.path.exists(sys.argv[1]):
            await asyncio.sleep(0.05)  # @poll
    release.set()
    ready[0][0].call_soon_threadsafe(ready[0][1].set)
    await task
    thread.join()
    print("done")


if __name__ == "__main__":
    asyncio.run(main())
