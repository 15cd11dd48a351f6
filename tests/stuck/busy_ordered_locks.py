"""No deadlock: many tasks take two locks each, always in one order."""

import asyncio
import random

from looks import start_looking

start_looking()


async def use(locks, rng):
    while True:
        first, second = sorted(rng.sample(range(len(locks)), 2))
        async with locks[first]:
            await asyncio.sleep(0)
            async with locks[second]:
                await asyncio.sleep(0)


async def main():
    locks = [asyncio.Lock() for _ in range(40)]
    await asyncio.gather(*[asyncio.create_task(use(locks, random.Random(n)), name=f"t{n}") for n in range(1500)])


asyncio.run(main())
