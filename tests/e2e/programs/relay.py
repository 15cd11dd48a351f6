"""Tasks that wait at the same line, and are woken one after the other. Where they were made is recorded."""

import asyncio


async def work(number, go):
    async with number_of(number) as found, asyncio.Lock():
        await go.wait()  # @wait
        print("work", found)  # @after


class number_of:
    def __init__(self, number):
        self.number = number

    async def __aenter__(self):
        return self.number

    async def __aexit__(self, *exc_info):
        pass


async def main():
    events = [asyncio.Event() for _ in range(5)]
    tasks = [
        asyncio.create_task(work(number, go), name=f"work-{number}")  # @made
        for number, go in enumerate(events)
    ]
    await asyncio.sleep(0)
    print("first")  # @first
    for go in events:
        go.set()
        await asyncio.sleep(0.01)
    await asyncio.gather(*tasks)


asyncio.run(main(), debug=True)
