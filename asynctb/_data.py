"""The shapes of results as plain data: dictionaries, lists, strings, numbers and booleans, which `json.dumps` takes.

The fields have the names and meanings of the wire protocol (``dap_extension/protocol.py``) where both have them, and as
there a field that has nothing to say is absent. What differs: frames stand outermost first, as everywhere in this
library; a source is named by its path; columns are offsets in bytes, as in `ast`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, List, TypedDict, Union

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
    #: The exception on whose account the block is being left, such as "ValueError: no such item".
    exception: NotRequired[str]
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


class HolderData(TypedDict):
    """A `Holder`."""

    activityId: str
    #: 1 for a lock.
    permits: int
    #: The ``with`` block that it is in.
    location: NotRequired[LocationData]
    #: "owner" or "block".
    evidence: str


class WaitData(TypedDict):
    """A `Wait`."""

    #: One of `WaitKind`, such as "lock".
    kind: str
    description: str
    target: NotRequired[ObjectData]
    #: Those that can end it.
    activityIds: NotRequired[List[str]]
    #: "all" or "any" of these; present with ``activityIds``.
    needs: NotRequired[str]
    holders: NotRequired[List[HolderData]]
    #: Seconds.
    deadline: NotRequired[float]


class StepData(TypedDict):
    """A `Step`."""

    activityId: str
    text: str
    location: NotRequired[LocationData]


class FindingData(TypedDict):
    """A `Finding`."""

    #: "deadlock", "starved", "blocked_loop", "abandoned", "never_awaited" or "failed".
    kind: str
    certain: bool
    text: str
    activityIds: List[str]
    steps: List[StepData]


class CreationData(TypedDict):
    """Where a task or thread was made: in which function, and where that is."""

    name: str
    location: LocationData


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
    #: Where it was made, if that is recorded.
    createdAt: NotRequired[CreationData]
    #: Where it stands in the user's own code, and the innermost frame, if that is another one.
    top: NotRequired[FrameData]
    innermost: NotRequired[FrameData]
    stack: NotRequired[TracebackData]


class SnapshotData(TypedDict):
    """A `Snapshot`."""

    activities: List[ActivityData]
    notes: List[str]
    findings: List[FindingData]
