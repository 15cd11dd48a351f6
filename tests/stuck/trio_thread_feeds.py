"""Workers wait for what a thread sends in a while, with the token of their event loop."""

import threading
import time

import trio
from looks import start_looking

start_looking()


def feed(token, sends):
    time.sleep(1000)
    trio.from_thread.run(sends.send, "item", trio_token=token)


async def work(receives):
    async for _ in receives:
        pass


async def main():
    sends, receives = trio.open_memory_channel(0)
    threading.Thread(target=feed, args=(trio.lowlevel.current_trio_token(), sends), daemon=True).start()
    async with trio.open_nursery() as nursery:
        for n in range(2):
            nursery.start_soon(work, receives.clone(), name=f"worker-{n}")


trio.run(main)
