"""Creates tasks and drops them, again and again, until `stop` is called."""

import asyncio
import contextlib

STOPPED = False


class Resource:
    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        pass


async def hold(event):
    with Resource(), contextlib.ExitStack() as stack:
        stack.enter_context(Resource())
        await event.wait()


def stop():
    global STOPPED
    STOPPED = True


async def main():
    cycles = 0
    while not STOPPED:
        event = asyncio.Event()
        tasks = [asyncio.ensure_future(hold(event)) for _ in range(5)]
        await asyncio.sleep(0)
        cycles += 1  # @cycle
        event.set()
        await asyncio.gather(*tasks)
    print("stopped")


if __name__ == "__main__":
    asyncio.run(main())
