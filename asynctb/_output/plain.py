"""Results as plain data, see `asynctb._data`.

Nothing in them refers to the program, so they can be kept, queued, logged and sent elsewhere.
"""

from __future__ import annotations

from typing import Optional, Union

from .._data import (
    ActivityData,
    ContextChildData,
    ContextData,
    FrameData,
    LocationData,
    ObjectData,
    SnapshotData,
    TaskChildData,
    TracebackData,
)
from .._model import Activity, ContextInfo, FrameInfo, Location, Position, Snapshot, Traceback
from .._objects import exact_str
from .fields import activity_fields, context_fields, error_text, finding_fields, object_fields


def snapshot_data(snapshot: Snapshot) -> SnapshotData:
    """Return *snapshot* as plain data, see `Snapshot.as_data`."""
    return {
        "activities": [_activity(activity) for activity in snapshot.activities],
        "notes": list(snapshot.notes),
        "findings": [finding_fields(finding, _text, _line) for finding in snapshot.findings],
    }


def traceback_data(stack: Traceback) -> TracebackData:
    """Return *stack* as plain data, see `Traceback.as_data`."""
    data: TracebackData = {"frames": [_frame(info) for info in stack.frames]}
    if stack.root is not None:
        data["root"] = _object(stack.root)
    if stack.leaf is not None:
        data["leaf"] = _object(stack.leaf)
    if stack.error is not None:
        data["error"] = error_text(stack.error)
    return data


def _activity(activity: Activity) -> ActivityData:
    data = activity_fields(activity, _text, _line, inside=True)
    if activity.top is not None:
        data["top"] = _frame(activity.top)
    if activity.innermost is not None:
        data["innermost"] = _frame(activity.innermost)
    if activity.traceback is not None:
        data["stack"] = traceback_data(activity.traceback)
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
    manager = _object(context.manager) if context.manager is not None else None
    data = context_fields(context, manager, _text)
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


def _line(location: Location) -> LocationData:
    return _location(location.filename, Position(location.line))


def _text(text: str) -> str:
    # The names and paths in a code object can be of a subclass of str, and so refer to the program.
    return exact_str(text) or ""


def _object(obj: object) -> ObjectData:
    return object_fields(obj, _text)
