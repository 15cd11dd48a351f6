"""Where activities stand, by the debugger's idea of what is the user's own code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

import pytest
from commands import asynctb

PROGRAM = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
import library

async def mine():
    await library.request()

async def main():
    task = asyncio.create_task(mine(), name="mine")
    await asyncio.sleep(0)
    breakpoint()
    task.cancel()

asyncio.run(main())
"""
LIBRARY = """
import asyncio

async def request():
    await send()

async def send():
    await asyncio.Event().wait()
"""


@pytest.mark.parametrize("folder", ["site-packages", "project"])
def test_places(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "library.py").write_text(LIBRARY)
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    output = asynctb("run", "--json", "--terminate", program, tmp_path / folder).stdout
    activities: Dict[str, Any] = {each["name"]: each for each in json.loads(output)["snapshot"]["activities"]}
    task = activities["mine"]
    if folder == "project":
        assert task["top"]["name"] == "send"
        assert "innermost" not in task
    else:
        assert task["top"]["name"] == "mine"
        assert task["innermost"]["name"] == "send"
    assert activities["Task-1"]["top"]["name"] == "main"
    # What runs belongs to the task; in the stack of its thread, the frame that it begins at refers to it.
    stacks = {each["activityId"]: each["stack"]["frames"] for each in json.loads(output)["stacks"]["stacks"]}
    references = {name: [frame.get("activityId") for frame in stacks[activities[name]["id"]]] for name in activities}
    assert set(references.pop("MainThread")) == {None, activities["Task-1"]["id"]}
    assert all(set(each) == {None} for each in references.values())
    thread = stacks[activities["MainThread"]["id"]]
    assert [frame["name"] for frame in thread if "activityId" in frame] == ["main"]
    assert "innermost" not in activities["Task-1"]
