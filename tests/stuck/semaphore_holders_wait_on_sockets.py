"""All permits of a semaphore are with tasks that read from peers who say nothing."""

import asyncio

from looks import start_looking

start_looking()


async def fetch(slots, port):
    async with slots:
        reader, _writer = await asyncio.open_connection("127.0.0.1", port)
        return await reader.readline()


async def main():
    never = asyncio.Event()

    async def silent(reader, writer):
        await never.wait()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    slots = asyncio.Semaphore(3)
    await asyncio.gather(*[asyncio.create_task(fetch(slots, port), name=f"fetch-{n}") for n in range(6)])


asyncio.run(main())
