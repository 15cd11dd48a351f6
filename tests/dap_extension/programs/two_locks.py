"""Two tasks that wait for each other; whoever says so as an argument does without zlib."""

import asyncio
import sys


async def transfer(source: asyncio.Lock, target: asyncio.Lock) -> None:
    async with source:
        await asyncio.sleep(0)
        async with target:  # @wants
            pass


async def main() -> None:
    first, second = asyncio.Lock(), asyncio.Lock()
    tasks = [asyncio.ensure_future(transfer(first, second)), asyncio.ensure_future(transfer(second, first))]
    for number, task in enumerate(tasks, 1):
        task.set_name(f"transfer-{number}")
    for _ in range(5):
        await asyncio.sleep(0)
    print("done")  # @paused
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


if "without zlib" in sys.argv:
    sys.modules["zlib"] = None  # type: ignore[assignment]
asyncio.run(main())
