"""The tree of a capture, for captures that are hard to get from a real program."""

from __future__ import annotations

import copy
import io
import json
import re
from pathlib import Path
from typing import Any, Dict, List, Optional, Set

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from rich.tree import Tree

from dap_extension.client._drawing.branches import Branch, Pen
from dap_extension.client._drawing.changes import changes
from dap_extension.client._drawing.filter import matching
from dap_extension.client._drawing.lines import Line, shortened
from dap_extension.client._drawing.source_text import Sources, short_path, strip_comment
from dap_extension.client._drawing.tree import MAX_NESTING, Captured, count_activities, headline
from dap_extension.client._session.helper import Capture, Helper, HelperError
from dap_extension.protocol import VARYING

SOURCE = """\
async def main():
    async with lock, db.transaction(
        "write",  # a comment
        retries=3,
    ) as (connection, *rest):
        await thing()  # here
    grüße = "😀😀"; await other("#")
    if "😀":
        async with grüße("😀"), x:
            pass
"""


UNKNOWN = {"kind": "unknown"}


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "app.py"
    path.write_text(SOURCE, encoding="utf-8")
    return str(path)


def activity(id: str, kind: str = "task", state: str = "suspended", **extra: Any) -> Dict[str, Any]:
    return {"id": id, "kind": kind, "framework": "asyncio", "name": f"name-{id}", "state": state, **extra}


def frame(name: str, line: int = 6, **extra: Any) -> Dict[str, Any]:
    return {"name": name, "location": {"source": 0, "line": line}, **extra}


def context(type: str = "app.Manager", **extra: Any) -> Dict[str, Any]:
    return {"isAsync": False, "phase": "active", "manager": {"type": type, "address": "0x1"}, **extra}


def capture(
    activities: List[Dict[str, Any]], stacks: Dict[str, List[Dict[str, Any]]], path: Optional[str] = None, **stack: Any
) -> Any:
    sources = [{"name": "app.py", "path": path} if path else {"name": "<string>", "sourceReference": 3}]
    return {
        "handshake": {
            "protocolVersion": 1,
            "helperVersion": "1",
            "python": {"implementation": "CPython", "version": "3.12.1", "platform": "linux"},
            "processId": 42,
            "capabilities": {},
            "contexts": "full",
            "notes": [],
        },
        "stop": None,
        "snapshot": {
            "snapshotId": 1,
            "total": len(activities),
            "start": 0,
            "activities": activities,
            "sources": sources,
            "paused": False,
            "notes": [],
            "findings": [],
        },
        "stacks": {
            "snapshotId": 1,
            "stacks": [{"activityId": id, "stack": {"frames": frames, **stack}} for id, frames in stacks.items()],
            "sources": sources,
        },
    }


def tree(
    of: Capture, *, hidden: bool = False, group: bool = False, only: Optional[Set[str]] = None, width: int = 200
) -> List[str]:
    """Return the lines of the tree, without the headline."""
    console = Console(file=io.StringIO(), width=width)
    console.print(Captured(of, hidden=hidden, group=group, only=only))
    assert isinstance(console.file, io.StringIO)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    return [line for line in lines[3:] if line]


def test_outermost_frame_first_and_hidden_frames_left_out() -> None:
    frames = [frame("inner"), frame("library", hidden=True), frame("outer")]
    of = capture([activity("a")], {"a": frames}, leaf={"type": "asyncio.Future", "address": "0x5"})
    assert tree(of) == [
        "○ Task name-a  suspended",
        "├── outer  <string>:6",
        "├── inner  <string>:6",
        "└── awaits asyncio.Future at 0x5",
    ]
    of["stacks"]["stacks"][0]["stack"]["error"] = "nothing tells what it awaits"
    of["snapshot"]["activities"][0]["waitsFor"] = {"kind": "unknown", "description": "event"}
    assert tree(of)[3] == "└── awaits asyncio.Future at 0x5, the stack ends here: nothing tells what it awaits"
    del of["stacks"]["stacks"][0]["stack"]["error"], of["snapshot"]["activities"][0]["waitsFor"]
    assert "├── library  <string>:6" in tree(of, hidden=True)
    # Better than nothing: what a task was made to run, and where a thread is.
    of["stacks"]["stacks"][0]["stack"]["frames"] = [frame("innermost", hidden=True), frame("outermost", hidden=True)]
    assert tree(of)[1] == "├── outermost  <string>:6"
    of["snapshot"]["activities"][0]["kind"] = "thread"
    assert tree(of)[1] == "├── innermost  <string>:6"


