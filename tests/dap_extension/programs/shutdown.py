"""The main thread is through, so that the interpreter shuts down; it waits for a thread with a loop and tasks."""

import asyncio
import threading


async def hold(release):
    await release.wait()  # @hold


async def main():
    release = asyncio.Event()
    task = asyncio.ensure_future(hold(release))
    task.set_name("hold")
    await asyncio.sleep(0)
    threading.main_thread().join()
    print("the main thread has ended")  # @ended
    release.set()
    await task


if __name__ == "__main__":
    threading.Thread(target=asyncio.run, args=(main(),), name="last").start()  # @start
