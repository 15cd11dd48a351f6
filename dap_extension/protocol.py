"""Types of the custom DAP messages between a client and the helper inside the debugged process.

Twin: ``vscode-extension/src/protocol.ts``. Both are checked against ``tests/protocol_cases/``, and
``docs/protocol.md`` explains them. Standard library only, because the file travels into the debugged process.

Compatibility: fields are added, never repurposed; a client looks at `Handshake.capabilities` before it uses what a
capability names, and ignores fields that it does not know.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Dict, List, Literal, Optional, Tuple, TypedDict, Union

if TYPE_CHECKING:
    from typing_extensions import NotRequired
elif sys.version_info >= (3, 11):
    from typing import NotRequired  # before, nothing evaluates the annotations

#: Raised when an old client could misunderstand a new helper.
PROTOCOL_VERSION = 1

#: Names of the custom requests.
HANDSHAKE = "asynctbHandshake"
SNAPSHOT = "asynctbSnapshot"
STACKS = "asynctbStacks"
CONFIGURE = "asynctbConfigure"
FOCUS = "asynctbFocus"
COMMANDS = (HANDSHAKE, SNAPSHOT, STACKS, CONFIGURE, FOCUS)

#: Most activities in one `SnapshotResponse` or `StacksResponse`.
MAX_PAGE = 1000

#: What tells stacks of the same shape apart: under these keys a `StackShape` has indexes into `ActivityStack.values`.
VARYING = ("address", "frameId", "activityId")

ErrorCode = Literal[
    "badRequest",  # an argument is missing, has a wrong type or is out of range: correct it
    "staleSnapshot",  # the program went on since the snapshot: take a new one
    "unknownActivity",  # no activity of the snapshot has this identifier, or it has ended: take a new snapshot
    "timeout",  # the time budget ran out before anything could be answered: ask for less, or again
    "internal",  # a defect of the helper; the message has the details
]


#: The code of each error and its number, which DAP's ``Message`` wants.
ERROR_IDS: Dict[ErrorCode, int] = {
    "badRequest": 1,
    "staleSnapshot": 2,
    "unknownActivity": 3,
    "timeout": 4,
    "internal": 5,
}


class ErrorDetails(TypedDict):
    """What was wrong: a DAP ``Message`` with our code.

    A failed request is answered with ``success: false``, ``message: "<code>: <format>"`` and this as ``body.error``.
    Rely on ``message`` (see `split_error_message`): debugpy's adapter passes nothing else of a failed response on.
    """

    id: int
    format: str
    showUser: bool
    code: ErrorCode


def split_error_message(message: str) -> Tuple[Optional[ErrorCode], str]:
    """Return the code and the text of a failed response's ``message``; the code is None if the error is not ours."""
    for code in ERROR_IDS:
        if message.startswith(code + ": "):
            return code, message[len(code) + 2 :]
    return None, message


class HandshakeArguments(TypedDict, total=False):
    #: Name of the client, for diagnosis.
    client: str


class PythonInfo(TypedDict):
    implementation: str
    #: Such as "3.12.1".
    version: str
    platform: str


class Capabilities(TypedDict, total=False):
    #: Frames of a paused program carry a `Frame.frameId`.
    frameIds: bool
    #: Requests are answered while the program runs, too.
    whileRunning: bool
    #: The standard request ``pause`` stops the program even if all of its event loops are idle.
    wakesLoops: bool
    #: `CONFIGURE` can show tasks in the standard request ``threads``.
    callStack: bool
    #: `SNAPSHOT` and `STACKS` can be answered as `AsText`, and `STACKS` without frame ids.
    asText: bool
    #: `FOCUS` can move the client's focus to an activity.
    focus: bool


class Handshake(TypedDict):
    protocolVersion: int
    #: Version of asynctb.
    helperVersion: str
    #: Identifies the helper's sources: bootstrap only if the client's own are others, or there is no helper yet.
    helperKey: str
    python: PythonInfo
    processId: int
    #: Identifiers of activities are the same in what the same process says with the same one.
    instance: NotRequired[str]
    capabilities: Capabilities
    #: How precisely context managers can be determined: "full", "gc-only", "static-only" or "off".
    contexts: str
    #: Why that is less than "full", and other limits that the user should know; usually empty.
    notes: List[str]


class SnapshotArguments(TypedDict, total=False):
    #: A snapshot taken before, to get another page of it; absent: take a new one.
    snapshotId: int
    #: Index of the first activity wanted, default 0.
    start: int
    #: How many activities are wanted, 1 to MAX_PAGE, default MAX_PAGE. There may be fewer in the answer (its size and
    #: time are limited): the next page starts after the last one received.
    count: int
    #: Whether the body of the answer is to be `AsText`, default false.
    asText: bool


class AsText(TypedDict):
    """The body of an answer as one text, which debugpy's adapter passes on much faster than the objects in it."""

    #: As JSON.
    text: str


