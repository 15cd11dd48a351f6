"""What stands in a snapshot file: messages of the protocol, put together, without what only one session understands.

`schema.json` is the same for other programs, and what files are checked against.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, Literal, TypedDict

from ..protocol import ActivityInfo, FindingInfo, Location, PythonInfo, SourceRef, StackShape

if TYPE_CHECKING:
    from typing_extensions import NotRequired

FORMAT: Literal["asynctb snapshot"] = "asynctb snapshot"
#: Raised when an old reader could misunderstand a new file.
VERSION: Literal[1] = 1
#: Longer lines of source are not recorded: they are no code that a person has written.
LONGEST_LINE = 1000
#: Of an expression or statement that takes many lines, how many are recorded.
MOST_LINES = 20


class Program(TypedDict):
    processId: int
    #: Name of the file that it runs, such as "serve.py".
    name: NotRequired[str]
    #: Two snapshots with the same one have the same identifiers for the same activities.
    instance: NotRequired[str]


class RecordedSource(SourceRef):
    #: The lines that occur, by their numbers, as they were when the snapshot was taken.
    lines: NotRequired[Dict[str, str]]


class StopFrame(TypedDict):
    name: str
    location: Location


class StopInfo(TypedDict):
    """What the debugger stopped the program for."""

    reason: NotRequired[str]
    frame: NotRequired[StopFrame]


class StackValues(TypedDict):
    #: Index into `Document.shapes`.
    shape: int
    #: What stands for the indexes in the shape, see `dap_extension.protocol.VARYING`.
    values: List[str]


class SavedActivity(ActivityInfo):
    stack: NotRequired[StackValues]
    #: Why there is none.
    stackError: NotRequired[str]


class Document(TypedDict):
    format: Literal["asynctb snapshot"]
    version: Literal[1]
    #: Such as "asynctb 0.1.0".
    writer: str
    #: When the snapshot was taken, such as "2026-11-28T10:15:58.123456+00:00".
    time: str
    program: Program
    python: PythonInfo
    #: How precisely context managers could be determined, see `dap_extension.protocol.Handshake`.
    contexts: str
    paused: bool
    stop: NotRequired[StopInfo]
    notes: List[str]
    sources: List[RecordedSource]
    shapes: List[StackShape]
    activities: List[SavedActivity]
    findings: List[FindingInfo]
