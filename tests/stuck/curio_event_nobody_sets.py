"""A task waits for an event that nobody else refers to."""

import curio
from looks import start_looking

start_looking()


async def waiter():
    await curio.Event().wait()


async def main():
    async with curio.TaskGroup() as group:
        task = await group.spawn(waiter)
        task.name = "waiter"
        del task


curio.run(main)
