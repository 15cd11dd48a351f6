"""Objects that must die by themselves, without the garbage collector, once the program lets go of them."""

import asyncio
import contextlib
import gc
import sys
import weakref

DIED = []
REFS = []


class Thing:
    def __init__(self, name):
        self.name = name
        REFS.append((name, weakref.ref(self)))

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        pass

    def __del__(self):
        DIED.append(self.name)


@contextlib.contextmanager
def borrowed(thing):
    with thing:
        yield


async def work(number, release):
    local = Thing(f"local {number}")
    with Thing(f"manager {number}"), borrowed(Thing(f"inner {number}")):
        await release.wait()
    del local


async def main():
    release = asyncio.Event()
    tasks = [asyncio.ensure_future(work(number, release)) for number in range(10)]
    for number, task in enumerate(tasks):
        task.set_name(f"work-{number}")
        REFS.append((f"task {number}", weakref.ref(task)))
    await asyncio.sleep(0)
    gc.collect()
    gc.disable()
    task = None
    print("paused")  # @paused
    release.set()
    await asyncio.gather(*tasks)
    tasks.clear()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    if sys.implementation.name == "pypy":
        for _ in range(5):
            gc.collect()  # nothing dies by itself there
    alive = [name for name, ref in REFS if ref() is not None]
    print("alive:", alive, "died:", len(DIED))
    return alive or len(DIED) != 30  # @end


if __name__ == "__main__":
    sys.exit(bool(asyncio.run(main())))
