"""A loop that waits for a thread, which has the breakpoint."""

import asyncio
import concurrent.futures


def work():
    print("executor")  # @executor


async def main():
    with concurrent.futures.ThreadPoolExecutor(thread_name_prefix="pool") as pool:
        await asyncio.get_running_loop().run_in_executor(pool, work)
    print("done")


if __name__ == "__main__":
    asyncio.run(main())
