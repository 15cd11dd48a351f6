"""Where tasks were made, as the terminal shows it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from commands import asynctb, started

PROGRAM = """\
import asyncio
import debugpy

async def wait():
    await asyncio.sleep(1000)

def make():
    return asyncio.ensure_future(wait())

async def main():
    task = make()
    await asyncio.sleep(0)
    print(debugpy.listen(("127.0.0.1", 0))[1], flush=True)
    await task

asyncio.run(main(), debug=True)
"""


def test_the_debug_mode_of_asyncio(tmp_path: Path) -> None:
    path = tmp_path / "made.py"
    path.write_text(PROGRAM)
    with started(sys.executable, path) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        lines = asynctb("dump", port).stdout.splitlines()
        snapshot = json.loads(asynctb("dump", port, "--json").stdout)["snapshot"]
    assert [line for line in lines if "created at" in line and line.endswith("made.py:8")], "\n".join(lines)
    places = [each["createdAt"] for each in snapshot["activities"] if "createdAt" in each]
    assert {(place["name"], place["location"]["line"]) for place in places} == {("make", 8), ("<module>", 16)}
    assert {snapshot["sources"][place["location"]["source"]]["path"] for place in places} == {str(path)}
