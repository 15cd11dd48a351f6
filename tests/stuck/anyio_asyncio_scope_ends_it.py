"""Two tasks want the lock of the other one, in a group around which there is a scope with a deadline."""

import anyio
from looks import start_looking

start_looking()


async def take(first, second):
    async with first:
        await anyio.sleep(0.1)
        async with second:
            pass


async def main():
    one, two = anyio.Lock(), anyio.Lock()
    with anyio.move_on_after(1000):
        async with anyio.create_task_group() as group:
            group.start_soon(take, one, two, name="left")
            group.start_soon(take, two, one, name="right")
            await anyio.Event().wait()


anyio.run(main, backend="asyncio")
