"""Cycles of the same work, each with a breakpoint, and what is left of them in the end, as JSON.

The first argument is how many there are, the second how many of them are warming up.
"""

import asyncio
import collections
import gc
import json
import sys
import weakref


class Thing:
    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        pass


async def generate(thing):
    with thing:
        yield thing


async def work(release, refs):
    thing = Thing()
    refs.append(weakref.ref(thing))
    with thing:
        async for item in generate(thing):
            with item as target:
                await release.wait()  # @work
    del target


def pause(number):
    return number  # @pause


async def cycle(number):
    """Return how many objects are alive after their time."""
    release, refs = asyncio.Event(), []
    tasks = [asyncio.ensure_future(work(release, refs)) for _ in range(5)]
    refs += [weakref.ref(task) for task in tasks]
    await asyncio.sleep(0)
    pause(number)
    release.set()
    await asyncio.gather(*tasks)
    tasks.clear()
    await asyncio.sleep(0)
    if sys.implementation.name == "pypy":
        gc.collect()  # nothing dies by itself there
    return len([ref for ref in refs if ref() is not None])


def count():
    gc.collect()
    gc.collect()
    found = collections.Counter()
    for item in gc.get_objects():
        kind = type(item)
        found[f"{kind.__module__}.{kind.__qualname__}"] += 1
    return found


def memory():
    """Return the resident memory in KiB, or 0 where the system does not tell."""
    try:
        with open("/proc/self/status") as status:
            return int(next(line.split()[1] for line in status if line.startswith("VmRSS")))
    except OSError:
        return 0


def blocks():
    return sys.getallocatedblocks() if hasattr(sys, "getallocatedblocks") else 0


async def main():
    alive, cycles, warm_up = 0, int(sys.argv[1]), int(sys.argv[2])
    counts, memories, allocated = [], [], []
    for number in range(cycles):
        if number in (warm_up, cycles - 1):
            counts.append(count())
            memories.append(memory())
            allocated.append(blocks())
        alive += await cycle(number)
    growth = {kind: number - counts[0][kind] for kind, number in counts[1].items() if number > counts[0][kind]}
    report = {
        "alive": alive,
        "growth": growth,
        "blocks": allocated[1] - allocated[0],
        "memory": memories[1] - memories[0],
    }
    print(json.dumps(report))


if __name__ == "__main__":
    asyncio.run(main())
