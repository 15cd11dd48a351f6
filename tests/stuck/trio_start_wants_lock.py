"""A task starts another one, and has the lock that this needs in order to have started."""

import trio
from looks import start_looking

start_looking()


async def serve(lock, *, task_status=trio.TASK_STATUS_IGNORED):
    async with lock:
        task_status.started()


async def parent(nursery, lock):
    async with lock:
        await nursery.start(serve, lock, name="server")


async def main():
    lock = trio.Lock()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(parent, nursery, lock, name="parent")


trio.run(main)
