"""A program without `ctypes`, which the best reader needs; the argument says what becomes of warnings."""

import asyncio
import sys
import warnings

warnings.simplefilter(sys.argv[1])
sys.modules["ctypes"] = None


async def main():
    task = asyncio.ensure_future(asyncio.sleep(0, "done"))
    task.set_name("sleeper")
    print("paused")  # @paused
    print(await task)


if __name__ == "__main__":
    asyncio.run(main())
