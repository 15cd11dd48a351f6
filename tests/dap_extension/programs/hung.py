"""A program that hangs while a task runs: the argument says whether in Python code or inside a C function."""

import asyncio
import sys
import threading

GATE = threading.Event()


async def hold(release):
    await release.wait()  # @hold


def spin():
    while not GATE.is_set():  # @spin
        pass


def block():
    GATE.wait()  # @block


async def stuck():
    (spin if sys.argv[1] == "python" else block)()  # @stuck


async def main():
    release = asyncio.Event()
    tasks = [asyncio.ensure_future(hold(release)) for _ in range(2)]
    for number, task in enumerate(tasks):
        task.set_name(f"hold-{number}")
    await asyncio.sleep(0)
    culprit = asyncio.ensure_future(stuck())
    culprit.set_name("culprit")
    print("hangs", flush=True)
    await culprit
    release.set()
    await asyncio.gather(*tasks)
    print("done")


if __name__ == "__main__":
    asyncio.run(main())
