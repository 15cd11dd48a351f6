"""Takes three steps, echoes its arguments and a line of its input, and ends with exit code 7."""

import asyncio
import sys


async def step(number):
    await asyncio.sleep(0)
    print("step", number, flush=True)  # @step


async def main():
    other = asyncio.ensure_future(asyncio.sleep(1000))
    for number in range(3):
        await step(number)
    other.cancel()


asyncio.run(main())
print("arguments", sys.argv[1:], flush=True)
print("input", sys.stdin.readline().strip(), flush=True)
sys.exit(7)
