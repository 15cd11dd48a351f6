"""No deadlock: a service without a client, and workers without work."""

import asyncio

from looks import start_looking

start_looking()


async def work(queue):
    while True:
        await queue.get()


async def main():
    queue = asyncio.Queue()

    async def handle(reader, writer):
        await queue.put(await reader.readline())

    _workers = [asyncio.create_task(work(queue), name=f"w{n}") for n in range(3)]
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        await server.serve_forever()


asyncio.run(main())
