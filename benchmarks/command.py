"""Time of the whole command ``asynctb dump`` beside the interpreter's own ``python -m asyncio ps`` and ``pstree``.

Run: ``python benchmarks/command.py [PYTHON] [TASKS]``, where PYTHON runs the program that is looked at (10,000 tasks of
five frames with two context managers in each). All commands look at the same process, in turns, and the fastest of some
rounds counts: everything that disturbs makes them slower. The commands of asyncio are there from CPython 3.14 on, and
may need the right to read another process's memory; others such as ``py-spy dump`` are shown if they are installed.

asynctb reads besides stacks what asyncio's commands do not tell: context managers, waits, holders, findings.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

import debugpy

ROOT = Path(__file__).parent.parent
ROUNDS = 5
PROGRAM = """
import asyncio, sys

class Manager:
    def __enter__(self): return self
    def __exit__(self, *exc): ...

async def nested(depth, event):
    with Manager() as first, Manager() as second:
        del first, second
        if depth > 1:
            await nested(depth - 1, event)
        else:
            await event.wait()

async def main():
    event = asyncio.Event()
    tasks = [asyncio.create_task(nested(5, event)) for _ in range(int(sys.argv[1]))]
    await asyncio.sleep(0)
    print("ready", flush=True)
    await asyncio.gather(*tasks)

asyncio.run(main())
"""


@contextlib.contextmanager
def looked_at(python: str, tasks: int) -> Iterator[Tuple[int, str]]:
    """Start the program under debugpy; yield its process id and where debugpy listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "program.py")
        program.write_text(PROGRAM)
        # Its package alone: others may be installed beside it that are not for that interpreter.
        Path(folder, "debugpy").symlink_to(Path(debugpy.__file__).parent)
        process = subprocess.Popen(
            [python, "-X", "frozen_modules=off", "-m", "debugpy", "--listen", address, str(program), str(tasks)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": folder},
        )
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield process.pid, address
        finally:
            process.kill()
            process.communicate()


def seconds(command: List[str]) -> Optional[float]:
    """Return how long a command takes, or None if it cannot be run."""
    started = time.perf_counter()
    result = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started if result.returncode == 0 else None


def main() -> None:
    python = sys.argv[1] if len(sys.argv) > 1 else sys.executable
    tasks = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    with looked_at(python, tasks) as (pid, address):
        dump = [sys.executable, "-m", "dap_extension.client", "dump", address]
        commands: Dict[str, List[str]] = {
            "python -m asyncio ps": [python, "-m", "asyncio", "ps", str(pid)],
            "python -m asyncio pstree": [python, "-m", "asyncio", "pstree", str(pid)],
            "asynctb dump": dump,
            "asynctb dump --json": [*dump, "--json"],
            "asynctb dump --no-group": [*dump, "--no-group"],
            "asynctb dump --why": [*dump, "--why"],
        }
        if shutil.which("py-spy"):
            commands["py-spy dump"] = ["py-spy", "dump", "--pid", str(pid)]
        print(f"{python}, {tasks} tasks")
        first = seconds(dump)
        best: Dict[str, float] = {}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                took = seconds(command)
                if took is not None:
                    best[name] = min(took, best.get(name, took))
    base = best.get("python -m asyncio ps")
    if first is not None:
        best = {"asynctb dump, the first time": first, **best}
    for name, took in best.items():
        print(f"{name:30} {took:6.2f} s" + (f" = {took / base:4.2f} x asyncio ps" if base is not None else ""))


if __name__ == "__main__":
    main()
