"""Where an activity stands: in the user's own code, and not in that of libraries."""

from __future__ import annotations

import asyncio
import os
import queue
import sys
import threading
from typing import Any, Dict, List, Tuple

import attrs
import pytest
from support import names

import asynctb
from asynctb import Activity
from asynctb._own_code import is_own_file
from asynctb._snapshot.listing import snapshot

LIBRARY = """
async def request(wait):
    await send(wait)

async def send(wait):
    await wait

async def serve(wait, handler):
    await handler(wait)

async def fail():
    raise ValueError("in the library")
"""


@pytest.fixture
def library() -> Dict[str, Any]:
    space: Dict[str, Any] = {"__name__": "library"}
    exec(compile(LIBRARY, os.path.join(sys.prefix, "lib", "site-packages", "library.py"), "exec"), space)
    return space


@pytest.mark.parametrize(
    ("filename", "is_own"),
    [
        ("/srv/shop/pool.py", True),
        ("pool.py", True),
        ("<stdin>", True),
        ("<ipython-input-1-abc>", True),
        ("/home/me/site-packages.py", True),
        ("<frozen runpy>", False),
        (queue.__file__, False),
        ("/srv/venv/lib/python3.12/site-packages/httpx/_client.py", False),
        ("/usr/lib/python3/dist-packages/yaml/__init__.py", False),
        (r"C:\venv\Lib\site-packages\httpx\_client.py", False),
    ],
)
def test_files(filename: str, is_own: bool) -> None:
    assert is_own_file(filename) is is_own


def places(task: Activity) -> Tuple[List[str], List[str]]:
    return names([task.top] if task.top else []), names([task.innermost] if task.innermost else [])


def test_tasks(library: Dict[str, Any]) -> None:
    async def mine(wait: Any) -> None:
        await library["request"](wait)

    async def handler(wait: Any) -> None:
        await wait

    async def fails() -> None:
        await library["fail"]()

    async def main() -> Dict[str, Tuple[List[str], List[str]]]:
        loop = asyncio.get_running_loop()
        ended = asyncio.ensure_future(fails())
        tasks = [
            asyncio.ensure_future(mine(loop.create_future())),
            asyncio.ensure_future(library["request"](loop.create_future())),
            asyncio.ensure_future(library["serve"](loop.create_future(), handler)),
            ended,
        ]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        found = {id(each.target): each for each in snapshot().activities}
        result = dict(zip(("mine", "library", "serve", "fails"), [places(found[id(task)]) for task in tasks]))
        data = found[id(tasks[0])]
        for task in tasks[:3]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert data.traceback is not None
        assert names(data.traceback)[:3] == ["mine", "request", "send"]
        return result

    assert asyncio.run(main()) == {
        "mine": (["mine"], ["send"]),
        "library": (["send"], []),
        "serve": (["handler"], []),
        "fails": (["fails"], ["fail"]),
    }


def test_what_runs(library: Dict[str, Any]) -> None:
    found: List[Activity] = []
    exec(compile("def look(snapshot): return snapshot()", "/opt/site-packages/looking.py", "exec"), library)

    async def runs() -> None:
        found.extend(library["look"](snapshot).activities)

    asyncio.run(runs())
    running = [each for each in found if each.state == "running" and each.top is not None]
    assert [places(each) for each in running] == [(["runs"], ["look"])] * 2


def test_what_a_hook_for_frames_hides_does_not_count() -> None:
    async def outer() -> None:
        await inner()

    async def inner() -> None:
        await asyncio.sleep(3600)

    def waits(event: threading.Event) -> None:
        event.wait()

    def runs(event: threading.Event) -> None:
        waits(event)

    for function in (inner, waits):
        asynctb.register_elaborate_frame(function)(lambda info, walk: attrs.evolve(info, hide=True))

    async def main() -> None:
        task = asyncio.ensure_future(outer())
        task.set_name("task")
        await asyncio.sleep(0)
        released = threading.Event()
        thread = threading.Thread(target=runs, args=(released,), name="thread")
        thread.start()
        try:
            for tracebacks in (True, False):
                tops: Dict[str, Any] = {}
                while tops.get("thread") is None or not tops["thread"].funcname.endswith("runs"):
                    tops = {each.name: each.top for each in asynctb.snapshot(tracebacks=tracebacks).activities}
                assert tops["task"].funcname.endswith("outer")
        finally:
            released.set()
            thread.join()
            task.cancel()

    asyncio.run(main())
