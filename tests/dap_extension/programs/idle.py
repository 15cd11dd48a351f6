"""Event loops that are all idle: nothing ever happens, until `stop` is called."""

import asyncio
import sys
import threading

LOOPS = []


async def idle():
    event = asyncio.Event()
    LOOPS.append((asyncio.get_running_loop(), event))
    if len(LOOPS) == 2:
        print("ready", flush=True)
    await event.wait()


def stop():
    for loop, event in LOOPS:
        loop.call_soon_threadsafe(event.set)


if __name__ == "__main__":
    thread = threading.Thread(target=lambda: asyncio.run(idle()))
    thread.start()
    asyncio.run(idle())
    thread.join()
    print("done")
    sys.exit(0)
