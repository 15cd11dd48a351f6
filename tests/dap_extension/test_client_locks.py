"""Who holds the lock that another one waits for: what `asynctb` says, and what it must not say."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest
from commands import asynctb, started
from debugging import PROGRAMS
from test_client_render import activity, capture, context, frame, tree

from dap_extension.client._drawing.locks import Locks

#: Whether the system tells what threads of a process do.
HAS_TASK_STATES = Path("/proc/self/task").is_dir()


def test_what_is_known_of_real_locks() -> None:
    with started(sys.executable, PROGRAMS / "deadlocks.py") as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        result = asynctb("dump", port)
    assert result.stderr == ""
    waits = dict(re.findall(r"(?:Task|Thread) (.*?)  .*?waits for (.*)", result.stdout))
    assert waits == {
        "MainThread": "events",
        "Task-1": "tasks",
        "one": "lock held by two",
        "two": "lock held by one",
        "three": "lock held by one",
        "taker": "sleep",
        "waits for taker": "lock",
        "consumer": "condition",
        "consumer for": "condition",
        "taker from consumer": "sleep",
        "taker from consumer for": "sleep",
        "waits for given up": "lock",
        "waits for given up for": "lock",
        "own": "lock held by itself",
        "semaphore": "sleep",
        "waits for semaphore": "semaphore",
        "awaiting": "task awaited",
        "awaited": "lock held by awaiting",
        # Threads; "unknown" waits for what "consumer" has given up meanwhile.
        "left": "lock held by right",
        "right": "lock held by left",
        "event": "event",
        "known": "lock held by event",
        **({"unknown": "lock"} if HAS_TASK_STATES else {}),
    }
    # "own" and "consumer" are the names of a task and a thread.
    assert "Thread own  waits for lock held by itself\n" in result.stdout
    assert "Thread consumer  waits for condition\n" in result.stdout
    assert f"Thread unknown  {'waits for lock' if HAS_TASK_STATES else 'running'}\n" in result.stdout
    deadlocks = [line for line in result.stdout.splitlines() if line.startswith("Deadlock")]
    circles = [frozenset(re.findall(r"waits for (\w+)", line)) for line in deadlocks if "itself" not in line]
    assert {*circles} == {frozenset(each) for each in (("one", "two"), ("awaiting", "awaited"), ("left", "right"))}
    assert [line for line in deadlocks if "itself" in line] == ["Deadlock: own waits for itself"] * 2
    assert len(deadlocks) == 5


def waiting(id: str, target: str, type: str = "asyncio.locks.Lock", **extra: Any) -> Dict[str, Any]:
    return activity(id, waitsFor={"description": "lock", "target": {"type": type, "address": target}}, **extra)


def lock(address: str, phase: str = "active", type: str = "asyncio.locks.Lock", **extra: Any) -> Dict[str, Any]:
    return context(manager={"type": type, "address": address}, phase=phase, description="locked, 1 waiting", **extra)


def holders(of: Any) -> Dict[str, str]:
    return Locks(of).holders


def test_the_deadlock_of_two_tasks() -> None:
    stacks = {
        "a": [frame("transfer", contexts=[lock("0x7f0001"), lock("0x7f0002", "entering")])],
        "b": [frame("transfer", contexts=[lock("0x7f0002"), lock("0x7f0001", "entering")])],
    }
    of = capture([waiting("a", "0x7f0002"), waiting("b", "0x7f0001")], stacks)
    assert tree(of) == [
        "Deadlock: name-a waits for name-b, which waits for name-a",
        "○ Task name-a  suspended, waits for lock held by name-b",
        "└── transfer  <string>:6",
        "    ├── Lock (locked, 1 waiting) at …0001",
        "    └── Lock (locked, 1 waiting) at …0002 → entering",
        "○ Task name-b  suspended, waits for lock held by name-a",
        "└── transfer  <string>:6",
        "    ├── Lock (locked, 1 waiting) at …0002",
        "    └── Lock (locked, 1 waiting) at …0001 → entering",
    ]
    # Who and which is said last, but kept longest.
    assert tree(of, width=44)[-8:-4] == [
        "○ Task name-a  waits for lock held by name-b",
        "└── transfer  <string>:6",
        "    ├── Lock (locked, 1 waiting) at …0001",
        "    └── Lock (locked, 1… at …0002 → entering",
    ]
    # They wait for different ones, so they are no group.
    assert tree(of, group=True) == tree(of)
    # One that is not shown is not talked of.
    assert tree(of, only={"c"}) == []
    # It is about to end.
    of["snapshot"]["activities"][0]["state"] = "cancelling"
    assert tree(of)[0] == "○ Task name-a  cancelling, waits for lock held by name-b"


def test_many_deadlocks() -> None:
    activities = [waiting(str(number), hex(number)) for number in range(12)]
    contexts = {str(number): [lock(hex(number)), lock(hex(number), "entering")] for number in range(12)}
    lines = tree(capture(activities, {id: [frame("f", contexts=each)] for id, each in contexts.items()}))
    assert lines[9] == "Deadlock: name-9 waits for itself"
    assert lines[10] == "... and 2 more deadlocks"


@pytest.mark.parametrize(
    ("holder", "others"),
    [
        ([lock("0x1", "entering")], []),
        ([lock("0x1", "exiting")], []),
        ([lock("0x2")], []),
        ([lock("0x1", type="asyncio.locks.Semaphore")], []),
        ([lock("0x1", type="app.Lock")], []),
        ([{**lock("0x1"), "description": "not locked, 1 waiting"}], []),
        ([lock("0x1")], [lock("0x1")]),
    ],
)
def test_what_is_not_certain_is_not_said(holder: List[Any], others: List[Any]) -> None:
    activities = [waiting("w", "0x1"), activity("h"), activity("o"), activity("without a stack")]
    stacks = {"w": [frame("f")], "h": [frame("f", contexts=holder)], "o": [frame("f", contexts=others)]}
    assert holders(capture(activities, stacks)) == {}
    stacks.update(h=[frame("f", contexts=[lock("0x1")])], o=[])
    assert holders(capture(activities, stacks)) == {"w": "h"}
    # Semaphores do not say who is to release them.
    activities[0] = waiting("w", "0x1", "asyncio.locks.Semaphore")
    assert holders(capture(activities, stacks)) == {}
    # One that is woken may have it.
    activities[0] = waiting("w", "0x1", state="ready")
    stacks["w"] = [frame("f", contexts=[lock("0x1", "entering")])]
    assert holders(capture(activities, stacks)) == {}


def test_locks_inside_context_managers() -> None:
    inner = context(inner={"frames": [frame("transaction", contexts=[lock("0x1")])]})
    entry = context("contextlib.ExitStack", children=[{"kind": "context", "context": inner}])
    stacks = {"h": [frame("f", contexts=[entry])], "w": [frame("f")]}
    assert holders(capture([waiting("w", "0x1"), activity("h")], stacks)) == {"w": "h"}


def test_a_running_task_holds_its_locks_and_not_its_thread() -> None:
    activities = [
        activity("t", "thread", "running", threadId="t"),
        activity("h", state="running", threadId="t"),
        waiting("w", "0x1"),
    ]
    contexts = [lock("0x1"), lock("0x2", "entering", "_thread.lock")]
    stacks = {"t": [frame("f", contexts=contexts), frame("<module>")], "h": [frame("f", contexts=contexts)]}
    stacks["other"] = [frame("f", contexts=[lock("0x2", type="_thread.lock")])]
    activities.append(activity("other", "thread", "running", threadId="other"))
    assert holders(capture(activities, stacks)) == {"w": "h", "h": "other"}
