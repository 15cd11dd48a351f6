"""A program that only waits."""

import asyncio
import pathlib
import sys


async def rest():
    await asyncio.sleep(3600)  # @rest


async def main(ready):
    tasks = [asyncio.create_task(rest(), name=f"rest-{n}") for n in (1, 2)]
    await asyncio.sleep(0)
    pathlib.Path(ready).touch()
    await asyncio.gather(*tasks)


asyncio.run(main(sys.argv[1]))
