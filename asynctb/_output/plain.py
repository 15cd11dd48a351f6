"""Results as plain data: dictionaries, lists, strings, numbers and booleans, which `json.dumps` takes as they are.

Nothing in them refers to the program, so they can be kept, queued, logged and sent elsewhere. The fields have the
names and meanings of the wire protocol (``dap_extension/protocol.py``) where both have them, and as there a field that
has nothing to say is absent. What differs: frames stand outermost first, as everywhere in this library; a source is
named by its path; columns are offsets in bytes, as in `ast`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, List, Optional, TypedDict, Union

from .._model import Activity, ContextInfo, FrameInfo, Position, Snapshot, Traceback, Wait
from .._objects import address_of, describe_error, exact_str, type_name

if TYPE_CHECKING:
    from typing_extensions import NotRequired
elif sys.version_info >= (3, 11):
    from typing import NotRequired  # before, nothing evaluates the annotations


class ObjectData(TypedDict):
    """An object of the program."""

    #: Qualified name of its type, such as "asyncio.locks.Lock".
    type: str
    #: Such as "0x7f0c2a1b".
    address: str


class LocationData(TypedDict):
    """A range of source code."""

    #: As the code object records it.
    path: str
    #: Lines count from 1.
    line: NotRequired[int]
    endLine: NotRequired[int]
    #: Offsets in UTF-8 bytes from the beginning of the line, the end exclusive (CPython 3.11 and later).
    colOffset: NotRequired[int]
    endColOffset: NotRequired[int]


class FrameData(TypedDict):
    """A `FrameInfo`."""

    name: str
    location: LocationData
    #: Text of the line without surrounding white space, if the source was found.
    text: NotRequired[str]
    hidden: NotRequired[bool]
    #: Outermost first.
    contexts: NotRequired[List[ContextData]]
    contextsUnknown: NotRequired[str]


class ContextData(TypedDict):
    """A `ContextInfo`."""

    #: Absent if it could not be determined; then ``unknown`` says why.
    manager: NotRequired[ObjectData]
    isAsync: bool
    #: "entering", "active" or "exiting".
    phase: str
    varname: NotRequired[str]
    description: NotRequired[str]
    #: The ``with`` item or statement; absent for what is inside another manager.
    location: NotRequired[LocationData]
    inner: NotRequired[TracebackData]
    children: NotRequired[List[Union[ContextChildData, TaskChildData]]]
    unknown: NotRequired[str]


class ContextChildData(TypedDict):
    """An entry of an ``ExitStack``; its ``kind`` is "context"."""

    kind: str
    context: ContextData


class TaskChildData(TypedDict):
    """A task of a nursery or task group; its ``kind`` is "task"."""

    kind: str
    object: ObjectData
    #: Present if the stacks of child tasks were asked for.
    stack: NotRequired[TracebackData]


class TracebackData(TypedDict):
    """A `Traceback`."""

    root: NotRequired[ObjectData]
    #: Outermost first.
    frames: List[FrameData]
    leaf: NotRequired[ObjectData]
    error: NotRequired[str]


class WaitData(TypedDict):
    """A `Wait`."""

    description: str
    target: NotRequired[ObjectData]
    activityId: NotRequired[str]


class ActivityData(TypedDict):
    """An `Activity`."""

    id: str
    kind: str
    framework: str
    name: str
    state: str
    target: NotRequired[ObjectData]
    parentId: NotRequired[str]
    threadId: NotRequired[str]
    loopId: NotRequired[str]
    #: Operating-system identifier, for threads.
    threadIdent: NotRequired[int]
    waitsFor: NotRequired[WaitData]
    #: The same for all activities that are suspended at the same places.
    signature: NotRequired[int]
    #: The exception that it ended with; ``top`` and ``stack`` tell where that came from.
    failure: NotRequired[str]
    top: NotRequired[FrameData]
    stack: NotRequired[TracebackData]


class SnapshotData(TypedDict):
    """A `Snapshot`."""

    activities: List[ActivityData]
    notes: List[str]


def snapshot_data(snapshot: Snapshot) -> SnapshotData:
    """Return *snapshot* as plain data, see `Snapshot.as_data`."""
    return {
        "activities": [_activity(activity) for activity in snapshot.activities],
        "notes": list(snapshot.notes),
    }


def traceback_data(stack: Traceback) -> TracebackData:
    """Return *stack* as plain data, see `Traceback.as_data`."""
    data: TracebackData = {"frames": [_frame(info) for info in stack.frames]}
    if stack.root is not None:
        data["root"] = _object(stack.root)
    if stack.leaf is not None:
        data["leaf"] = _object(stack.leaf)
    if stack.error is not None:
        data["error"] = describe_error(stack.error)
    return data


def _activity(activity: Activity) -> ActivityData:
    data: ActivityData = {
        "id": activity.id,
        "kind": activity.kind,
        "framework": activity.framework,
        "name": _text(activity.name),
        "state": activity.state,
    }
    if activity.target is not None:
        data["target"] = _object(activity.target)
    if activity.parent is not None:
        data["parentId"] = activity.parent
    if activity.thread is not None:
        data["threadId"] = activity.thread
    if activity.loop is not None:
        data["loopId"] = activity.loop
    if activity.thread_ident is not None:
        data["threadIdent"] = activity.thread_ident
    if activity.waits_for is not None:
        data["waitsFor"] = _wait(activity.waits_for)
    if activity.signature is not None:
        data["signature"] = activity.signature
    if activity.failure is not None:
        data["failure"] = activity.failure
    if activity.top is not None:
        data["top"] = _frame(activity.top)
    if activity.traceback is not None:
        data["stack"] = traceback_data(activity.traceback)
    return data


def _wait(wait: Wait) -> WaitData:
    data: WaitData = {"description": wait.description}
    if wait.target is not None:
        data["target"] = _object(wait.target)
    if wait.activity is not None:
        data["activityId"] = wait.activity
    return data


def _frame(info: FrameInfo) -> FrameData:
    filename = info.filename
    data: FrameData = {"name": _text(info.funcname), "location": _location(filename, info.position)}
    text = info.linetext
    if text:
        data["text"] = text
    if info.hide:
        data["hidden"] = True
    if info.contexts:
        data["contexts"] = [_context(context, filename) for context in info.contexts]
    if info.contexts_unknown is not None:
        data["contextsUnknown"] = info.contexts_unknown
    return data


def _context(context: ContextInfo, filename: Optional[str]) -> ContextData:
    data: ContextData = {"isAsync": context.is_async, "phase": context.phase}
    if context.manager is not None:
        data["manager"] = _object(context.manager)
    if context.varname is not None:
        data["varname"] = context.varname
    if context.description is not None:
        data["description"] = context.description
    if filename is not None and context.block.position is not None:
        data["location"] = _location(filename, context.block.position)
    if context.inner is not None:
        data["inner"] = traceback_data(context.inner)
    if context.children:
        data["children"] = [_child(child) for child in context.children]
    if context.unknown is not None:
        data["unknown"] = context.unknown
    return data


def _child(child: Union[ContextInfo, Traceback]) -> Union[ContextChildData, TaskChildData]:
    if isinstance(child, ContextInfo):
        return {"kind": "context", "context": _context(child, None)}
    task: TaskChildData = {"kind": "task", "object": _object(child.root)}
    if child.frames or child.leaf is not None or child.error is not None:
        task["stack"] = traceback_data(child)
    return task


def _location(path: str, position: Position) -> LocationData:
    data: LocationData = {"path": _text(path)}
    if position.line is not None:
        data["line"] = position.line
    if position.end_line is not None:
        data["endLine"] = position.end_line
    if position.column is not None:
        data["colOffset"] = position.column
    if position.end_column is not None:
        data["endColOffset"] = position.end_column
    return data


def _text(text: str) -> str:
    # The names and paths in a code object can be of a subclass of str, and so refer to the program.
    return exact_str(text) or ""


def _object(obj: object) -> ObjectData:
    return {"type": type_name(type(obj)), "address": address_of(obj)}