def test_source_text(file: str) -> None:
    # Lines count from 1; columns count UTF-16 units from 1.
    locations = [
        # Items, CPython 3.13 and later.
        {"source": 0, "line": 2, "column": 16, "endLine": 2, "endColumn": 20},
        {"source": 0, "line": 2, "column": 22, "endLine": 5, "endColumn": 6},
        # The statement with its body, 3.11 and 3.12.
        {"source": 0, "line": 2, "column": 5, "endLine": 6, "endColumn": 22},
        {"source": 0, "line": 2, "column": 5, "endLine": 6, "endColumn": 22},
        # The statement, before.
        {"source": 0, "line": 2},
        {"source": 0, "line": 2},
        {"source": 0, "line": 2},  # there is no third item
        {"source": 0, "line": 9, "column": 33},
        {"source": 0, "line": 9, "column": 34},  # there is no such item
    ]
    frames = [frame("main", contexts=[context(location=each, isAsync=True) for each in locations])]
    transaction = "async with db.transaction('write', retries=3) as (connection, *rest) → Manager"
    assert tree(capture([activity("a")], {"a": frames}, file))[1:] == [
        "└── main  app.py:6  await thing()",
        "    ├── async with lock → Manager",
        f"    ├── {transaction}",
        "    ├── async with lock → Manager",
        f"    ├── {transaction}",
        "    ├── async with lock → Manager",
        f"    ├── {transaction}",
        "    ├── async with Manager",
        "    ├── async with x → Manager",
        "    └── async with Manager",
    ]
    assert Sources([{"path": file}]).text({"source": 0, "line": 7}) == 'grüße = "😀😀"; await other("#")'


def test_source_text_that_is_not_there(tmp_path: Path) -> None:
    for content in (b"\xff\xfe\x00", b"# coding: nonsense\nx = 1\n", b""):
        path = tmp_path / "bad.py"
        path.write_bytes(content)
        assert Sources([{"path": str(path)}]).text({"source": 0, "line": 2}) == ""
        path.unlink()
    assert Sources([{"path": str(tmp_path / "nowhere.py")}]).text({"source": 0, "line": 1}) == ""
    assert Sources([{"name": "<string>"}]).text({"source": 0}) == ""
    where = {"source": 0, "line": 1, "column": 1, "endLine": 10**9, "endColumn": 1}
    assert Sources([{"path": str(tmp_path)}]).with_item(where, 0) == ""  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "short"),
    [
        ("/usr/lib/python3.12/asyncio/tasks.py", "asyncio/tasks.py"),
        ("/venv/lib/python3.12/site-packages/trio/_core/_run.py", "trio/_core/_run.py"),
        (r"/elsewhere/app.py", "/elsewhere/app.py"),
        (str(Path("examples/x.py").resolve()), str(Path("examples/x.py"))),
    ],
)
def test_short_paths(path: str, short: str) -> None:
    assert short_path(path) == short


@pytest.mark.parametrize(
    ("line", "without"),
    [
        ("x = 1  # one", "x = 1"),
        ("x = '#'", "x = '#'"),
        ("x = '#'  # hash", "x = '#'"),
        ("# all", ""),
        ("x", "x"),
    ],
)
def test_comments(line: str, without: str) -> None:
    assert strip_comment(line) == without


def test_context_managers_without_source() -> None:
    contexts = [
        context("threading.Lock", location={"source": 0, "line": 1}, varname="self.x", description="locked"),
        context("app.timeout", isAsync=True, location={"source": 0, "line": 1}, description="timeout(5 s, 3.2 left)"),
        {"isAsync": True, "phase": "exiting", "location": {"source": 0}, "unknown": "the frame is running"},
        context("app.Transaction", location={"source": 0}, phase="exiting", exception="ValueError: no such item"),
        context(
            "contextlib.ExitStack",
            location={"source": 0, "line": 2},
            description="ExitStack with 2 entries",
            phase="entering",
            children=[
                {"kind": "context", "context": context(description="callback close()")},
                {"kind": "task", "object": {"type": "asyncio.Task", "address": "0x7"}},
            ],
            inner={"frames": [frame("generator", 3)], "error": "it is finished"},
        ),
    ]
    frames = [frame("main", contexts=contexts, contextsUnknown="no reader for this interpreter")]
    assert tree(capture([activity("a")], {"a": frames}))[2:] == [
        "    ├── with Lock (locked) as self.x",
        "    ├── async with timeout(5 s, 3.2 left)",
        "    ├── async with ? → exiting  (the frame is running)",
        "    ├── with Transaction → exiting  because of ValueError: no such item",
        "    ├── with ExitStack with 2 entries → entering",
        "    │   ├── generator  <string>:3",
        "    │   ├── the stack ends here: it is finished",
        "    │   ├── callback close()",
        "    │   └── asyncio.Task at 0x7",
        "    └── perhaps more context managers: no reader for this interpreter",
    ]


