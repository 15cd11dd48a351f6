"""Switches between tasks as fast as it can, and prints how long rounds of that took.

Argument: how many rounds.
"""

import asyncio
import sys
import time

TASKS = 50
SWITCHES = 1000


async def spin():
    for _ in range(SWITCHES):
        await asyncio.sleep(0)


async def main():
    for _ in range(int(sys.argv[1])):
        started = time.perf_counter()
        await asyncio.gather(*[spin() for _ in range(TASKS)])
        print(f"round {time.perf_counter() - started:.6f}", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
