"""Two tasks receive from each other, and neither sends."""

import anyio
from looks import start_looking

start_looking()


async def exchange(inbox, outbox):
    message = await inbox.receive()
    await outbox.send(message)


async def main():
    to_a, from_a = anyio.create_memory_object_stream(0)
    to_b, from_b = anyio.create_memory_object_stream(0)
    async with anyio.create_task_group() as group:
        group.start_soon(exchange, from_a, to_b, name="ping")
        group.start_soon(exchange, from_b, to_a, name="pong")


anyio.run(main, backend="asyncio")