def test_a_narrow_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a_module_with_a_long_name.py"
    path.write_text(
        "async with self.application.database.connection_semaphore:\n    await self.do(argument, another_argument)\n"
    )
    where = {"source": 0, "line": 1, "column": 1, "endLine": 1, "endColumn": 3}
    semaphore = context("asyncio.locks.Semaphore", isAsync=True, location=where, description="value 0, 2 waiting")
    frames = [
        frame("Application.handle_request", 1, contexts=[{**semaphore, "phase": "entering"}]),
        frame("a_function_inside.<locals>.another_function", 2, contexts=[semaphore]),
    ]
    name: Any = {"name": "a task with a long name " * 3, "waitsFor": {**UNKNOWN, "description": "semaphore"}}
    of = capture([activity("a", **name)], {"a": frames}, str(path))
    # The code of the frames gives way first.
    assert [line for line in tree(of, width=120) if "…" in line] == [
        "├── a_function_inside.<locals>.another_function  a_module_with_a_long_name.py:2  "
        "await self.do(argument, another_argume…",
        "└── Application.handle_request  a_module_with_a_long_name.py:1  "
        "async with self.application.database.connection_semapho…",
    ]
    assert tree(of, width=80) == [
        "○ Task a task with a long n…sk with a long name   suspended, waits for semaphore",
        "├── a_function_inside.<locals>.another_function  a_module_with_a_long_name.py:2",
        "│   └── async with self.applicati…ion_semaphore → Semaphore (value 0, 2 waiting)",
        "└── Application.handle_request  a_module_with_a_long_name.py:1  async with self…",
        "    └── async with self.appl…semaphore → entering Semaphore (value 0, 2 waiting)",
    ]
    assert tree(of, width=60) == [
        "○ Task a task wit…long name   suspended, waits for semaphore",
        "├── a_function_i…er_function  a_module_with_a_long_name.py:2",
        "│   └── async with self…ore → Semaphore (value 0, 2 waiting)",
        "└── Application.…dle_request  a_module_with_a_long_name.py:1",
        "    └── async with sel…re → entering Semaphore (value 0, 2 …",
    ]
    # Where nothing else helps, the end is cut off.
    assert max(map(len, tree(of, width=30))) == 30
    assert all("…" in line for line in tree(of, width=20)[-5:])


@pytest.mark.parametrize(
    ("where", "short"), [("start", "…fghij"), ("middle", "abc…ij"), ("end", "abcde…")], ids=lambda each: str(each)
)
def test_shortening(where: Any, short: str) -> None:
    assert shortened("abcdefghij", 6, where, "…") == short
    assert shortened("abcdefghij", 10, where, "…") == "abcdefghij"
    assert [shortened("abcdefghij", width, where, "...") for width in (-1, 0, 2, 3)] == ["", "", "..", "..."]
    # Some characters take two columns.
    for width in range(12):
        assert cell_len(shortened("漢字かな交じり文", width, where, "…")) <= width


def test_tasks_of_a_task_group_are_shown_under_it() -> None:
    group = context(
        "asyncio.TaskGroup", isAsync=True, children=[{"kind": "task", "activityId": "child", "object": {}}] * 2
    )
    activities = [
        activity("thread", "thread", "running", loopId="loop-1"),
        activity("main", threadId="thread", parentId="thread"),
        activity("child", threadId="thread", parentId="main"),
        activity("other", threadId="thread", parentId="main"),
    ]
    of = capture(activities, {"main": [frame("main", contexts=[group])], "child": [frame("child")]})
    assert tree(of) == [
        "● Thread name-thread  running",
        "└── ○ Task name-main  suspended",
        "    ├── main  <string>:6",
        "    │   └── TaskGroup",
        "    │       └── ○ Task name-child  suspended",
        "    │           └── child  <string>:6",
        "    └── ○ Task name-other  suspended",
    ]


def test_a_filter_does_not_tear_tasks_from_their_group() -> None:
    group = context("asyncio.TaskGroup", children=[{"kind": "task", "activityId": "child", "object": {}}])
    activities = [activity("main"), activity("child", parentId="main")]
    of = capture(activities, {"main": [frame("main", contexts=[group])], "child": [frame("child")]})
    assert tree(of, only={"child"}) == [
        "○ Task name-main  suspended",
        "└── ○ Task name-child  suspended",
        "    └── child  <string>:6",
    ]


def test_tasks_that_run_inside_each_other() -> None:
    activities = [
        activity("t", "thread", "running"),
        *[activity(each, state="running", parentId="t", threadId="t") for each in "abc"],
    ]
    others = [{"activityId": each} for each in "cba"]
    frames = [
        frame("compute", 1),
        *[{**frame(name, line), **other} for name, line, other in zip(("inner", "middle", "outer"), (2, 3, 4), others)],
        frame("run", 5),
    ]
    inner, middle, outer = frame("inner", 2), frame("middle", 3), frame("outer", 4)
    stacks = {
        "t": frames,
        "b": [*frames[:2], middle],
        "a": [*frames[:3], outer],
        "c": [frames[0], inner],
    }
    assert tree(capture(activities, stacks)) == [
        "● Thread name-t  running",
        "├── run  <string>:5",
        "├── ● Task name-a  running",
        "│   ├── outer  <string>:4",
        "│   └── goes on in Task name-b",
        "├── ● Task name-b  running",
        "│   ├── middle  <string>:3",
        "│   └── goes on in Task name-c",
        "└── ● Task name-c  running",
        "    ├── inner  <string>:2",
        "    └── compute  <string>:1",
    ]


