"""Snapshot files that a program writes by itself: whole, complete, and in the format that is read elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import signal
import stat
import sys
import threading
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

import asynctb
from asynctb import _data
from asynctb._output import document as writing

HAS_COLUMNS = sys.version_info >= (3, 11) and sys.implementation.name == "cpython"
posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and links of POSIX")


@contextlib.contextmanager
def generator_based() -> Iterator[None]:
    yield


async def waiting(lock: asyncio.Lock) -> None:
    with generator_based(), contextlib.ExitStack() as stack:
        stack.enter_context(generator_based())
        print("grüße 😀", await lock.acquire())  # @acquire


def line_of(mark: str) -> int:
    with open(__file__, encoding="utf-8") as file:
        return next(number for number, line in enumerate(file, 1) if f"# @{mark}" in line)


def check(document: Any) -> None:
    """Have the reader check it, where that runs."""
    if sys.version_info >= (3, 10):
        from dap_extension.snapshot_files.reading import check_document

        check_document(json.loads(json.dumps(document)))


def expand(shape: Any, values: List[str]) -> Any:
    if isinstance(shape, dict):
        return {
            key: values[item] if key in ("address", "activityId") else expand(item, values)
            for key, item in shape.items()
        }
    return [expand(item, values) for item in shape] if isinstance(shape, list) else shape


def saved_by_tasks(path: Path) -> Dict[str, Any]:
    async def main() -> None:
        lock = asyncio.Lock()
        await lock.acquire()
        tasks = [asyncio.ensure_future(waiting(lock)) for _ in range(3)]
        await asyncio.sleep(0)
        asynctb.snapshot().save(path)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    asyncio.run(main())
    document = json.loads(path.read_text(encoding="ascii"))
    check(document)
    assert isinstance(document, dict)
    return document


def test_what_stands_in_it(tmp_path: Path) -> None:
    document = saved_by_tasks(tmp_path / "it.json")
    assert (document["format"], document["version"]) == ("asynctb snapshot", 1)
    assert document["program"]["processId"] == os.getpid()
    assert document["python"]["version"] == "{}.{}.{}".format(*sys.version_info[:3])
    tasks = [each for each in document["activities"] if each.get("waitsFor", {}).get("kind") == "lock"]
    assert len(tasks) == 3
    assert len({each["stack"]["shape"] for each in tasks}) == 1, "equal stacks have one shape"
    stack = expand(document["shapes"][tasks[0]["stack"]["shape"]], tasks[0]["stack"]["values"])
    # The innermost first.
    assert [frame["name"].rpartition(".")[2] for frame in stack["frames"]][-2:] == ["acquire", "waiting"]
    frame = stack["frames"][-1]
    source = document["sources"][frame["location"]["source"]]
    line = line_of("acquire")
    assert (frame["location"]["line"], source["path"], source["name"]) == (line, __file__, "test_document.py")
    text = source["lines"][str(line)]
    assert text.startswith('        print("grüße 😀", await lock.acquire())')
    if HAS_COLUMNS:
        start, end = frame["location"]["column"] - 1, frame["location"]["endColumn"] - 1
        assert text.encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le") == "await lock.acquire()"
    outer, inner = frame["contexts"]
    assert outer["inner"]["frames"][0]["name"] == "generator_based"
    assert inner["children"][0]["context"]["inner"]["frames"][0]["name"] == "generator_based"
    assert tasks[0]["waitsFor"]["target"]["type"] == "asyncio.locks.Lock"


def test_children_of_groups_are_named_by_their_activities() -> None:
    snapshot: _data.SnapshotData = {
        "activities": [
            {
                "id": "task-1",
                "kind": "task",
                "framework": "trio",
                "name": "parent",
                "state": "suspended",
                "waitsFor": {"kind": "sleep", "description": "x" * 1000, "deadline": float("inf")},
                "stack": {
                    "frames": [
                        {
                            "name": "f",
                            "location": {"path": "<string>", "line": 3},
                            "contexts": [
                                {
                                    "isAsync": True,
                                    "phase": "active",
                                    "children": [
                                        {"kind": "task", "object": {"type": "Task", "address": "0x2"}},
                                        {"kind": "task", "object": {"type": "Task", "address": "0x3"}},
                                    ],
                                }
                            ],
                        }
                    ]
                },
            },
            {
                "id": "task-2",
                "kind": "task",
                "framework": "trio",
                "name": "child",
                "state": "suspended",
                "target": {"type": "Task", "address": "0x2"},
            },
        ],
        "notes": [],
        "findings": [],
    }
    writer = writing._Writer(snapshot)
    parent = writer.activity(snapshot["activities"][0], {})
    stack = expand(writer.shapes[0], parent["stack"]["values"])
    first, second = stack["frames"][0]["contexts"][0]["children"]
    assert (first["activityId"], "activityId" in second) == ("task-2", False)
    assert "deadline" not in parent["waitsFor"], "JSON has no infinity"
    assert len(parent["waitsFor"]["description"]) == 500
    assert "stackError" in writer.activity(snapshot["activities"][1], {})


@posix
def test_a_file_is_replaced_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "it.json"
    snapshot = asynctb.snapshot()
    snapshot.save(str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    link = tmp_path / "link.json"
    link.symlink_to(path)
    before = path.stat().st_ino
    snapshot.save(link)
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644, "what others were allowed stays"
    assert path.stat().st_ino != before
    whole = path.read_bytes()
    monkeypatch.setattr(os, "replace", lambda *args: (_ for _ in ()).throw(OSError("no")))
    with pytest.raises(OSError, match="no"):
        snapshot.save(path)
    assert path.read_bytes() == whole
    assert sorted(each.name for each in tmp_path.iterdir()) == ["it.json", "link.json"], "nothing is left behind"
    with pytest.raises(OSError, match="No such file"):
        snapshot.save(tmp_path / "no" / "it.json")


@posix
def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    received: List[bytes] = []
    reader = threading.Thread(target=lambda: received.append(path.read_bytes()))
    reader.start()
    asynctb.snapshot().save(path)
    reader.join()
    check(json.loads(received[0]))


def test_dumps_are_lines(tmp_path: Path) -> None:
    stream = io.StringIO()
    asynctb.dump(stream, format="json")
    asynctb.dump(stream, format="json")
    first, second = map(json.loads, stream.getvalue().splitlines())
    check(first)
    assert first["time"] <= second["time"]
    assert first["program"] == second["program"]
    with pytest.raises(ValueError, match="format must be 'text' or 'json'"):
        asynctb.dump(stream, format="xml")  # type: ignore[arg-type]


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no SIGUSR1")
def test_a_signal_writes_a_document(tmp_path: Path) -> None:
    with open(tmp_path / "dumps.jsonl", "w+", encoding="utf-8") as file:
        with asynctb.dump_on_signal(file=file, format="json") as dumping:
            signal.raise_signal(signal.SIGUSR1)
        assert (dumping.error, dumping.count) == (None, 1)
        file.seek(0)
        check(json.loads(file.read()))


def test_the_moment_is_that_of_the_snapshot() -> None:
    snapshot = asynctb.snapshot()
    assert writing._timestamp(1e9 + 0.25) == "2001-09-09T01:46:40.250000+00:00"
    assert writing.snapshot_document(snapshot)["time"] == writing._timestamp(snapshot.time)
