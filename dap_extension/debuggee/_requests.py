"""Checks what a client sent. Nothing that JSON can express gets past here except what the protocol allows."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, cast

from ..protocol import MAX_PAGE, CallStackSettings
from ._errors import RequestError

#: Larger integers are not exact in JavaScript.
MAX_INTEGER = 2**53 - 1
#: Longest identifier of an activity, in characters; ours are far shorter.
_LONGEST_ID = 200
_MISSING = object()


class SnapshotQuery(NamedTuple):
    snapshot_id: Optional[int]
    start: int
    limit: int
    as_text: bool


class StacksQuery(NamedTuple):
    snapshot_id: int
    activity_ids: List[str]
    as_text: bool
    frame_ids: bool
    hooks: bool


class FocusQuery(NamedTuple):
    snapshot_id: int
    activity_id: str
    frame_id: Optional[int]
    reason: str


class SearchQuery(NamedTuple):
    snapshot_id: int
    text: str
    start: int
    hidden: bool


class FollowQuery(NamedTuple):
    snapshot_id: int
    activity_id: str


def parse_handshake(arguments: object) -> None:
    """Check the arguments of a handshake."""
    fields = _fields(arguments)
    client = fields.get("client", "")
    if type(client) is not str:
        raise _bad("client", "a string", client)


def parse_snapshot(arguments: object) -> SnapshotQuery:
    """Check the arguments of a snapshot request."""
    fields = _fields(arguments)
    snapshot_id = _integer(fields, "snapshotId", 1, MAX_INTEGER) if "snapshotId" in fields else None
    start = _integer(fields, "start", 0, MAX_INTEGER) if "start" in fields else 0
    count = _integer(fields, "count", 1, MAX_PAGE) if "count" in fields else MAX_PAGE
    if snapshot_id is None and start:
        raise RequestError("badRequest", '"start" needs the "snapshotId" of the snapshot that is paged through')
    return SnapshotQuery(snapshot_id, start, count, _as_text(fields))


def parse_stacks(arguments: object) -> StacksQuery:
    """Check the arguments of a stacks request."""
    fields = _fields(arguments)
    snapshot_id = _integer(fields, "snapshotId", 1, MAX_INTEGER)
    ids = fields.get("activityIds", _MISSING)
    if type(ids) is not list or not 1 <= len(cast(List[object], ids)) <= MAX_PAGE:
        raise _bad("activityIds", f"a list of 1 to {MAX_PAGE} strings", ids)
    for item in ids:
        if type(item) is not str or len(item) > _LONGEST_ID:
            raise _bad("activityIds", "a list of activity identifiers", item)
    frame_ids = _boolean(fields, "frameIds") if "frameIds" in fields else True
    hooks = _boolean(fields, "hooks") if "hooks" in fields else True
    return StacksQuery(snapshot_id, ids, _as_text(fields), frame_ids, hooks)


def _as_text(fields: Dict[str, Any]) -> bool:
    return _boolean(fields, "asText") if "asText" in fields else False


def parse_configure(arguments: object) -> CallStackSettings:
    """Check the arguments of a configure request; return what shall change."""
    fields = _fields(arguments)
    changes: CallStackSettings = {}
    if "callStack" in fields:
        call_stack = fields["callStack"]
        if type(call_stack) is not dict:
            raise _bad("callStack", "an object", call_stack)
        if "enabled" in call_stack:
            changes["enabled"] = _boolean(call_stack, "enabled")
        if "limit" in call_stack:
            changes["limit"] = _integer(call_stack, "limit", 1, MAX_PAGE)
        if "libraryTasks" in call_stack:
            changes["libraryTasks"] = _boolean(call_stack, "libraryTasks")
    return changes


def parse_focus(arguments: object) -> FocusQuery:
    """Check the arguments of a focus request."""
    fields = _fields(arguments)
    snapshot_id = _integer(fields, "snapshotId", 1, MAX_INTEGER)
    activity_id = _activity_id(fields)
    frame_id = _integer(fields, "frameId", 1, MAX_INTEGER) if "frameId" in fields else None
    reason = fields.get("reason", "")
    if type(reason) is not str or len(reason) > _LONGEST_ID:
        raise _bad("reason", "a short text", reason)
    return FocusQuery(snapshot_id, activity_id, frame_id, reason)


def parse_follow(arguments: object) -> FollowQuery:
    """Check the arguments of a follow request."""
    fields = _fields(arguments)
    return FollowQuery(_integer(fields, "snapshotId", 1, MAX_INTEGER), _activity_id(fields))


def parse_search(arguments: object) -> SearchQuery:
    """Check the arguments of a search request."""
    fields = _fields(arguments)
    snapshot_id = _integer(fields, "snapshotId", 1, MAX_INTEGER)
    text = fields.get("text", _MISSING)
    if type(text) is not str or not 1 <= len(text) <= _LONGEST_ID:
        raise _bad("text", f"a text of 1 to {_LONGEST_ID} characters", text)
    start = _integer(fields, "start", 0, MAX_INTEGER) if "start" in fields else 0
    return SearchQuery(snapshot_id, text, start, _boolean(fields, "hidden") if "hidden" in fields else False)


def _activity_id(fields: Dict[str, Any]) -> str:
    activity_id = fields.get("activityId", _MISSING)
    if type(activity_id) is not str or len(activity_id) > _LONGEST_ID:
        raise _bad("activityId", "an activity identifier", activity_id)
    return activity_id


def _fields(arguments: object) -> Dict[str, Any]:
    if arguments is None:
        return {}
    if type(arguments) is not dict:
        raise RequestError("badRequest", f"arguments must be an object, not {_describe(arguments)}")
    return cast(Dict[str, Any], arguments)


def _integer(fields: Dict[str, Any], name: str, least: int, most: int) -> int:
    value = fields.get(name, _MISSING)
    # type(), because True is an int, too.
    if type(value) is not int or not least <= value <= most:
        upper = "" if most == MAX_INTEGER else f" to {most}"
        raise _bad(name, f"an integer of {least}{upper}{' or more' if not upper else ''}", value)
    return value


def _boolean(fields: Dict[str, Any], name: str) -> bool:
    value = fields[name]
    if type(value) is not bool:
        raise _bad(name, "a boolean", value)
    return value


def _bad(name: str, expected: str, value: object) -> RequestError:
    if value is _MISSING:
        return RequestError("badRequest", f'"{name}" is missing; it must be {expected}')
    return RequestError("badRequest", f'"{name}" must be {expected}, not {_describe(value)}')


def _describe(value: object) -> str:
    """Return a short text about a JSON value, however large it is."""
    if value is None:
        return "null"
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int:
        # A number of thousands of digits takes long to print, or cannot be printed at all.
        return str(value) if abs(value) < 10**30 else "a number that is too large"
    if type(value) is float:
        return repr(value)
    if type(value) is str:
        return "a string" if len(value) > 40 else f'"{value}"'
    if type(value) is list:
        return f"a list of {len(cast(List[object], value))}"
    return "an object"
