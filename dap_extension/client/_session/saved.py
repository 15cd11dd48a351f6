"""Captures as snapshot files, and back."""

from __future__ import annotations

import datetime
import functools
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, cast

from ...protocol import (
    PROTOCOL_VERSION,
    VARYING,
    ActivityInfo,
    FindingInfo,
    Json,
    Location,
    SourceRef,
    Stack,
    StackShape,
)
from ...snapshot_files.document import (
    FORMAT,
    LONGEST_LINE,
    MOST_LINES,
    VERSION,
    Document,
    Program,
    RecordedSource,
    SavedActivity,
    StopInfo,
)
from .helper import Capture
from .shapes import ExpandedStack, expand

#: Returns the lines of a file, none if it cannot be read.
LinesOf = Callable[[str], Sequence[str]]
#: What means something only to the session that it comes from.
_OF_SESSION = frozenset({"frameId", "dapThreadId"})


def to_document(capture: Capture, lines_of: LinesOf) -> Document:
    """Return what is written to a file about a capture, which shares nothing with it that anybody changes.

    :param lines_of: reads the source files, as paths of the capture name them.
    """
    handshake, snapshot = capture["handshake"], capture["snapshot"]
    table = _SourceTable(lines_of)
    shapes = _Shapes(table, capture["stacks"]["sources"])
    stacks = {each["activityId"]: each for each in capture["stacks"]["stacks"]}
    copied = functools.partial(table.copied, sources=snapshot["sources"])
    program: Program = {"processId": handshake["processId"]}
    name = _program_name(capture)
    if name is not None:
        program["name"] = name
    if "instance" in handshake:
        program["instance"] = handshake["instance"]
    moment = datetime.datetime.fromtimestamp(capture["time"], datetime.timezone.utc)
    document: Document = {
        "format": FORMAT,
        "version": VERSION,
        "writer": f"asynctb {handshake['helperVersion']}",
        "time": moment.isoformat(),
        "program": program,
        "python": handshake["python"],
        "contexts": handshake["contexts"],
        "paused": snapshot["paused"],
        "notes": list(dict.fromkeys([*handshake["notes"], *snapshot["notes"]])),
        "sources": table.sources,
        "shapes": shapes.shapes,
        "activities": [
            {**cast(SavedActivity, copied(each)), **shapes.stack_fields(stacks.get(each["id"]))}  # type: ignore[typeddict-item]
            for each in snapshot["activities"]
        ],
        "findings": cast(List[FindingInfo], copied(snapshot["findings"])),
    }
    if capture["stop"] is not None:
        document["stop"] = table.stop(capture["stop"])
    return document


def _program_name(capture: Capture) -> Optional[str]:
    """Return the name of the file that the first thread runs as a module, if it does."""
    stacks = capture["stacks"]
    for answer in stacks["stacks"][:1]:
        for frame in reversed(answer["stack"]["frames"] if "stack" in answer else []):
            if frame["name"] == "<module>" and not frame.get("hidden"):
                return stacks["sources"][frame["location"]["source"]].get("name")
    return None


class _SourceTable:
    """The sources of a document, each once, with the lines that are referred to."""

    def __init__(self, lines_of: LinesOf) -> None:
        self.sources: List[RecordedSource] = []
        self._lines_of = lines_of
        self._indexes: Dict[Tuple[Optional[str], Optional[str], Optional[int]], int] = {}

    def copied(self, value: Any, sources: Sequence[SourceRef]) -> Any:
        """Return a copy of a part of an answer, with locations that refer to `sources` of the document."""
        if isinstance(value, dict):
            return {
                key: self.location(item, sources) if key == "location" else self.copied(item, sources)
                for key, item in value.items()
                if key not in _OF_SESSION
            }
        if isinstance(value, list):
            return [self.copied(item, sources) for item in value]
        return value

    def location(self, location: Location, sources: Sequence[SourceRef]) -> Location:
        source = sources[location["source"]]
        key = source.get("path"), source.get("name"), source.get("sourceReference")
        index = self._indexes.get(key)
        if index is None:
            index = self._indexes[key] = len(self.sources)
            recorded: RecordedSource = {"lines": {}}
            if "name" in source:
                recorded["name"] = source["name"]
            if "path" in source:
                recorded["path"] = source["path"]
            self.sources.append(recorded)
        self._record(self.sources[index], location)
        return cast(Location, {**location, "source": index})

    def _record(self, source: RecordedSource, location: Location) -> None:
        first = location.get("line")
        if first is None or "path" not in source:
            return
        last = min(location.get("endLine", first), first + MOST_LINES - 1)
        if str(first) in source["lines"] and str(last) in source["lines"]:
            return
        lines = self._lines_of(source["path"])
        for number in range(first, last + 1):
            if 0 < number <= len(lines) and len(lines[number - 1]) <= LONGEST_LINE:
                source["lines"][str(number)] = lines[number - 1]

    def stop(self, stop: Json) -> StopInfo:
        """Return what is kept of the body of a ``stopped`` event with the frame that it was in."""
        kept: StopInfo = {}
        if isinstance(stop.get("reason"), str):
            kept["reason"] = stop["reason"]
        frame: Json = stop.get("frame") or {}
        if frame:
            location: Location = {"source": 0, "line": frame.get("line", 0)}
            place = self.location(location, [cast(SourceRef, frame.get("source") or {})])
            kept["frame"] = {"name": str(frame.get("name")), "location": place}
        return kept


