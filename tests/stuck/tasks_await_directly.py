"""Three tasks await each other in a ring."""

import asyncio

from looks import start_looking

start_looking()


tasks = {}


async def step(following):
    await asyncio.sleep(0)
    await tasks[following]


async def main():
    for name, following in ("ab", "bc", "ca"):
        tasks[name] = asyncio.create_task(step(following), name=name)
    await asyncio.sleep(3600)


asyncio.run(main())
