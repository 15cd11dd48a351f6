"""Goes round and round."""

import asyncio


async def main() -> None:
    for _ in range(100_000):
        await asyncio.sleep(0)  # @step


asyncio.run(main())