class _Shapes:
    """The shapes of a document, each once."""

    def __init__(self, table: _SourceTable, sources: Sequence[SourceRef]) -> None:
        self.shapes: List[StackShape] = []
        self._indexes: Dict[str, int] = {}
        self._table = table
        self._sources = sources

    def stack_fields(self, answer: Optional[ExpandedStack]) -> Json:
        """Return the fields for the stack of an activity."""
        if answer is None:
            return {"stackError": "it was not asked for"}
        if "stack" not in answer:
            return {"stackError": answer["error"]["format"]} if "error" in answer else {}
        values: List[str] = []
        shape = self._collapsed(answer["stack"], values)
        key = repr(shape)
        index = self._indexes.get(key)
        if index is None:
            index = self._indexes[key] = len(self.shapes)
            self.shapes.append(shape)
        return {"stack": {"shape": index, "values": values}}

    def _collapsed(self, value: Any, values: List[str]) -> Any:
        if isinstance(value, dict):
            copied: Json = {}
            for key, item in value.items():
                if key == "location":
                    copied[key] = self._table.location(item, self._sources)
                elif key not in VARYING:
                    copied[key] = self._collapsed(item, values)
                elif key not in _OF_SESSION:
                    copied[key] = len(values)
                    values.append(item)
            return copied
        if isinstance(value, list):
            return [self._collapsed(item, values) for item in value]
        return value


def to_capture(document: Document) -> Capture:
    """Return a document, which may be changed by that, as what a session would have answered."""
    sources = cast(List[SourceRef], document["sources"])
    stacks: List[ExpandedStack] = []
    activities: List[ActivityInfo] = []
    for activity in document["activities"]:
        stack: ExpandedStack = {"activityId": activity["id"]}
        if "stack" in activity:
            saved = activity.pop("stack")
            stack["stack"] = cast(Stack, expand(document["shapes"][saved["shape"]], saved["values"]))
        if "stackError" in activity:
            stack["error"] = {"id": 0, "format": activity.pop("stackError"), "showUser": False, "code": "internal"}
        stacks.append(stack)
        activities.append(activity)
    capture: Capture = {
        "handshake": {
            "protocolVersion": PROTOCOL_VERSION,
            "helperVersion": document["writer"].rpartition(" ")[2],
            "helperKey": "",
            "python": document["python"],
            "processId": document["program"]["processId"],
            "capabilities": {},
            "contexts": document["contexts"],
            "notes": [],
        },
        "stop": _stopped(document),
        "time": moment_of(document),
        "snapshot": {
            "snapshotId": 0,
            "total": len(activities),
            "start": 0,
            "activities": activities,
            "sources": sources,
            "paused": document["paused"],
            "notes": document["notes"],
            "findings": document["findings"],
        },
        "stacks": {"snapshotId": 0, "stacks": stacks, "sources": sources},
        "saved": _origin(document),
    }
    if "instance" in document["program"]:
        capture["handshake"]["instance"] = document["program"]["instance"]
    return capture


def _origin(document: Document) -> str:
    name = document["program"].get("name")
    time = document["time"][:19].replace("T", " ")
    return f"Saved {time} UTC by {document['writer']}" + ("" if name is None else f", {name}")


def moment_of(document: Document) -> float:
    """Return when a snapshot was taken, in seconds since 1970; 0 if its time is no time."""
    try:
        return datetime.datetime.fromisoformat(document["time"]).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _stopped(document: Document) -> Optional[Json]:
    stop = document.get("stop")
    if stop is None:
        return None
    body: Json = {"reason": stop.get("reason")}
    frame = stop.get("frame")
    if frame is not None:
        source = document["sources"][frame["location"]["source"]]
        body["frame"] = {"name": frame["name"], "line": frame["location"].get("line", 0), "source": source}
    return body
