"""Obeys the lines of its input, and runs no Python code while there is none."""

import asyncio
import sys


async def nap(started):
    started.set()
    await asyncio.sleep(1000)


def done(command, name):
    print("done", command, name, flush=True)  # @done


async def main():
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tasks = {}
    while True:
        command, _, name = (await reader.readline()).decode().strip().partition(" ")
        if command == "start":
            started = asyncio.Event()
            tasks[name] = asyncio.ensure_future(nap(started))
            tasks[name].set_name(name)
            await started.wait()
        elif command == "stop":
            tasks.pop(name).cancel()
            await asyncio.sleep(0)
        elif command == "busy":
            while True:
                await asyncio.sleep(0)
        elif not command:
            break
        done(command, name)


if __name__ == "__main__":
    asyncio.run(main())
