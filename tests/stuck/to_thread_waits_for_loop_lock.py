"""A task with a lock awaits a thread, which waits for a task that wants this lock."""

import asyncio

from looks import start_looking

start_looking()


async def update(lock):
    async with lock:
        pass


def in_thread(loop, lock):
    asyncio.run_coroutine_threadsafe(update(lock), loop).result()


async def own(lock):
    async with lock:
        await asyncio.to_thread(in_thread, asyncio.get_running_loop(), lock)


async def main():
    await asyncio.create_task(own(asyncio.Lock()), name="owner")


asyncio.run(main())