def test_frames_of_a_greenlet_that_a_task_executes_are_shown_once() -> None:
    inside = [frame("awaits", 3), frame("synchronous", 2)]
    stack = [frame("sleep", 4), *inside, frame("spawn", 1)]
    greenlet = activity("x", "greenlet", framework="greenlet", parentId="a")
    of = capture([activity("a"), greenlet], {"a": stack, "x": [inside[0], {**inside[1], "activityId": "a"}]})
    assert tree(of) == [
        "○ Task name-a  suspended",
        "├── spawn  <string>:1",
        "├── synchronous  <string>:2",
        "├── awaits  <string>:3",
        "├── sleep  <string>:4",
        "└── ○ Greenlet name-x  suspended",
        "    └── goes on in Task name-a",
    ]


def test_what_a_thread_executes_is_not_repeated_by_tasks_that_wait_for_it() -> None:
    activities = [
        activity("t", "thread", "running"),
        activity("u", "thread", "running"),
        activity("a"),
        activity("b"),
    ]
    works = frame("works", 2)
    stacks = {"t": [works], "u": [works]}
    stacks.update({task: [{**works, "activityId": thread}, frame("waits", 1)] for task, thread in ("at", "bu")})
    assert tree(capture(activities, stacks))[4:] == [
        "○ Task name-a  suspended",
        "├── waits  <string>:1",
        "└── goes on in Thread name-t",
        "○ Task name-b  suspended",
        "├── waits  <string>:1",
        "└── goes on in Thread name-u",
    ]
    assert tree(capture(activities, stacks), group=True)[-3:] == [
        "○ 2 tasks name-a, name-b  suspended",
        "├── waits  <string>:1",
        "└── goes on in Thread name-t, name-u",
    ]


def test_a_running_task_is_shown_once() -> None:
    activities = [
        activity("t", "thread", "running", threadId="t"),
        activity("a", state="running", parentId="t", threadId="t"),
    ]
    inner, outer, module = frame("inner"), frame("outer"), frame("<module>")
    of = capture(
        activities, {"t": [inner, {**outer, "activityId": "a"}, module], "a": [{**inner, "frameId": 3}, outer]}
    )
    assert tree(of) == [
        "● Thread name-t  running",
        "├── <module>  <string>:6",
        "└── ● Task name-a  running",
        "    ├── outer  <string>:6",
        "    └── inner  <string>:6",
    ]


def test_tasks_that_only_a_hidden_frame_holds_are_shown_where_they_belong() -> None:
    nursery = context(children=[{"kind": "task", "activityId": "child", "object": {}}])
    activities = [
        activity("t", "thread", "running"),
        activity("init", parentId="t", threadId="t"),
        activity("child", parentId="init", threadId="t"),
    ]
    of = capture(activities, {"init": [frame("run"), frame("init", hidden=True, contexts=[nursery])]})
    assert tree(of)[2:] == ["    ├── run  <string>:6", "    └── ○ Task name-child  suspended"]
    assert tree(of, hidden=True)[4:] == ["    │       └── ○ Task name-child  suspended", "    └── run  <string>:6"]


def test_several_loops() -> None:
    activities = [
        activity("t", "thread", "running"),
        activity("a", parentId="t", loopId="loop-1"),
        activity("b", parentId="t", loopId="loop-2"),
    ]
    assert tree(capture(activities, {})) == [
        "● Thread name-t  running",
        "├── loop-1",
        "│   └── ○ Task name-a  suspended",
        "└── loop-2",
        "    └── ○ Task name-b  suspended",
    ]


def test_nothing_is_lost_when_parents_are_strange() -> None:
    activities = [
        activity("self", parentId="self"),
        activity("one", parentId="two"),
        activity("two", parentId="one"),
        activity("orphan", parentId="gone"),
    ]
    of = capture(activities, {})
    of["stacks"]["stacks"] = [{"activityId": "orphan", "error": {"format": "it has ended"}}]
    assert tree(of) == [
        "○ Task name-self  suspended",
        "○ Task name-orphan  suspended",
        "└── it has ended",
        "○ Task name-one  suspended",
        "└── ○ Task name-two  suspended",
    ]


def test_deep_nesting_is_cut_off() -> None:
    innermost = context()
    for _ in range(5000):
        innermost = context(children=[{"kind": "context", "context": innermost}])
    assert len(tree(capture([activity("a")], {"a": [frame("main", contexts=[innermost])]}))) == MAX_NESTING + 2


def test_groups() -> None:
    activities = [activity(str(number), waitsFor={**UNKNOWN, "description": "lock"}) for number in range(7)]
    stacks = {
        str(number): [frame("work", contexts=[context(manager={"type": "Lock", "address": hex(number)})])]
        for number in range(7)
    }
    stacks["6"] = [frame("work", 7)]
    of = capture(activities, stacks)
    last = ["○ Task name-6  suspended, waits for lock", "└── work  <string>:7"]
    assert tree(of, group=True) == [
        "○ 6 tasks name-0, name-1, name-2, ..., name-5  suspended, wait for lock",
        "└── work  <string>:6",
        "    └── Lock",
        *last,
    ]
    # "..." stands for more than one.
    del of["snapshot"]["activities"][0]
    assert tree(of, group=True)[0] == "○ 5 tasks name-1, name-2, name-3, name-4, name-5  suspended, wait for lock"
    for each in of["snapshot"]["activities"]:
        each["name"] = "w"
    assert tree(of, group=True)[0] == "○ 5 tasks w  suspended, wait for lock"


