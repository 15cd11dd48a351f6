"""Tasks that never begin, one of them with a file name that no system takes and the debugger cannot deal with."""

import asyncio


async def fine():
    pass


async def odd():
    pass


odd.__code__ = odd.__code__.replace(co_filename="odd\0.py")


async def main():
    loop = asyncio.new_event_loop()
    coroutines = [odd(), fine()]
    tasks = [loop.create_task(coroutine) for coroutine in coroutines]
    print("paused")  # @paused
    for task, coroutine in zip(tasks, coroutines):
        task._log_destroy_pending = False
        coroutine.close()
    loop.close()


if __name__ == "__main__":
    asyncio.run(main())