class SourceRef(TypedDict):
    """A DAP ``Source``; paths are mapped for the client."""

    name: NotRequired[str]
    path: NotRequired[str]
    sourceReference: NotRequired[int]


class ObjectRef(TypedDict):
    """An object of the program, described without running any of its code."""

    #: Qualified name of its type, such as "asyncio.locks.Lock".
    type: str
    #: Such as "0x7f0c2a1b".
    address: str


class Location(TypedDict):
    """A range of source code: lines from 1, columns from 1 in UTF-16 code units, the end column exclusive."""

    #: Index into `sources` of the response.
    source: int
    line: NotRequired[int]
    endLine: NotRequired[int]
    column: NotRequired[int]
    endColumn: NotRequired[int]


class _AnyFrame(TypedDict):
    name: str
    location: Location
    #: Not of interest to most users (framework internals).
    hidden: NotRequired[bool]
    #: Neither that nor the user's own code, by the rules of ``justMyCode``.
    library: NotRequired[bool]
    #: Accepted by the standard requests (scopes, evaluate, ...) until the program goes on.
    frameId: NotRequired[int]
    #: Why `contexts` may be incomplete.
    contextsUnknown: NotRequired[str]


class Frame(_AnyFrame):
    #: Another activity, to which this frame belongs: from here on inward the stack goes on in that one's.
    activityId: NotRequired[str]
    #: Context managers active in the frame, outermost first.
    contexts: NotRequired[List[Context]]


class _AnyContext(TypedDict):
    isAsync: bool
    phase: Literal["entering", "active", "exiting"]
    #: The exception on whose account the block is being left, such as "ValueError: no such item". In one line, made
    #: without running the program's code.
    exception: NotRequired[str]
    #: Source text of the target after "as".
    varname: NotRequired[str]
    description: NotRequired[str]
    #: The with statement; absent for entries of an ExitStack.
    location: NotRequired[Location]
    unknown: NotRequired[str]


class Context(_AnyContext):
    #: Absent if it could not be determined; then `unknown` says why.
    manager: NotRequired[ObjectRef]
    #: The stack inside a generator-based manager.
    inner: NotRequired[Stack]
    children: NotRequired[List[Union[ContextChild, TaskChild]]]


class ContextChild(TypedDict):
    """An entry of an ExitStack."""

    kind: Literal["context"]
    context: Context


class TaskChild(TypedDict):
    """A task of a nursery or task group."""

    kind: Literal["task"]
    #: Present if the task is an activity of the snapshot.
    activityId: NotRequired[str]
    object: ObjectRef


class Stack(TypedDict):
    #: Innermost frame first, as in DAP's stackTrace.
    frames: List[Frame]
    #: The innermost awaitable that is not a frame.
    leaf: NotRequired[ObjectRef]
    #: What cut the stack short.
    error: NotRequired[str]


# A shape is a stack but for what `VARYING` names.

#: What a shape refers to: an address, the id of a frame or of an activity.
Value = Union[int, str]


class ObjectShape(TypedDict):
    type: str
    address: int


class FrameShape(_AnyFrame):
    activityId: NotRequired[int]
    contexts: NotRequired[List[ContextShape]]


class ContextShape(_AnyContext):
    manager: NotRequired[ObjectShape]
    inner: NotRequired[StackShape]
    children: NotRequired[List[Union[ContextChildShape, TaskChildShape]]]


class ContextChildShape(TypedDict):
    kind: Literal["context"]
    context: ContextShape


class TaskChildShape(TypedDict):
    kind: Literal["task"]
    activityId: NotRequired[int]
    object: ObjectShape


class StackShape(TypedDict):
    frames: List[FrameShape]
    leaf: NotRequired[ObjectShape]
    error: NotRequired[str]


class HolderInfo(TypedDict):
    """An activity that holds what others wait for."""

    activityId: str
    #: Of a semaphore or limiter; 1 for a lock.
    permits: int
    #: The ``with`` block that it is in, if that is known.
    location: NotRequired[Location]
    #: "owner": the object records it. "block": the activity is in a ``with`` block of it.
    evidence: Literal["owner", "block"]


class WaitInfo(TypedDict):
    #: Such as "lock", "queue_get" or "tasks"; "unknown" if there is no word for it. Further ones may be added.
    kind: str
    description: str
    target: NotRequired[ObjectRef]
    #: Activities that can end it, a hundred at most.
    activityIds: NotRequired[List[str]]
    #: Whether all or any of these are needed.
    needs: NotRequired[Literal["all", "any"]]
    holders: NotRequired[List[HolderInfo]]
    #: Seconds until a timeout, a scope or the sleep ends it.
    deadline: NotRequired[float]


class StepInfo(TypedDict):
    """One activity of a finding."""

    activityId: str
    text: str
    location: NotRequired[Location]


class FindingInfo(TypedDict):
    """Why something does not go on, or has gone wrong."""

    kind: Literal["deadlock", "starved", "blocked_loop", "abandoned", "never_awaited", "failed"]
    #: Whether it is proven. If not, nothing that is known speaks against it.
    certain: bool
    #: One sentence.
    text: str
    #: Those that wait for each other in a circle first, in its order.
    activityIds: List[str]
    steps: List[StepInfo]


