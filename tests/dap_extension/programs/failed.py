"""Tasks that have failed and are still held by the program, seen from a breakpoint."""

import asyncio
import gc
import weakref

MADE = []


class Item:
    pass


def look_up(number):
    item = Item()
    MADE.append(weakref.ref(item))
    try:
        raise LookupError("no item " + str(number))  # @failure
    finally:
        item.number = number  # later than the failure


async def fetch(number):
    await asyncio.sleep(0)
    return look_up(number)  # @fetch


async def reader(waiter):
    try:
        look_up(7)
    except LookupError as error:
        waiter.set_exception(error)
    state = "goes on"
    await asyncio.Event().wait()
    return state


async def waits(waiter):
    return await waiter  # @waits


async def main():
    loop = asyncio.get_running_loop()
    waiter = loop.create_future()
    tasks = [asyncio.ensure_future(fetch(number)) for number in range(2)]
    tasks += [asyncio.ensure_future(waits(waiter)), asyncio.ensure_future(asyncio.sleep(0))]
    reading = asyncio.ensure_future(reader(waiter))
    for name, task in zip(("fetch-0", "fetch-1", "waits", "result", "reader"), [*tasks, reading]):
        task.set_name(name)
    await asyncio.wait(tasks)
    print("paused")  # @paused
    reading.cancel()
    for task in tasks:
        task.exception()
    del tasks, task, waiter, reading
    await asyncio.sleep(0)
    gc.collect()
    gc.collect()
    print("left:", sum(ref() is not None for ref in MADE))  # @left


if __name__ == "__main__":
    asyncio.run(main())
