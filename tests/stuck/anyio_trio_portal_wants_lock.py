"""A task has a lock while it waits for a thread that calls, through a portal, a function that wants the lock."""

import anyio
import anyio.from_thread
import anyio.to_thread
from looks import start_looking

start_looking()


async def take(lock):
    async with lock:
        pass


async def owner(portal, lock):
    async with lock:
        await anyio.to_thread.run_sync(portal.call, take, lock)


async def main():
    lock = anyio.Lock()
    async with anyio.from_thread.BlockingPortal() as portal, anyio.create_task_group() as group:
        group.start_soon(owner, portal, lock, name="owner")


anyio.run(main, backend="trio")
