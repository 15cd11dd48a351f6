"""Tasks that wait, many at the same line, and are woken one after the other; one of them by the loop of a thread."""

import asyncio
import threading


async def work(number, go):
    await go.wait()
    print("work", number)  # @after


async def inner(go):
    return await go.wait()


async def outer(go):
    number = await inner(go)
    print("outer", number)  # @outer


async def ending(go):
    return await go.wait()


async def cancelled(go):
    try:
        await go.wait()  # @cancelled
    except asyncio.CancelledError:
        print("cancelled")  # @handler


class Elsewhere(threading.Thread):
    def run(self):
        asyncio.run(self.serve())

    async def serve(self):
        self.loop = asyncio.get_running_loop()
        self.go = asyncio.Event()
        tasks = [asyncio.ensure_future(work(number, self.go)) for number in (100, 101)]
        for task, name in zip(tasks, ("work-100", "work-101")):
            task.set_name(name)
        await asyncio.sleep(0)
        ready.set()
        await asyncio.gather(*tasks)


async def main():
    other = Elsewhere()
    other.start()
    ready.wait()
    events = [asyncio.Event() for _ in range(8)]
    coroutines = [work(number, events[number]) for number in range(5)]
    coroutines += [outer(events[5]), ending(events[6]), cancelled(events[7])]
    names = [f"work-{number}" for number in range(5)] + ["outer", "ending", "cancelled"]
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    for task, name in zip(tasks, names):
        task.set_name(name)
    await asyncio.sleep(0)
    print("paused")  # @paused
    for event in events[:7]:
        event.set()
        await asyncio.sleep(0.01)
    tasks[7].cancel()
    await asyncio.gather(*tasks)
    other.loop.call_soon_threadsafe(other.go.set)
    while other.is_alive():
        await asyncio.sleep(0.01)
    print("done")  # @done


if __name__ == "__main__":
    ready = threading.Event()
    asyncio.run(main())
