"""A task has a thread's lock and awaits another loop, whose thread waits for that lock."""

import asyncio
import threading

from looks import start_looking

start_looking()


lock = threading.Lock()
loops = {}


async def value():
    return 1


async def a1():
    with lock:
        await asyncio.sleep(0.2)
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(value(), loops["b"]))


async def b1():
    await asyncio.sleep(0.1)
    with lock:
        pass


async def main(name, function):
    loops[name] = asyncio.get_running_loop()
    await asyncio.create_task(function(), name=name + "1")


threading.Thread(target=lambda: asyncio.run(main("b", b1)), name="loop b", daemon=True).start()
asyncio.run(main("a", a1))
