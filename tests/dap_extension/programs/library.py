"""Tasks that wait in the code of a library, made here for that, and one that waits in the user's own."""

import asyncio
import sys
from pathlib import Path

LIBRARY = """
async def receive(event):
    await event.wait()
"""


def imported(folder):
    (folder / "asynctb_test_library.py").write_text(LIBRARY)
    sys.path.insert(0, str(folder))
    import asynctb_test_library

    return asynctb_test_library


async def read(library, event):
    await library.receive(event)  # @read


async def wait(event):
    await event.wait()


async def main(library):
    event = asyncio.Event()
    tasks = [asyncio.ensure_future(read(library, event)) for _ in range(2)] + [asyncio.ensure_future(wait(event))]
    for task, name in zip(tasks, ("reader-0", "reader-1", "waiter")):
        task.set_name(name)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print("paused")  # @paused
    event.set()
    await asyncio.gather(*tasks)


asyncio.run(main(imported(Path(sys.argv[1]))))
