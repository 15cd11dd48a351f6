"""Tasks in nested coroutines, held by context managers, seen from a breakpoint in one of them."""

import asyncio
import contextlib
import threading


class Connection:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc_info):
        pass


@contextlib.asynccontextmanager
async def borrowed(pool):
    async with pool as connection:
        yield connection


async def query(lock, release):
    async with lock, Connection() as connection:
        grüße = "😀", await release.wait()  # @query
        return connection, grüße


async def fetch(number, lock, release):
    async with borrowed(Connection()) as connection:
        return await query(lock, release), connection, number  # @fetch


async def main():
    release = asyncio.Event()
    locks = [asyncio.Lock() for _ in range(3)]
    tasks = [asyncio.ensure_future(fetch(number, lock, release)) for number, lock in enumerate(locks)]
    for number, task in enumerate(tasks):
        task.set_name(f"fetch-{number}")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with threading.Lock():
        print("paused")  # @paused
    release.set()
    await asyncio.gather(*tasks)
    print("done")  # @done


if __name__ == "__main__":
    asyncio.run(main())
