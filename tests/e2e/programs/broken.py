"""A program in which the helper cannot be installed at first, and then a task fails."""

import asyncio
import sys
import zlib


async def look_up(item):
    stock = {"tea": 3}
    return stock[item]  # @raises


async def main():
    task = asyncio.ensure_future(look_up("coffee"))
    task.set_name("look up coffee")
    await asyncio.wait([task])
    return task  # @failed


sys.modules["zlib"] = None
stops = 1  # @broken
sys.modules["zlib"] = zlib
stops += 1  # @repaired
asyncio.run(main()).exception()