def test_groups_inside_a_task_group() -> None:
    def members(*ids: str) -> Dict[str, Any]:
        children = [{"kind": "task", "activityId": each, "object": {}} for each in ids]
        return context("asyncio.TaskGroup", isAsync=True, children=children)

    activities = [activity(each, parentId="main") for each in "abc"]
    activities += [activity("main"), activity("d", state="running", parentId="main")]
    stacks = {each: [frame("work")] for each in "abc"}
    of = capture(activities, {"main": [frame("main", contexts=[members("a", "b", "c", "d")])], **stacks})
    head = ["○ Task name-main  suspended", "└── main  <string>:6", "    └── TaskGroup"]
    assert tree(of, group=True) == [
        *head,
        "        ├── ● Task name-d  running",
        "        └── ○ 3 tasks name-a, name-b, name-c  suspended",
        "            └── work  <string>:6",
    ]
    # What runs comes first without groups, too.
    assert tree(of)[3:5] == ["        ├── ● Task name-d  running", "        ├── ○ Task name-a  suspended"]
    # Those that have tasks of their own are alike if these are.
    activities += [activity("e", parentId="a"), activity("f", parentId="b"), activity("g", parentId="c")]
    for parent, child, line in (("a", "e", 6), ("b", "f", 6), ("c", "g", 7)):
        stacks[parent] = [frame("work", contexts=[members(child)])]
        stacks[child] = [frame("inside", line)]
    of = capture(activities, {"main": [frame("main", contexts=[members("a", "b", "c")])], **stacks})
    tasks = [line.lstrip("│├└─○ ") for line in tree(of, group=True) if "task" in line.casefold() and "name" in line]
    assert tasks[:5] == [
        "Task name-main  suspended",
        "2 tasks name-a, name-b  suspended",
        "2 tasks name-e, name-f  suspended",
        "Task name-c  suspended",
        "Task name-g  suspended",
    ]
    assert sum(line.count("inside") for line in tree(of, group=True)) == 2
    # So with --filter, for what is shown of each.
    filtered = tree(of, group=True, only={"e", "f"})
    assert [line.lstrip("│├└─○ ") for line in filtered] == [
        "Task name-main  suspended",
        "2 tasks name-a, name-b  suspended",
        "2 tasks name-e, name-f  suspended",
        "inside  <string>:6",
    ]


def test_groups_of_pairs() -> None:
    activities, stacks = [], {}
    for number in range(9):
        one, other = f"a{number}", f"b{number}"
        waits = {"kind": "task", "description": f"task name-{other}", "activityIds": [other]}
        activities.append(activity(one, waitsFor=waits))
        activities.append(activity(other, parentId=one, waitsFor={**UNKNOWN, "description": "sleep"}))
        stacks.update({one: [frame("connection")], other: [frame("work")]})
    of = capture(activities, stacks)
    assert tree(of, group=True) == [
        "○ 9 tasks name-a0, name-a1, name-a2, ..., name-a8  suspended, wait for task name-b0, name-b1, name-b2, ..., "
        "name-b8",
        "├── connection  <string>:6",
        "└── ○ 9 tasks name-b0, name-b1, name-b2, ..., name-b8  suspended, wait for sleep",
        "    └── work  <string>:6",
    ]
    # Every one is shown once, whatever is different.
    activities[3]["waitsFor"] = {"kind": "unknown", "description": "event"}
    activities[-1]["parentId"] = "b0"
    activities[6]["waitsFor"] = {"kind": "task", "description": "task name-b0", "activityIds": ["b0"]}
    lines = tree(of, group=True)
    assert "○ 5 tasks name-a2, name-a4, name-a5, name-a6, name-a7" in "\n".join(lines)
    assert sum("connection" in line for line in lines) == 5
    del activities[6]["waitsFor"]
    # Circles end.
    activities[0]["parentId"] = "b0"
    assert sum("name-b0" in line for line in tree(of, group=True)) == 2


def test_a_long_chain_is_grouped_without_recursion() -> None:
    activities = [activity(str(number), parentId=str(number - 1)) for number in range(5000)]
    assert tree(capture(activities, {}), group=True)[0] == "○ Task name-0  suspended"


