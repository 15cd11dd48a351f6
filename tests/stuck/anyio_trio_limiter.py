"""Those that have all the tokens of a limiter want one more."""

import anyio
from looks import start_looking

start_looking()


async def inner(limiter):
    async with limiter:
        pass


async def job(limiter):
    async with limiter:
        await anyio.sleep(0.1)
        async with anyio.create_task_group() as group:
            group.start_soon(inner, limiter)


async def main():
    limiter = anyio.CapacityLimiter(2)
    async with anyio.create_task_group() as group:
        for n in range(2):
            group.start_soon(job, limiter, name=f"job-{n}")


anyio.run(main, backend="trio")
