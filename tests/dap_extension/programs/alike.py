"""Twenty tasks that wait at one place, ten at another, and a sleeping one; each has a connection of its own."""

import asyncio
import contextlib

SHARED = contextlib.nullcontext()


class Connection:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc_info):
        pass


async def hold(number, release):
    # Every third task has the same manager twice, which is no other shape.
    with SHARED, SHARED if number % 3 == 0 else contextlib.nullcontext():
        async with Connection() as connection:
            if number < 20:
                await release.wait()  # @first
            else:
                await release.wait()  # @second
            return connection


async def main():
    release = asyncio.Event()
    tasks = [asyncio.ensure_future(hold(number, release)) for number in range(30)]
    for number, task in enumerate(tasks):
        task.set_name(f"hold-{number}")
    sleeper = asyncio.ensure_future(asyncio.sleep(3600))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print("paused")  # @paused
    release.set()
    sleeper.cancel()
    await asyncio.gather(*tasks)
    print("done")


if __name__ == "__main__":
    asyncio.run(main())
