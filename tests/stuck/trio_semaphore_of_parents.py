"""Jobs hold all permits of a semaphore, and each has a child that wants another one."""

import trio
from looks import start_looking

start_looking()


async def part(semaphore):
    async with semaphore:
        pass


async def job(semaphore):
    async with semaphore:
        await trio.sleep(0.1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(part, semaphore)


async def main():
    semaphore = trio.Semaphore(2, max_value=2)
    async with trio.open_nursery() as nursery:
        for n in range(2):
            nursery.start_soon(job, semaphore, name=f"job-{n}")


trio.run(main)
