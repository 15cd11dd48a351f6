"""Stacks travel as shapes and values: what comes out is what went in, and equal shapes are sent once."""

from __future__ import annotations

import json
import sys
import types
from typing import Any, Dict, List, NamedTuple, Optional, Type, cast

import attrs
from debugging import debug
from hypothesis import HealthCheck, given, settings, strategies as st
from interpreters import Interpreter
from sessions import frame_named, on_few_interpreters

from asynctb._model import ContextInfo, FrameInfo, Position, Traceback, WithBlock
from dap_extension.client._session.shapes import expand, expand_stacks, json_of_stacks
from dap_extension.debuggee._serialize import Budget, Serializer
from dap_extension.debuggee._shapes import ShapeTable
from dap_extension.protocol import SNAPSHOT, STACKS, VARYING, Value


def without_values(value: Any) -> Any:
    """Return a copy of a part of a stack with None for what shapes leave open."""
    if isinstance(value, dict):
        return {key: None if key in VARYING else without_values(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_values(item) for item in value]
    return value


def values_in(value: Any) -> List[Value]:
    """Return what shapes leave open of a part of a stack."""
    if isinstance(value, dict):
        return [each for key, item in value.items() for each in ([item] if key in VARYING else values_in(item))]
    return [each for item in value for each in values_in(item)] if isinstance(value, list) else []


# What the helper makes of stacks


class Sources:
    """Stands in for the table of sources, which needs the debugger."""

    def is_own(self, filename: str) -> bool:
        return True

    def is_debugger_file(self, filename: str) -> bool:
        return False

    def is_tracing(self, code: object) -> bool:
        return False

    def program_part(self, infos: Any) -> Any:
        return infos

    def location(self, filename: str, position: Position, frame_id: Optional[int] = None) -> Dict[str, Any]:
        return {"source": 0, "line": position.line}


class Task(NamedTuple):
    activity_id: Optional[str]


class Plain(Serializer):
    """Puts the values themselves into stacks, so that each has a shape of its own."""

    def _key(self, traceback: Traceback) -> None:
        return None

    def _value(self, value: Value) -> int:
        return cast(int, value)


def serializer(kind: Type[Serializer], shapes: ShapeTable, budget: Budget) -> Serializer:
    """Return one that gives ids to all frames but the first."""
    return kind(
        cast(Any, Sources()),
        shapes,
        budget,
        lambda task: task.activity_id if isinstance(task, Task) else None,
        lambda frame: None if frame is FRAMES[0].frame else id(frame),
    )


def frames() -> List[FrameInfo]:
    """Return some frames; they are those of whoever imports this."""
    frame: Optional[types.FrameType] = sys._getframe()
    found: List[FrameInfo] = []
    while frame is not None and len(found) < 6:
        found.append(FrameInfo(frame, frame.f_lasti))
        frame = frame.f_back
    return found


TEXTS = st.text(max_size=4)
FRAMES = frames()
OBJECTS: List[Any] = [object(), object(), 1, "text", [], ValueError]
PLACES = [WithBlock(False), WithBlock(True, "name", Position(3)), WithBlock(True, None, Position(4))]


def tracebacks(inner: Any) -> Any:
    contexts = st.builds(
        ContextInfo,
        st.none() | st.sampled_from(OBJECTS),
        st.sampled_from(PLACES),
        st.sampled_from(["entering", "active", "exiting"]),
        st.none() | TEXTS,
        st.none() | inner,
        st.lists(
            st.builds(ContextInfo, st.sampled_from(OBJECTS), st.sampled_from(PLACES))
            | st.builds(Traceback, st.just(()), st.builds(Task, st.none() | st.sampled_from(["task-1", "task-2"]))),
            max_size=2,
        ).map(tuple),
        st.none() | TEXTS,
        st.none() | st.builds(ValueError, TEXTS),
    )
    infos = st.builds(
        lambda info, contexts, hide, unknown: FrameInfo(info.frame, info.lasti, contexts, hide, None, unknown),
        st.sampled_from(FRAMES),
        st.lists(contexts, max_size=2).map(tuple),
        st.booleans(),
        st.none() | TEXTS,
    )
    return st.builds(
        Traceback,
        st.lists(infos, max_size=3).map(tuple),
        st.none(),
        st.none() | st.sampled_from(OBJECTS),
        st.none() | st.builds(ValueError, TEXTS),
    )


def test_all_that_a_shape_depends_on_is_known() -> None:
    """Whoever adds a field that is sent has to add it to `Serializer._add_key`, too, and then here."""
    known = {
        Traceback: "frames root leaf error",
        FrameInfo: "frame lasti contexts hide owner contexts_unknown",
        ContextInfo: "manager block phase description inner children unknown exception",
    }
    for cls, names in known.items():
        assert [field.name for field in attrs.fields(cls)] == names.split()


def test_all_reasons_for_missing_children_are_sent() -> None:
    children = (ContextInfo(None, WithBlock(False)),) * 1200
    full = ContextInfo(None, WithBlock(False), children=children, unknown="500 of its entries are left out")
    table = ShapeTable()
    infos = (FrameInfo(FRAMES[0].frame, FRAMES[0].lasti, (full,)),)
    serializer(Serializer, table, Budget(60.0, 10**9)).stack(Traceback(infos))
    (context,) = table.shapes[0]["frames"][0]["contexts"]
    assert len(context["children"]) == 1000
    assert context["unknown"] == "200 more children are left out; 500 of its entries are left out"


# A busy machine takes its time, which is no failure.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.recursive(tracebacks(st.nothing()), tracebacks, max_leaves=3), max_size=4))
def test_expanded_shapes_are_the_stacks(stacks: List[Traceback]) -> None:
    table, whole = ShapeTable(), ShapeTable()
    sharing = serializer(Serializer, table, Budget(60.0, 10**9))
    plain = serializer(Plain, whole, Budget(60.0, 10**9))
    groups: Dict[str, int] = {}
    for traceback in stacks:
        index, values = sharing.stack(traceback)
        expected = whole.shapes[plain.stack(traceback)[0]]
        # As a client gets it.
        sent = json.loads(json.dumps({"shapes": table.shapes, "values": values}))
        assert expand(sent["shapes"][index], sent["values"]) == expected
        entry: Any = {"activityId": "task-1", "shape": index, "values": sent["values"]}
        answer: Any = {"snapshotId": 1, "stacks": [entry, entry], "shapes": sent["shapes"], "sources": []}
        assert expand_stacks(answer) == [{"activityId": "task-1", "stack": expected}] * 2
        assert list(json_of_stacks(answer)) == [
            json.dumps(each, separators=(",", ":")) for each in expand_stacks(answer)
        ]
        # Each value is used once, also if objects occur twice.
        assert sorted(map(str, values)) == sorted(map(str, values_in(expected)))
        # Shapes are equal if the stacks are but for their values.
        assert groups.setdefault(json.dumps(without_values(expected)), index) == index
    assert len(table.shapes) == len(groups)


def test_only_what_is_sent_counts() -> None:
    budget = Budget(60.0, 10**6)
    sharing = serializer(Serializer, ShapeTable(), budget)
    blocks = tuple(ContextInfo(object(), PLACES[1]) for _ in range(5))
    traceback = Traceback(tuple(FrameInfo(info.frame, info.lasti, blocks) for info in FRAMES))
    left = [budget.left]
    for _ in range(3):
        sharing.stack(traceback)
        left.append(budget.left)
    first, second, third = (before - after for before, after in zip(left, left[1:]))
    assert 0 < second == third < first / 10


# Real sessions


@on_few_interpreters
def test_tasks_at_one_place_have_one_shape(interpreter: Interpreter) -> None:
    with debug("alike.py", interpreter.path) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        snapshot_id, activities = debuggee.snapshot()
        ids = {activity["name"]: activity["id"] for activity in activities}
        answer = debuggee.ask(STACKS, {"snapshotId": snapshot_id, "activityIds": list(ids.values())})
        entries = dict(zip(ids, answer["stacks"]))
        first = [entries[f"hold-{number}"] for number in range(20)]
        second = [entries[f"hold-{number}"] for number in range(20, 30)]
        assert len({entry["shape"] for entry in first}) == 1
        assert len({entry["shape"] for entry in second}) == 1
        # Those two, the thread, the main task and the sleeping one.
        assert sorted({entry["shape"] for entry in answer["stacks"]}) == list(range(5))
        assert len(answer["shapes"]) == 5
        assert len({json.dumps(entry["values"]) for entry in (*first, *second)}) == 30

        # What is expanded is true of each task.
        stacks = {entry["activityId"]: cast(Any, entry["stack"]) for entry in expand_stacks(answer)}
        for number in (0, 1, 19, 20, 29):
            stack = stacks[ids[f"hold-{number}"]]
            hold = frame_named(stack, "hold")
            assert hold["location"]["line"] == debuggee.lines["first" if number < 20 else "second"]
            address = hold["contexts"][-1]["manager"]["address"]
            expression = f"(number, connection is not None and hex(id(connection)) == {address!r})"
            evaluate = {"expression": expression, "frameId": hold["frameId"], "context": "watch"}
            assert debuggee.request("evaluate", evaluate)["result"] == f"({number}, True)"
            assert debuggee.request("scopes", {"frameId": hold["frameId"]})["scopes"]
        # As text it is the same answer.
        query = {"snapshotId": snapshot_id, "activityIds": list(ids.values())}
        assert json.loads(cast(Any, debuggee.ask(STACKS, {**query, "asText": True}))["text"]) == answer
        (page, as_text) = (
            debuggee.ask(SNAPSHOT, {"snapshotId": snapshot_id, **extra}) for extra in ({}, {"asText": True})
        )
        assert json.loads(cast(Any, as_text)["text"]) == page
        without_ids = debuggee.ask(STACKS, {**query, "frameIds": False})
        assert "frameId" in json.dumps(answer)
        assert "frameId" not in json.dumps(without_ids)
        assert len(without_ids["shapes"]) == 5
        # Alone they are the same.
        for number in (1, 29):
            activity_id = ids[f"hold-{number}"]
            alone = debuggee.ask(STACKS, {"snapshotId": snapshot_id, "activityIds": [activity_id, activity_id]})
            assert len(alone["shapes"]) == 1
            assert [entry["shape"] for entry in alone["stacks"]] == [0, 0]
            (entry, _) = debuggee.stacks(snapshot_id, [activity_id, activity_id])
            assert without_sources(entry["stack"]) == without_sources(stacks[activity_id])
        assert debuggee.finish() == 0
        assert debuggee.output["stdout"] == "paused\ndone\n"
        assert debuggee.output["stderr"] == ""


def without_sources(value: Any) -> Any:
    """Return a copy without what depends on the other stacks of an answer."""
    if isinstance(value, dict):
        return {key: without_sources(item) for key, item in value.items() if key != "source"}
    if isinstance(value, list):
        return [without_sources(item) for item in value]
    return value
