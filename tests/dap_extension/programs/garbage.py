"""Thousands of tasks, and garbage that only a full collection finds, because it became old before it became garbage.

With an argument it waits until somebody creates that file.
"""

import asyncio
import gc
import os
import sys
import threading
import time

finalized = []
main_thread = threading.get_ident()


class Cycle:
    def __init__(self):
        self.me = self

    def __del__(self):
        finalized.append("cycle" if threading.get_ident() == main_thread else "cycle in another thread")


async def nested(depth):
    if depth:
        await nested(depth - 1)
    else:
        await asyncio.get_running_loop().create_future()


async def main():
    tasks = [asyncio.ensure_future(nested(5)) for _ in range(3000)]
    await asyncio.sleep(0)
    cycle = Cycle()
    gc.collect()
    gc.set_threshold(300, 10, 10)
    del cycle
    enabled, found = gc.isenabled(), list(finalized)  # @paused
    if len(sys.argv) > 1:
        print("ready", flush=True)
        while not os.path.exists(sys.argv[1]):
            time.sleep(0.01)
    gc.collect()
    print(enabled, found, finalized)
    for task in tasks:
        task.cancel()


asyncio.run(main())
