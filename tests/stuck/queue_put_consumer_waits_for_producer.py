"""A producer puts into a full queue, and its consumer waits for the producer's end."""

import asyncio

from looks import start_looking

start_looking()


async def produce(queue):
    for n in range(10):
        await queue.put(n)


async def consume(queue, producer):
    await producer
    while not queue.empty():
        queue.get_nowait()


async def main():
    queue = asyncio.Queue(2)
    producer = asyncio.create_task(produce(queue), name="producer")
    consumer = asyncio.create_task(consume(queue, producer), name="consumer")
    await consumer


asyncio.run(main())
