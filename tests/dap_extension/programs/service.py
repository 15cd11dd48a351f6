"""A service that debuggers attach to: it answers each line of its input, between which its loop is idle.

The argument is the folder that has the package debugpy.
"""

import asyncio
import sys

sys.path.insert(0, sys.argv[1])
import debugpy

del sys.path[0]


async def hold(release):
    await release.wait()  # @hold


def serve(count, line):
    answer = f"{count}: {line}"
    return answer  # @serve


async def main():
    release = asyncio.Event()
    tasks = [asyncio.ensure_future(hold(release)) for _ in range(3)]
    for number, task in enumerate(tasks):
        task.set_name(f"hold-{number}")
    count = 0
    while True:
        line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        if not line:
            break
        count += 1  # @count
        print(serve(count, line.strip()), flush=True)
    release.set()
    await asyncio.gather(*tasks)
    print("done", flush=True)


if __name__ == "__main__":
    print(debugpy.listen(("127.0.0.1", 0))[1], flush=True)
    asyncio.run(main())
