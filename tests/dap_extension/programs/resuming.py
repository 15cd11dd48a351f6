"""Tasks that are suspended in all ways while the program is paused elsewhere, and go on afterwards."""

import asyncio
import contextlib


async def plain(go):
    await go.wait()
    print("plain goes on")  # @plain


async def looping(go):
    for _ in range(2):
        await go.wait()
        print("looping goes on")  # @looping


async def innermost(go):
    await go.wait()
    return "nested goes on"


async def nested(go):
    text = await innermost(go)
    print(text)  # @nested


@contextlib.asynccontextmanager
async def managed(go):
    yield
    await go.wait()
    print("managed goes on")  # @managed


async def leaving(go):
    async with managed(go):
        pass


async def numbers(go):
    yield 1
    await go.wait()
    print("numbers goes on")  # @numbers
    yield 2


async def iterating(go):
    async for _ in numbers(go):
        pass


async def cancelled(go):
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        print("cancelled goes on")  # @cancelled


def lines():
    yield 1
    print("lines goes on")  # @lines
    yield 2


async def main():
    go = asyncio.Event()
    makers = [plain, looping, nested, leaving, iterating, cancelled]
    tasks = {maker.__name__: asyncio.ensure_future(maker(go)) for maker in makers}
    generator = lines()
    next(generator)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print("paused")  # @paused
    go.set()
    tasks["cancelled"].cancel()
    await asyncio.gather(*tasks.values())
    next(generator)
    print("done")  # @done


if __name__ == "__main__":
    asyncio.run(main())
