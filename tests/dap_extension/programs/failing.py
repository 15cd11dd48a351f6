"""Ends with an exception that nobody catches."""

import asyncio


async def forever():
    await asyncio.Event().wait()


async def main():
    task = asyncio.ensure_future(forever())
    task.set_name("forever")
    await asyncio.sleep(0)


def fail():
    raise ValueError("on purpose")  # @fail


if __name__ == "__main__":
    asyncio.run(main())
    fail()
