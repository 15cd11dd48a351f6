"""A snapshot as the document of a snapshot file, see ``docs/snapshot-format.md``, and how that is written.

The format is that of a debug session's answers: innermost frames first, columns in UTF-16 code units, each shape of a
stack once. It is made from plain data, so nothing here sees an object of the program.
"""

from __future__ import annotations

import os
import stat
import time
from typing import Any, Dict, List, Mapping, Optional, Union

from .._data import (
    ActivityData,
    ContextData,
    FrameData,
    LocationData,
    ObjectData,
    SnapshotData,
    TaskChildData,
    TracebackData,
    WaitData,
)
from .._frames import reader_mode
from .._model import Activity, Snapshot
from .._process import INSTANCE, describe_python, is_starter, program_name
from .._snapshot.owners import handovers, owners_of_frames, stack_of
from .._source import line_of_file, utf16_column
from .._version import __version__
from .fields import clip
from .plain import snapshot_data

FORMAT = "asynctb snapshot"
VERSION = 1
#: Longer lines of source are not recorded: they are no code that a person has written.
_LONGEST_LINE = 1000
#: Of an expression or statement that takes many lines, how many are recorded.
_MOST_LINES = 20
#: How many stacks may stand inside each other through context managers, as in a session.
_MAX_NESTING = 15
_INFINITE = float("inf")

Json = Dict[str, Any]


def write_snapshot(snapshot: Snapshot, path: Union[str, os.PathLike[str]]) -> None:
    """Write a snapshot to a file, see `Snapshot.save`."""
    _write(os.fspath(path), snapshot_line(snapshot).encode("ascii"))


def snapshot_line(snapshot: Snapshot) -> str:
    """Return a snapshot as a document in one line, which ends with a line feed."""
    # Only here, because most programs that are looked at need none of it.
    from json.encoder import JSONEncoder

    encoder = JSONEncoder(separators=(",", ":"), ensure_ascii=True, allow_nan=False, check_circular=False)
    return encoder.encode(snapshot_document(snapshot)) + "\n"


def snapshot_document(snapshot: Snapshot) -> Json:
    """Return a snapshot as a document."""
    data = snapshot_data(snapshot)
    owners = owners_of_frames([stack_of(each) for each in snapshot.activities])
    writer = _Writer(data)
    program: Json = {"processId": os.getpid(), "instance": INSTANCE}
    name = program_name()
    if name is not None:
        program["name"] = clip(name)
    return {
        "format": FORMAT,
        "version": VERSION,
        "writer": f"asynctb {__version__}",
        "time": _timestamp(snapshot.time),
        "program": program,
        "python": describe_python(),
        "contexts": reader_mode(),
        "paused": False,
        "notes": [clip(note) for note in data["notes"]],
        "activities": [
            writer.activity(each, _handovers(activity, owners))
            for each, activity in zip(data["activities"], snapshot.activities)
        ],
        "findings": [writer.with_locations(each) for each in data["findings"]],
        "sources": writer.sources,
        "shapes": writer.shapes,
    }


def _handovers(activity: Activity, owners: Mapping[int, str]) -> Dict[int, str]:
    return handovers(activity.id, stack_of(activity).frames, owners)


def _timestamp(seconds: float) -> str:
    whole = int(seconds)
    now = time.gmtime(whole)
    return "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}+00:00".format(*now[:6], int((seconds - whole) * 1_000_000))


