"""Who holds what others wait for, and why nothing goes on: what `asynctb` says, and what it must not say."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, Dict, List

from commands import asynctb, started
from debugging import PROGRAMS, marked_lines
from interpreters import Interpreter
from sessions import on_few_interpreters
from test_client_render import activity, capture, context, frame, tree

from dap_extension.client._commands.messages import STUCK
from dap_extension.client._drawing.changes import changes

#: Whether the system tells what threads of a process do.
HAS_TASK_STATES = Path("/proc/self/task").is_dir()


def test_what_is_known_of_real_locks() -> None:
    with started(sys.executable, PROGRAMS / "deadlocks.py") as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        result = asynctb("dump", port)
        why = asynctb("dump", port, "--why")
        as_json = asynctb("dump", port, "--json")
    assert result.stderr == ""
    waits = dict(re.findall(r"(?:Task|Thread) (.*?)  .*?waits for (.*)", result.stdout))
    assert waits == {
        "MainThread": "events",
        "Task-1": "tasks",
        "one": "lock, held by two",
        "two": "lock, held by one",
        "three": "lock, held by one",
        "taker": "sleep",
        "waits for taker": "lock",
        "consumer": "condition",
        "consumer for": "condition",
        "taker from consumer": "sleep",
        "taker from consumer for": "sleep",
        "waits for given up": "lock",
        "waits for given up for": "lock",
        "own": "lock, held by itself",
        "semaphore": "sleep",
        "waits for semaphore": "semaphore, held by semaphore",
        "awaiting": "task awaited",
        "awaited": "lock, held by awaiting",
        # Threads; "unknown" waits for what "consumer" has given up meanwhile.
        "left": "lock, held by right",
        "right": "lock, held by left",
        "event": "event",
        "known": "lock, held by event",
        **({"unknown": "lock"} if HAS_TASK_STATES else {}),
    }
    # "own" and "consumer" are the names of a task and a thread.
    assert "Thread own  waits for lock, held by itself\n" in result.stdout
    assert "Thread consumer  waits for condition\n" in result.stdout
    deadlocks = [line for line in result.stdout.splitlines() if line.startswith("Deadlock: ")]
    circles = [frozenset(re.findall(r"(\w+ \w+) waits for", line)) for line in deadlocks]
    expected = [("task one", "task two"), ("task awaiting", "task awaited"), ("thread left", "thread right")]
    assert sorted(map(sorted, circles)) == sorted(map(sorted, [*expected, ("task own",), ("thread own",)]))
    # The findings alone, and an exit code for scripts.
    assert why.returncode == STUCK
    assert [line for line in why.stdout.splitlines() if line.startswith("Deadlock: ")] == deadlocks
    assert "○" not in why.stdout
    data = json.loads(as_json.stdout)
    findings = [each for each in data["snapshot"]["findings"] if each["kind"] == "deadlock"]
    assert [each["certain"] for each in findings] == [True] * 5
    names = {each["id"]: each["name"] for each in data["snapshot"]["activities"]}
    assert {frozenset(names[id] for id in each["activityIds"]) for each in findings} == {
        frozenset(names) for names in (("one", "two"), ("awaiting", "awaited"), ("left", "right"), ("own",))
    }
    sources = data["snapshot"]["sources"]
    steps = [step for each in findings for step in each["steps"]]
    assert {sources[step["location"]["source"]]["name"] for step in steps} == {"deadlocks.py"}
    (one,) = [each for each in data["snapshot"]["activities"] if each["name"] == "one"]
    (holder,) = one["waitsFor"]["holders"]
    assert (names[holder["activityId"]], holder["permits"], holder["evidence"]) == ("two", 1, "block")
    assert sources[holder["location"]["source"]]["path"] == str(PROGRAMS / "deadlocks.py")


def waiting(id: str, target: str, *holders: str, **extra: Any) -> Dict[str, Any]:
    waits: Dict[str, Any] = {"kind": "lock", "description": "lock", "target": {"type": "Lock", "address": target}}
    if holders:
        waits["holders"] = [{"activityId": each, "permits": 1, "evidence": "block"} for each in holders]
    return activity(id, waitsFor=waits, **extra)


def lock(address: str, phase: str = "active", **extra: Any) -> Dict[str, Any]:
    manager = {"type": "asyncio.locks.Lock", "address": address}
    return context(manager=manager, phase=phase, description="locked, 1 waiting", **extra)


def finding(*ids: str, certain: bool = True, kind: str = "deadlock") -> Dict[str, Any]:
    text = f"{', '.join(ids)} wait for each other"
    return {"kind": kind, "certain": certain, "text": text, "activityIds": list(ids), "steps": []}


def found(of: Any, *findings: Dict[str, Any]) -> Any:
    of["snapshot"]["findings"] = list(findings)
    return of


def test_the_deadlock_of_two_tasks() -> None:
    stacks = {
        "a": [frame("transfer", contexts=[lock("0x7f0001"), lock("0x7f0002", "entering")])],
        "b": [frame("transfer", contexts=[lock("0x7f0002"), lock("0x7f0001", "entering")])],
    }
    of = found(capture([waiting("a", "0x7f0002", "b"), waiting("b", "0x7f0001", "a")], stacks), finding("a", "b"))
    assert tree(of) == [
        "Deadlock: a, b wait for each other",
        "○ Task name-a  suspended, waits for lock, held by name-b",
        "└── transfer  <string>:6",
        "    ├── Lock (locked, 1 waiting) at …0001",
        "    └── Lock (locked, 1 waiting) at …0002 → entering",
        "○ Task name-b  suspended, waits for lock, held by name-a",
        "└── transfer  <string>:6",
        "    ├── Lock (locked, 1 waiting) at …0002",
        "    └── Lock (locked, 1 waiting) at …0001 → entering",
    ]
    # Who and which is said last, but kept longest.
    assert tree(of, width=45)[-8:-4] == [
        "○ Task name-a  waits for lock, held by name-b",
        "└── transfer  <string>:6",
        "    ├── Lock (locked, 1 waiting) at …0001",
        "    └── Lock (locked, 1 … at …0002 → entering",
    ]
    # They wait for different ones, so they are no group.
    assert tree(of, group=True) == tree(of)
    # One that is not shown is not talked of.
    assert tree(of, only={"c"}) == []


def test_many_findings() -> None:
    of = found(capture([activity("a")], {}), *[finding(f"a{number}", certain=number == 0) for number in range(22)])
    lines: List[str] = tree(of)
    assert lines[:2] == ["Deadlock: a0 wait for each other", "Deadlock?: a1 wait for each other"]
    assert lines[20] == "... and 2 more findings"


def test_what_appeared_and_went() -> None:
    before, after = capture([activity("a")], {}), capture([activity("a")], {})
    found(before, finding("a"), finding("b", kind="starved", certain=False))
    found(after, finding("a"), finding("c"))
    texts = [line.plain for line in changes(before, after)]
    assert texts == ["- Starved?: b wait for each other", "+ Deadlock: c wait for each other"]


@on_few_interpreters
def test_a_stop_in_the_task_that_made_the_locks(interpreter: Interpreter) -> None:
    """The debugger waits there in a lock of its own, with those of the program at hand."""
    script = PROGRAMS / "two_locks.py"
    place = f"{script}:{marked_lines(script)['paused']}"
    result = asynctb("run", "--why", "--python", interpreter.path, "--break", place, script)
    assert result.stdout.startswith("Deadlock: task transfer-1 waits for lock"), result
    assert result.returncode == STUCK
