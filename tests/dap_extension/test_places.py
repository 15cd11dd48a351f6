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


IN_THREADS = """
import asyncio, concurrent.futures

async def query():
    await asyncio.sleep(0)
    breakpoint()
    done = True

def query_sync():
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, query()).result()

async def polite():
    await asyncio.get_running_loop().run_in_executor(None, query_sync)

async def main():
    await asyncio.create_task(polite(), name="polite")

asyncio.run(main())
"""


def test_each_frame_belongs_to_one_activity(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(IN_THREADS)
    saved = tmp_path / "saved.json"
    answers = json.loads(asynctb("run", "--json", "--terminate", "--output", saved, program).stdout)
    names = {each["id"]: each["name"] for each in answers["snapshot"]["activities"]}
    own: Dict[str, Any] = {}
    for each in answers["stacks"]["stacks"]:
        frames = each["stack"]["frames"][::-1]
        foreign = [index for index, frame in enumerate(frames) if "activityId" in frame]
        end = foreign[0] if foreign else len(frames)
        own[names[each["activityId"]]] = [frame["name"] for frame in frames[:end]]
    for function, owner in (("query_sync", "asyncio_0"), ("polite", "polite"), ("query", "Task-")):
        (found,) = [name for name, functions in own.items() if function in functions]
        assert found.startswith(owner)
    text = asynctb("show", saved).stdout
    assert text.count("return pool.submit") == text.count("done = True") - 1 == text.count("── query  program.py") == 1
    assert "goes on in Thread asyncio_0" in text