class _Writer:
    """Puts the parts of a document together."""

    def __init__(self, data: SnapshotData) -> None:
        #: For the document.
        self.sources: List[Json] = []
        self.shapes: List[Json] = []
        self._source_indexes: Dict[str, int] = {}
        self._shape_indexes: Dict[str, int] = {}
        self._ids = {each["target"]["address"]: each["id"] for each in data["activities"] if "target" in each}
        self._values: List[str] = []

    def activity(self, data: ActivityData, handovers: Mapping[int, str]) -> Json:
        """Return an activity with its stack, which goes on in those of others at some of its frames."""
        fields: Json = {"id": data["id"], "kind": data["kind"], "framework": clip(data["framework"])}
        fields["name"], fields["state"] = clip(data["name"]), data["state"]
        if "parentId" in data:
            fields["parentId"] = data["parentId"]
        if "threadId" in data:
            fields["threadId"] = data["threadId"]
        if "loopId" in data:
            fields["loopId"] = data["loopId"]
        if "waitsFor" in data:
            fields["waitsFor"] = self._wait(data["waitsFor"])
        if "signature" in data:
            fields["signature"] = data["signature"]
        if "failure" in data:
            fields["failure"] = clip(data["failure"])
        if "top" in data:
            fields["top"] = {"name": clip(data["top"]["name"]), "location": self._location(data["top"]["location"])}
        if "stack" in data:
            fields["stack"] = self._stack_of_activity(data["stack"], handovers)
        else:
            fields["stackError"] = "the snapshot was taken without stacks"
        return fields

    def _wait(self, data: WaitData) -> Json:
        fields: Json = self.with_locations(data)
        deadline = data.get("deadline", 0.0)
        if not -_INFINITE < deadline < _INFINITE:  # JSON has no such number
            del fields["deadline"]
        return fields

    def with_locations(self, value: Any) -> Any:
        """Return a copy of a part that has no frames, with texts that are not too long, and other locations."""
        if isinstance(value, dict):
            return {
                key: self._location(item) if key == "location" else self.with_locations(item)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.with_locations(item) for item in value]
        return clip(value) if isinstance(value, str) else value

    def _stack_of_activity(self, data: TracebackData, handovers: Mapping[int, str]) -> Json:
        self._values = []
        shape = self._stack(data, 0)
        frames = shape["frames"]
        for place, activity in handovers.items():
            frames[-1 - place]["activityId"] = self._value(activity)
        key = repr(shape)
        index = self._shape_indexes.get(key)
        if index is None:
            index = self._shape_indexes[key] = len(self.shapes)
            self.shapes.append(shape)
        return {"shape": index, "values": self._values}

    def _value(self, value: str) -> int:
        self._values.append(value)
        return len(self._values) - 1

    def _object(self, data: ObjectData) -> Json:
        return {"type": clip(data["type"]), "address": self._value(data["address"])}

    def _stack(self, data: TracebackData, nesting: int) -> Json:
        fields: Json = {"frames": [self._frame(each, nesting) for each in reversed(data["frames"])]}
        if "leaf" in data:
            fields["leaf"] = self._object(data["leaf"])
        if "error" in data:
            fields["error"] = clip(data["error"])
        return fields

    def _frame(self, data: FrameData, nesting: int) -> Json:
        fields: Json = {"name": clip(data["name"]), "location": self._location(data["location"])}
        if data.get("hidden") or is_starter(data["location"]["path"]):
            fields["hidden"] = True
        if "contexts" in data:
            fields["contexts"] = [self._context(each, nesting) for each in data["contexts"]]
        if "contextsUnknown" in data:
            fields["contextsUnknown"] = clip(data["contextsUnknown"])
        return fields

    def _context(self, data: ContextData, nesting: int) -> Json:
        fields: Json = {"isAsync": data["isAsync"], "phase": data["phase"]}
        if "manager" in data:
            fields["manager"] = self._object(data["manager"])
        if "varname" in data:
            fields["varname"] = clip(data["varname"])
        if "description" in data:
            fields["description"] = clip(data["description"])
        if "location" in data:
            fields["location"] = self._location(data["location"])
        unknown = data.get("unknown")
        if nesting < _MAX_NESTING:
            if "inner" in data:
                fields["inner"] = self._stack(data["inner"], nesting + 1)
            if "children" in data:
                fields["children"] = [self._child(each, nesting + 1) for each in data["children"]]
        elif "inner" in data or "children" in data:
            unknown = "what is inside is left out, it is nested too deeply"
        if unknown is not None:
            fields["unknown"] = clip(unknown)
        return fields

    def _child(self, data: Any, nesting: int) -> Json:
        if data["kind"] == "context":
            return {"kind": "context", "context": self._context(data["context"], nesting)}
        return self._task(data)

    def _task(self, data: TaskChildData) -> Json:
        fields: Json = {"kind": "task", "object": self._object(data["object"])}
        activity = self._ids.get(data["object"]["address"])
        if activity is not None:
            fields["activityId"] = self._value(activity)
        return fields

    def _location(self, data: LocationData) -> Json:
        path = data["path"]
        index = self._source_indexes.get(path)
        if index is None:
            index = self._source_indexes[path] = len(self.sources)
            absolute = _absolute(path)
            self.sources.append({"name": absolute.replace("\\", "/").rpartition("/")[2], "path": absolute, "lines": {}})
        fields: Json = {"source": index}
        line = data.get("line")
        if line is None:
            return fields
        fields["line"] = line
        end_line = data.get("endLine")
        if end_line is not None:
            fields["endLine"] = end_line
        self._record(path, self.sources[index]["lines"], line, end_line)
        start = self._column(path, line, data.get("colOffset"))
        if start is not None:
            fields["column"] = start
            end = self._column(path, end_line, data.get("endColOffset"))
            if end is not None:
                fields["endColumn"] = end
        return fields

    def _record(self, path: str, lines: Dict[str, str], first: int, last: Optional[int]) -> None:
        for number in range(first, min(last or first, first + _MOST_LINES - 1) + 1):
            if str(number) not in lines:
                text = line_of_file(path, number)
                if text and len(text) <= _LONGEST_LINE:
                    lines[str(number)] = text

    def _column(self, path: str, line: Optional[int], offset: Optional[int]) -> Optional[int]:
        return None if line is None or offset is None else utf16_column(line_of_file(path, line), offset)


def _absolute(path: str) -> str:
    """Return where a file is, as far as that is known: a program may have changed the folder since."""
    absolute = os.path.abspath(path)
    return absolute if os.path.isfile(absolute) else path


def _write(path: str, data: bytes) -> None:
    """Write a file, which is a new one as a whole or stays as it was.

    A new file is for its owner alone, as snapshots have names and texts of the program; another one keeps its mode.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode):  # a pipe, a terminal
        with open(path, "wb") as file:
            file.write(data)
        return
    # Where a link leads to, so that it stays a link.
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name[:100]}.{os.getpid()}.{int(time.time() * 1e9):x}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        if mode is not None:
            os.chmod(temporary, stat.S_IMODE(mode))
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