def test_failed_tasks() -> None:
    failure = {"state": "done", "failure": "ValueError: no such item"}
    activities = [activity("a", **failure), activity("b"), activity("c", **failure), activity("d", state="done")]
    activities.append(activity("e", state="done", failure="KeyError: 5"))
    stacks = {"a": [frame("fetch"), frame("outer")], "c": [frame("fetch"), frame("outer")], "e": [frame("fetch")]}
    of = capture(activities, stacks)
    assert count_activities(activities) == "5 tasks (3 failed, 1 suspended, 1 done)"  # type: ignore[arg-type]
    assert tree(of)[:3] == [
        "✗ Task name-a  done, failed with ValueError: no such item",
        "├── outer  <string>:6",
        "└── fetch  <string>:6",
    ]
    assert [line for line in tree(of, group=True) if "ask" in line] == [
        "✗ 2 tasks name-a, name-c  done, failed with ValueError: no such item",
        "○ Task name-b  suspended",
        "○ Task name-d  done",
        "✗ Task name-e  done, failed with KeyError: 5",
    ]
    assert matching(of, "FAILED") == {"a", "c", "e"}
    assert matching(of, "no such") == {"a", "c"}


def test_where_tasks_were_made() -> None:
    here, there = (frame("make", line) for line in (7, 8))
    of = capture([activity("a", createdAt=here), activity("b", createdAt=there), activity("c", createdAt=here)], {})
    assert tree(of, group=True) == [
        "○ 2 tasks name-a, name-c  suspended",
        "└── created at  <string>:7",
        "○ Task name-b  suspended",
        "└── created at  <string>:8",
    ]


def test_filter(file: str) -> None:
    activities = [
        activity("t", "thread", "running"),
        activity("a", parentId="t", waitsFor={**UNKNOWN, "description": "Semaphore"}),
        activity("b", parentId="t", state="cancelling"),
        activity("c", parentId="b"),
    ]
    of = capture(activities, {"t": [frame("<module>")], "c": [frame("fetch", contexts=[context(varname="db")])]}, file)
    for text, ids in {
        "semaphore": {"a"},
        "NAME-": {"t", "a", "b", "c"},
        "cancel": {"b"},
        "fet": {"c"},
        "db": {"c"},
        "app.manager": {"c"},
        "app.py": {"t", "c"},
        "0x1": set(),
        "thread": {"t"},
    }.items():
        assert matching(of, text) == ids, text
    # Not what is only in frames that are not shown.
    of["stacks"]["stacks"][-1]["stack"]["frames"].append(frame("library", hidden=True, contexts=[context("lib.Own")]))
    assert matching(of, "library") == matching(of, "lib.own") == set()
    assert matching(of, "library", hidden=True) == matching(of, "lib.own", hidden=True) == {"c"}
    del of["stacks"]["stacks"][-1]["stack"]["frames"][0]
    assert matching(of, "library") == {"c"}  # then it is shown
    of["stacks"]["stacks"][-1]["stack"]["frames"].insert(0, frame("fetch", contexts=[context(varname="db")]))
    # What it belongs to is named, without its stack.
    assert tree(of, only={"c"}) == [
        "● Thread name-t  running",
        "└── ○ Task name-b  cancelling",
        "    └── ○ Task name-c  suspended",
        "        └── fetch  app.py:6  await thing()",
        "            └── Manager",
    ]


def test_changes() -> None:
    before = capture([activity("a", top=frame("one", 1)), activity("b"), activity("c")], {})
    after = copy.deepcopy(before)
    after["snapshot"]["activities"][0] = activity("a", top=frame("one", 2), waitsFor={**UNKNOWN, "description": "lock"})
    after["snapshot"]["activities"][1] = activity("d", state="created")
    assert [line.plain for line in changes(before, after)] == [
        "- Task name-b  ended",
        "~ Task name-a  suspended, in one at <string>:2, waits for lock  before: suspended, in one at <string>:1",
        "+ Task name-d  created",
    ]
    assert changes(after, after) == []
    assert [line.plain for line in changes(before, after, {"b", "c"})] == ["- Task name-b  ended"]
    failed = copy.deepcopy(after)
    failed["snapshot"]["activities"][1] = activity("d", state="done", failure="KeyError: 5", top=frame("fetch", 7))
    (line,) = changes(after, failed)
    assert line.plain == "~ Task name-d  failed with KeyError: 5, in fetch at <string>:7  before: created"
    assert line.style == "red"


def test_names_cannot_control_the_terminal() -> None:
    nasty = "a\nb\x1b[31m\x9b\ud800\u202e"
    of = capture(
        [activity("a", waitsFor={**UNKNOWN, "description": nasty}), activity("b", failure=nasty)],
        {"a": [frame(nasty, contexts=[context(nasty, varname=nasty, unknown=nasty)], contextsUnknown=nasty)]},
        error=nasty,
    )
    of["snapshot"]["activities"][0].update(name=nasty)
    of["snapshot"]["notes"] = [nasty]
    before = copy.deepcopy(of)
    before["snapshot"]["activities"] = []
    lines = [*tree(of), *(line.plain for line in changes(before, of))]
    assert len(lines) == 9
    assert all(line.isprintable() for line in lines)


def test_a_remark_that_fits_everywhere_is_made_once() -> None:
    frames = [frame(str(number), contextsUnknown="no reader") for number in range(4)]
    frames.append(frame("outer", contextsUnknown="it is running"))
    assert tree(capture([activity("a")], {"a": frames})) == [
        "○ Task name-a  suspended",
        "├── outer  <string>:6",
        "│   └── perhaps more context managers: it is running",
        "├── 3  <string>:6",
        "├── 2  <string>:6",
        "├── 1  <string>:6",
        "└── 0  <string>:6",
        "Note: there may be more context managers in 4 frames: no reader",
    ]


