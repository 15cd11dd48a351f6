"""Event loops in several threads, and a thread without one; the argument says in which thread the breakpoint is."""

import asyncio
import sys
import threading

NAMES = ["first", "second", "third"]
READY = []
CONDITION = threading.Condition()


async def hold(release):
    await release.wait()  # @hold


def pause():
    print("paused in", threading.current_thread().name)  # @paused


async def serve(name):
    release = asyncio.Event()
    tasks = [asyncio.ensure_future(hold(release)) for _ in range(2)]
    for number, task in enumerate(tasks):
        task.set_name(f"{name}-{number}")
    await asyncio.sleep(0)
    with CONDITION:
        READY.append((asyncio.get_running_loop(), release))
        CONDITION.notify()
    if sys.argv[1] == name:
        await asyncio.get_running_loop().create_task(meet())
    await asyncio.gather(*tasks)


async def meet():
    while len(READY) < len(NAMES):
        await asyncio.sleep(0)
    pause()
    release_all()


def release_all():
    for loop, release in READY:
        loop.call_soon_threadsafe(release.set)


if __name__ == "__main__":
    threads = [threading.Thread(target=asyncio.run, args=(serve(name),), name=name) for name in NAMES]
    for thread in threads:
        thread.start()
    if sys.argv[1] == "MainThread":
        with CONDITION:
            CONDITION.wait_for(lambda: len(READY) == len(NAMES))
        pause()
        release_all()
    for thread in threads:
        thread.join()
    print("done")
