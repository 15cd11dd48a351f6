"""Two tasks want the lock of the other one; a shield keeps the deadline of the scopes around that away."""

import anyio
from looks import start_looking

start_looking()


async def take(first, second):
    with anyio.move_on_after(1000), anyio.CancelScope(shield=True):
        async with first:
            await anyio.sleep(0.1)
            async with second:
                pass


async def main():
    one, two = anyio.Lock(), anyio.Lock()
    async with anyio.create_task_group() as group:
        group.start_soon(take, one, two, name="left")
        group.start_soon(take, two, one, name="right")


anyio.run(main, backend="asyncio")