def test_headline() -> None:
    of = capture([activity("t", "thread", "running"), activity("a"), activity("g", "async_generator")], {})
    of["stop"] = {"reason": "exception", "frame": {"name": "main", "line": 3, "source": {"path": "/x/app.py"}}}
    of["handshake"]["notes"] = ["context managers are unknown here"]
    console = Console(file=io.StringIO(), width=200)
    console.print(Captured(of))
    assert isinstance(console.file, io.StringIO)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert lines[1:3] == [
        "Paused (exception) in main  /x/app.py:3",
        "CPython 3.12.1, process 42: 1 thread, 1 task (1 suspended), 1 async generator (1 suspended)",
    ]
    assert "Note: context managers are unknown here" in lines
    of["stop"].update(reason="pause")
    console.print(Captured(of, only={"a"}))
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert "Paused on request, in main  /x/app.py:3" in lines
    assert any(line.endswith("1 async generator (1 suspended); 1 of 3 shown") for line in lines)
    del of["stop"]["frame"]
    assert next(headline(of)).plain == "Paused on request"


def test_what_ascii_lacks() -> None:
    of = capture([activity("a", waitsFor={**UNKNOWN, "description": "a long te…\n"})], {"a": [frame("f" * 100)]})
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="\n")
    Console(file=file, width=50).print(Captured(of))
    file.seek(0)
    lines = file.read().splitlines()
    assert lines[3] == "- Task name-a  suspended, waits for a long te...?"
    # A message takes as many lines as the terminal needs.
    messages = Console(file=io.StringIO(), width=50, soft_wrap=True)
    messages.print(Line("a word " * 20, wrap=True))
    assert isinstance(messages.file, io.StringIO)
    assert messages.file.getvalue() == "a word " * 20 + "\n"
    assert lines[4].rstrip() == "`-- " + "f" * 16 + "..." + "f" * 15 + "  <string>:6"


class Pages:
    """Answers requests with pages made up beforehand."""

    def __init__(self, *pages: Any) -> None:
        self.pages = list(pages)
        self.requests: List[Any] = []

    def request(self, command: str, arguments: Any, *, timeout: float) -> Any:
        self.requests.append((command, arguments))
        return self.pages.pop(0)


def test_pages_are_put_together() -> None:
    def page(start: int, ids: List[str], *paths: str) -> Any:
        tops = [activity(id, top={"name": "f", "location": {"source": index}}) for index, id in enumerate(ids)]
        sources = [{"path": path} for path in paths]
        answer = {"snapshotId": 9, "total": 3, "start": start, "activities": tops, "sources": sources}
        return {**answer, "notes": ["of the program", f"of page {start}"]}

    pages = Pages(page(0, ["a", "b"], "/one", "/two"), page(2, ["c"], "/three"))
    snapshot = Helper(pages).snapshot()  # type: ignore[arg-type]
    assert pages.requests[1] == ("asynctbSnapshot", {"snapshotId": 9, "start": 2})
    assert [each["top"]["location"]["source"] for each in snapshot["activities"]] == [0, 1, 2]
    assert [source["path"] for source in snapshot["sources"]] == ["/one", "/two", "/three"]
    assert snapshot["notes"] == ["of the program", "of page 0", "of page 2"]

    def stacks(ids: str, path: str) -> Any:
        inner = {"frames": [{"name": "g", "location": {"source": 0}}]}
        contexts = [context(location={"source": 0}, inner=inner, manager={"type": "app.Manager", "address": 0})]
        shape = {"frames": [{"name": "f", "location": {"source": 0}, "contexts": contexts}]}
        entries = [{"activityId": each, "shape": 0, "values": [f"0x{each}"]} for each in ids]
        return {"snapshotId": 9, "stacks": entries, "shapes": [shape], "sources": [{"path": path}]}

    # The helper may send fewer than were asked for.
    pages = Pages(stacks("a", "/one"), stacks("bc", "/two"), stacks("d", "/one"))
    result = Helper(pages).stacks(9, list("abcd"))  # type: ignore[arg-type]
    assert ["".join(arguments["activityIds"]) for _, arguments in pages.requests] == ["abcd", "bcd", "d"]
    assert list(result) == ["snapshotId", "stacks", "sources"]
    assert [source["path"] for source in result["sources"]] == ["/one", "/two"]
    innermost = [stack["stack"]["frames"][0]["contexts"][0] for stack in result["stacks"]]
    assert [each["manager"]["address"] for each in innermost] == ["0xa", "0xb", "0xc", "0xd"]
    assert [each["location"]["source"] for each in innermost] == [0, 1, 1, 0]
    assert [each["inner"]["frames"][0]["location"]["source"] for each in innermost] == [0, 1, 1, 0]