class CountInfo(TypedDict):
    """How many activities of a kind a thread runs."""

    kind: Literal["thread", "task", "greenlet", "coroutine", "generator", "async_generator"]
    #: Absent for threads, and for what no thread runs.
    threadId: NotRequired[str]
    count: int


class CreationInfo(TypedDict):
    #: The function that it was made in.
    name: str
    location: Location


class ActivityInfo(TypedDict):
    #: Stays the same from stop to stop while the object lives.
    id: str
    kind: Literal["thread", "task", "greenlet", "coroutine", "generator", "async_generator"]
    framework: str
    name: str
    state: Literal["created", "running", "ready", "suspended", "cancelling", "done", "unknown"]
    #: Activity that this one belongs to.
    parentId: NotRequired[str]
    #: Activity of kind "thread" that runs this one.
    threadId: NotRequired[str]
    #: Event loop that runs it, such as "loop-1".
    loopId: NotRequired[str]
    waitsFor: NotRequired[WaitInfo]
    #: The same for all activities of a snapshot that are suspended in the same functions at the same instructions.
    signature: NotRequired[int]
    #: The exception that it ended with, such as "ValueError: no such item"; `top` and its stack tell where that came
    #: from. In one line, made without running the program's code.
    failure: NotRequired[str]
    #: Where it was made, if that is recorded: `asynctb.record_creation`, or asyncio's debug mode.
    createdAt: NotRequired[CreationInfo]
    #: Where it stands, without contexts: the innermost frame of the user's own code, which is neither in the standard
    #: library nor in an installed package (nor a library for ``justMyCode``); if there is none, the innermost one.
    #: Hidden frames do not count.
    top: NotRequired[Frame]
    #: The innermost frame that is not hidden, without contexts, if `top` is another one.
    innermost: NotRequired[Frame]
    #: For a thread: its id in the standard DAP requests, if the debugger knows it.
    dapThreadId: NotRequired[int]


class SnapshotResponse(TypedDict):
    snapshotId: int
    #: How many activities the snapshot has.
    total: int
    #: Index of the first one in `activities`.
    start: int
    activities: List[ActivityInfo]
    sources: List[SourceRef]
    #: Whether a thread of the program was suspended by the debugger.
    paused: bool
    notes: List[str]
    #: Of the whole snapshot, with its first page; empty in the others.
    findings: List[FindingInfo]
    #: How many activities the snapshot has of each kind in each thread, with its first page.
    counts: NotRequired[List[CountInfo]]


class StacksArguments(TypedDict):
    snapshotId: int
    #: 1 to MAX_PAGE identifiers.
    activityIds: List[str]
    #: Whether the body of the answer is to be `AsText`, default false.
    asText: NotRequired[bool]
    #: Whether frames are to have a `frameId`, default true. To make one takes longer than to read the frame.
    frameIds: NotRequired[bool]
    #: Whether hooks may change the stacks; default: true.
    hooks: NotRequired[bool]


class ActivityStack(TypedDict):
    """The shape of an activity's stack, and what the stack has in the places that the shape leaves open."""

    activityId: str
    #: Index into `shapes` of the response. Absent if the activity has ended since; then `error` says so.
    shape: NotRequired[int]
    #: Present whenever `shape` is, even if empty.
    values: NotRequired[List[Value]]
    error: NotRequired[ErrorDetails]


class StacksResponse(TypedDict):
    snapshotId: int
    #: In the order of the request; fewer if the time budget ran out: ask again for the rest.
    stacks: List[ActivityStack]
    #: Each shape once: activities with the same index have the same stack but for its values.
    shapes: List[StackShape]
    sources: List[SourceRef]


class CallStackSettings(TypedDict, total=False):
    #: Whether tasks and greenlets of a paused program are listed by the standard request ``threads``; at first false.
    enabled: bool
    #: How many at most, 1 to MAX_PAGE, at first 100. One more row says how many there are beyond.
    limit: int
    #: Whether to include those that have no frame of the user's code, at first true. The others come first.
    libraryTasks: bool


class ConfigureArguments(TypedDict, total=False):
    #: What to change; what is absent stays as it is.
    callStack: CallStackSettings


class ConfigureResponse(TypedDict):
    #: What holds from now on, complete.
    callStack: CallStackSettings


class FocusArguments(TypedDict):
    snapshotId: int
    activityId: str
    #: Which frame, by `Frame.frameId`; absent: the innermost one that the client shows.
    frameId: NotRequired[int]
    #: The ``reason`` of the event, at first "".
    reason: NotRequired[str]


class FocusResponse(TypedDict):
    #: What the standard requests call the activity.
    threadId: int


Body = Union[Handshake, SnapshotResponse, StacksResponse, ConfigureResponse, FocusResponse]
Json = Dict[str, Any]
