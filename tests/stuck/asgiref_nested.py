"""The one thread for synchronous code waits, through another loop, for itself."""

import asyncio
import concurrent.futures
import time

from asgiref.sync import sync_to_async
from looks import start_looking

start_looking()


helpers = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="helper")


async def query():
    return await sync_to_async(time.time)()


def fetch(loop):
    return asyncio.run_coroutine_threadsafe(query(), loop).result()


def view(loop):
    return helpers.submit(fetch, loop).result()


async def main():
    await asyncio.create_task(sync_to_async(view)(asyncio.get_running_loop()), name="request")


asyncio.run(main())