def shared(of: Capture) -> Any:
    """Return a copy of a capture as it comes from a helper: stacks of one shape are known to have it."""
    copied = copy.deepcopy(of)
    shapes: List[str] = []
    entries: List[Any] = []
    for each in of["stacks"]["stacks"]:
        values: List[Any] = []
        shape = json.dumps(without_values(each["stack"], values))
        if shape not in shapes:
            shapes.append(shape)
        entries.append({"activityId": each["activityId"], "shape": shapes.index(shape), "values": values})
    rest = {"snapshotId": 1, "sources": of["stacks"]["sources"]}
    copied["shared"] = {**rest, "stacks": entries, "shapes": [*map(json.loads, shapes)]}  # type: ignore[typeddict-item]
    return copied


def without_values(value: Any, values: List[Any]) -> Any:
    if isinstance(value, dict):
        copied = {}
        for key, item in value.items():
            copied[key] = len(values) if key in VARYING else without_values(item, values)
            values += [item] if key in VARYING else []
        return copied
    return [without_values(item, values) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("group", [False, True])
@pytest.mark.parametrize("width", [30, 80, 200])
def test_what_is_drawn_once_is_right_everywhere(file: str, group: bool, width: int) -> None:
    def held(address: str) -> Dict[str, Any]:
        return context("app.Lock", manager={"type": "app.Lock", "address": address}, description="free")

    members = [{"kind": "task", "activityId": each, "object": {"type": "T", "address": "0x9"}} for each in ("c", "d")]
    inside = [
        {"kind": "context", "context": held("0x12345")},
        {"kind": "task", "object": {"type": "T", "address": "0x8"}},
    ]
    waits = {
        each: {"kind": "lock", "description": "lock", "target": {"type": "app.Lock", "address": address}}
        for each, address in (("a", "0x12345"), ("b", "0x22345"), ("c", "0x12345"))
    }
    stacks: Dict[str, List[Dict[str, Any]]] = {
        "thread": [frame("loop", frameId=1), frame("run", frameId=2, hidden=True)],
        "a": [frame("g", frameId=3), frame("f", frameId=4, contexts=[held("0x12345"), held("0x12345")])],
        "b": [frame("g", frameId=5), frame("f", frameId=6, contexts=[held("0x22345"), held("0x12345")])],
        "c": [frame("f", contexts=[held("0x22345")], contextsUnknown="nobody knows")],
        "d": [frame("f", contexts=[held("0x12345")], contextsUnknown="nobody knows")],
        "e": [frame("g", contexts=[context(children=members)]), frame("f", contexts=[context(children=inside)])],
        "f": [frame("g", hidden=True)],
    }
    activities = [
        activity("thread", "thread", "running"),
        *[activity(each, threadId="thread", waitsFor=waits[each]) for each in "abc"],
        *[activity(each, threadId="thread") for each in "def"],
    ]
    of = capture(activities, stacks, file, leaf={"type": "F", "address": "0x5"})
    for number, each in enumerate(of["stacks"]["stacks"]):
        each["stack"]["leaf"] = {"type": "F", "address": f"0x{number}"}
    for hidden in (False, True):
        for only in (None, {"a", "c"}):
            drawn = [tree(each, hidden=hidden, group=group, only=only, width=width) for each in (of, shared(of))]
            assert drawn[0] == drawn[1]
            assert drawn[0]
    assert any("Lock (free) at …12345" in line for line in tree(of)), tree(of)
    for text in ("lock", "g", "app.py", "0x", "nobody"):
        assert matching(of, text) == matching(shared(of), text)


def test_colours_and_links_are_those_of_rich(file: str) -> None:
    line = Line("● ", "bold green").append("name", Style(link="file:///x", color="cyan")).append(" wide " * 5, order=1)
    for options in ({}, {"no_color": True}, {"color_system": None}, {"color_system": "standard"}):
        written = []
        for drawing in (False, True):
            extra: Any = {"color_system": "truecolor", **options}
            console = Console(file=io.StringIO(), width=20, force_terminal=True, highlight=False, **extra)
            if drawing:
                branch = Branch(line)
                branch.add(line).share()
                pen = Pen(console, console.options, "bright_black")
                console.file.write("".join(each + "\n" for each in branch.lines(20, pen)))
            else:
                of_rich = Tree(line, guide_style="bright_black")
                of_rich.add(line)
                console.print(of_rich)
            assert isinstance(console.file, io.StringIO)
            written.append(re.sub(r"\bid=\d+", "id", console.file.getvalue()))
        assert written[0] == written[1]


def test_a_helper_that_sends_nothing() -> None:
    empty = {"snapshotId": 9, "total": 3, "start": 0, "activities": [], "sources": []}
    empty |= {"stacks": [], "shapes": []}
    with pytest.raises(HelperError, match="0 of 3 activities"):
        Helper(Pages(dict(empty), dict(empty))).snapshot()  # type: ignore[arg-type]
    with pytest.raises(HelperError, match="stacks of 0 of 1 activities"):
        Helper(Pages(dict(empty))).stacks(9, ["a"])  # type: ignore[arg-type]
