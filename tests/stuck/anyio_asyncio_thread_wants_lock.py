"""A task has a lock while a thread works for it, which calls a function in the event loop that wants the lock."""

import anyio
import anyio.from_thread
import anyio.to_thread
from looks import start_looking

start_looking()


async def take(lock):
    async with lock:
        pass


async def owner(lock):
    async with lock:
        await anyio.to_thread.run_sync(anyio.from_thread.run, take, lock)


async def main():
    lock = anyio.Lock()
    async with anyio.create_task_group() as group:
        group.start_soon(owner, lock, name="owner")


anyio.run(main, backend="asyncio")
