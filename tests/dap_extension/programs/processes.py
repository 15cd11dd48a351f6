"""A process and its child, each with tasks and a thread; the argument says how the child is started."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
import threading


async def hold(release):
    await release.wait()  # @hold


async def work(process, action):
    """Have tasks, one of them in another thread, while *action* runs."""
    release, stop = asyncio.Event(), threading.Event()
    tasks = [asyncio.ensure_future(hold(release)) for _ in range(2)]
    for number, task in enumerate(tasks):
        task.set_name(f"{process}-{number}")
    ready = threading.Event()
    thread = threading.Thread(target=asyncio.run, args=(elsewhere(process, ready, stop),), name=f"thread of {process}")
    thread.start()
    ready.wait()
    await asyncio.sleep(0)
    action()
    stop.set()
    thread.join()
    release.set()
    await asyncio.gather(*tasks)


async def elsewhere(process, ready, stop):
    task = asyncio.ensure_future(hold(asyncio.Event()))
    task.set_name(f"{process}-elsewhere")
    await asyncio.sleep(0)
    ready.set()
    stop.wait()
    task.cancel()


def child():
    asyncio.run(work("child", pause_in_child))


def pause_in_child():
    print("child")  # @child


def pause_in_parent():
    print("parent")  # @parent


def start(method):
    """Run the child to its end and return its exit code."""
    if method == "popen":
        return subprocess.call([sys.executable, __file__, "child"])
    if method == "os.fork":
        process_id = os.fork()
        if not process_id:
            child()
            os._exit(0)
        return os.waitpid(process_id, 0)[1]
    process = multiprocessing.get_context(method).Process(target=child)
    process.start()
    process.join()
    return process.exitcode


def parent():
    pause_in_parent()
    print("joined", start(sys.argv[1]))


if __name__ == "__main__":
    if sys.argv[1] == "child":
        child()
    else:
        asyncio.run(work("parent", parent))
