"""Exceptions while a task is suspended; the argument says where: in another thread, in a task, or in the program."""

import asyncio
import sys
import threading


async def hold(release):
    await release.wait()  # @hold


def fail(where):
    raise ValueError("on purpose in the " + where)  # @fail


async def failing():
    await asyncio.sleep(0)
    fail("task")


async def main(where, left):
    release = asyncio.Event()
    task = asyncio.ensure_future(hold(release))
    task.set_name("hold")
    await asyncio.sleep(0)
    if where == "thread":
        thread = threading.Thread(target=fail, args=("thread",), name="failing")
        thread.start()
        await asyncio.get_running_loop().run_in_executor(None, thread.join)
    elif where == "task":
        await asyncio.wait([asyncio.ensure_future(failing())])
    else:
        left.append(task)
        return
    release.set()
    await task


if __name__ == "__main__":
    LOOP = asyncio.new_event_loop()
    LEFT = []
    LOOP.run_until_complete(main(sys.argv[1], LEFT))
    if LEFT:
        fail("program")
    LOOP.close()
    print("done")
