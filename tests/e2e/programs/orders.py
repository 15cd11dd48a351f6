"""A shop that takes orders: tasks that wait for several things, context managers, and two places to stop."""

import asyncio
import contextlib
import os
import sys
import threading


@contextlib.asynccontextmanager
async def connection(name):
    with contextlib.suppress(KeyError):
        yield f"connection for {name}"  # @yield


async def reserve(order, stock):
    async with stock:  # @stock
        return order


async def ship(order, stock):
    async with connection(order) as link, contextlib.AsyncExitStack() as stack:  # @connection
        stack.push_async_callback(asyncio.sleep, 0)
        stack.enter_context(contextlib.suppress(ValueError))
        return link, await reserve(order, stock)  # @reserve


async def ticks():
    while True:
        await asyncio.sleep(3600)  # @tick
        yield


async def clock():
    async for _ in ticks():  # @clock
        pass


async def main(go):
    stock = asyncio.Lock()
    closing = threading.Event()
    printer = threading.Thread(target=closing.wait, name="printer")
    printer.start()
    async with stock:
        tasks = [asyncio.create_task(ship(f"order {n}", stock), name=f"ship-{n}") for n in (1, 2, 3)]
        tasks.append(asyncio.create_task(clock(), name="clock"))
        for _ in range(5):
            await asyncio.sleep(0)
        stops = 1  # @first
        while not os.path.exists(go) and os.path.isdir(os.path.dirname(go)):  # without the tests it must not live on
            await asyncio.sleep(0.01)
        stops += 1  # @second
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    closing.set()
    printer.join()


asyncio.run(main(sys.argv[1]))
