"""A snapshot, indexed by the lines of source that something stands at."""

from __future__ import annotations

import collections
import os
from typing import Any, Counter, DefaultDict, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from ..protocol import ContextShape, FindingInfo, FrameShape, Location, StackShape
from ..snapshot_files.document import Document, SavedActivity


def key_of(path: str) -> str:
    """Return what paths of the same file have in common, without looking at the file."""
    return os.path.normcase(os.path.normpath(path))


class Standing(NamedTuple):
    """A frame that some activities have."""

    #: Index of the shape of their stacks.
    shape: int
    frame: FrameShape
    #: Whether it is where they are: the innermost one that is of interest.
    is_top: bool


class Block(NamedTuple):
    """A ``with`` item that some activities are in."""

    shape: int
    context: ContextShape
    location: Location


class File:
    """What stands in one source file, by the lines as they were then."""

    def __init__(self, source: int, lines: Dict[int, str]) -> None:
        self.source = source
        #: The text of those that occur.
        self.lines = lines
        self.standings: DefaultDict[int, List[Standing]] = collections.defaultdict(list)
        self.blocks: DefaultDict[int, List[Block]] = collections.defaultdict(list)


class Group:
    """Activities that are said something about in one go.

    :param first: how many of them are kept.
    """

    def __init__(self, session: Session, first: int) -> None:
        self.session = session
        self._first = first
        self._shapes: Set[int] = set()
        self.activities: List[SavedActivity] = []
        self.kinds: Counter[str] = collections.Counter()
        self.states: Counter[str] = collections.Counter()
        self.waits: Counter[Optional[str]] = collections.Counter()
        #: Who holds what they wait for, by identifiers.
        self.holders: Counter[Tuple[str, ...]] = collections.Counter()
        self.deadlocked = self.perhaps_deadlocked = 0

    def add(self, shape: int) -> None:
        """Add those whose stacks have a shape, once."""
        if shape in self._shapes:
            return
        self._shapes.add(shape)
        summary = self.session.summaries[shape]
        self.kinds.update(summary.kinds)
        self.states.update(summary.states)
        self.waits.update(summary.waits)
        self.holders.update(summary.holders)
        self.deadlocked += summary.deadlocked
        self.perhaps_deadlocked += summary.perhaps_deadlocked
        if len(self.activities) < self._first:
            self.activities += summary.activities[: self._first - len(self.activities)]

    @property
    def shapes(self) -> Set[int]:
        """Those that were added."""
        return self._shapes

    @property
    def size(self) -> int:
        """How many activities there are."""
        return sum(self.kinds.values())


class _Summary:
    """All activities of one shape."""

    def __init__(self) -> None:
        self.activities: List[SavedActivity] = []
        self.kinds: Counter[str] = collections.Counter()
        self.states: Counter[str] = collections.Counter()
        self.waits: Counter[Optional[str]] = collections.Counter()
        #: Who holds what they wait for, by identifiers.
        self.holders: Counter[Tuple[str, ...]] = collections.Counter()
        self.deadlocked = self.perhaps_deadlocked = 0


class Session:
    """What is known about one debug session, or one file, at a moment.

    :param since: when each wait was first seen; it is brought up to date.
    """

    def __init__(self, session_id: str, document: Document, since: Dict[Any, str]) -> None:
        self.id = session_id
        self.document = document
        self.sources = document["sources"]
        self.shapes = document["shapes"]
        self.activities: Dict[str, SavedActivity] = {each["id"]: each for each in document["activities"]}
        self.findings = document["findings"]
        self.findings_of: DefaultDict[str, List[FindingInfo]] = collections.defaultdict(list)
        for finding in self.findings:
            for each in finding["activityIds"]:
                self.findings_of[each].append(finding)
        self.summaries: DefaultDict[int, _Summary] = collections.defaultdict(_Summary)
        #: Who waits for an object, by its address; for an activity, by its identifier.
        self.waiting_at: DefaultDict[str, List[str]] = collections.defaultdict(list)
        self.waiting_for: DefaultDict[str, List[str]] = collections.defaultdict(list)
        self._since = since
        for activity in document["activities"]:
            self._index(activity)
        self._note_moments()
        #: By `key_of` its path.
        self.files: Dict[str, File] = {}
        running = self._running_frames()
        for index, shape in enumerate(self.shapes):
            if index in self.summaries:
                self._place(index, shape, self._inner_frames(index, shape, running))

    def _index(self, activity: SavedActivity) -> None:
        wait = activity.get("waitsFor")
        if wait is not None:
            if "target" in wait:
                self.waiting_at[wait["target"]["address"]].append(activity["id"])
            for each in dict.fromkeys(self.needed_by(activity["id"])):
                self.waiting_for[each].append(activity["id"])
        if "stack" not in activity:
            return
        summary = self.summaries[activity["stack"]["shape"]]
        summary.kinds[activity["kind"]] += 1
        summary.states["failed" if "failure" in activity else activity["state"]] += 1
        summary.waits[wait["description"] if wait is not None else None] += 1
        holders = wait.get("holders", ()) if wait is not None else ()
        summary.holders[tuple(each["activityId"] for each in holders)] += 1
        certain = [each["certain"] for each in self.findings_of[activity["id"]] if each["kind"] == "deadlock"]
        # The first ones are shown.
        stuck = summary.deadlocked + summary.perhaps_deadlocked
        summary.activities.insert(stuck if certain else len(summary.activities), activity)
        summary.deadlocked += any(certain)
        summary.perhaps_deadlocked += bool(certain) and not any(certain)

    def needed_by(self, activity_id: str) -> Iterator[str]:
        """Yield the activities that one waits for: those that can end the wait, and those that hold what it wants."""
        wait = self.activities[activity_id].get("waitsFor")
        if wait is not None:
            needed = [*wait.get("activityIds", ()), *[holder["activityId"] for holder in wait.get("holders", ())]]
            yield from (each for each in needed if each in self.activities)

    def _note_moments(self) -> None:
        before = dict(self._since)
        self._since.clear()
        for activity in self.activities.values():
            key = self._moment_key(activity)
            if key is not None:
                self._since[key] = before.get(key, self.document["time"])

    def _moment_key(self, activity: SavedActivity) -> Any:
        wait = activity.get("waitsFor")
        program = self.document["program"]
        if wait is None or "instance" not in program:
            return None
        leaf = None
        if "stack" in activity:
            shape = self.shapes[activity["stack"]["shape"]].get("leaf")
            leaf = activity["stack"]["values"][shape["address"]] if shape is not None else None
        target = wait["target"]["address"] if "target" in wait else None
        return program["processId"], program["instance"], activity["id"], wait["kind"], target, leaf

    def since(self, activity: SavedActivity) -> Optional[str]:
        """Return when an activity was seen in the same wait before; None if this is the first time."""
        found = self._since.get(self._moment_key(activity))
        return None if found is None or found == self.document["time"] else found

    def _running_frames(self) -> Dict[str, List[List[FrameShape]]]:
        """Return the frames of the tasks that run in each thread."""
        found: DefaultDict[str, List[List[FrameShape]]] = collections.defaultdict(list)
        for activity in self.activities.values():
            if activity["kind"] != "thread" and activity["state"] == "running" and "stack" in activity:
                frames = self.shapes[activity["stack"]["shape"]]["frames"]
                found[activity.get("threadId", "")].append(frames)
        return found

    def _inner_frames(self, index: int, shape: StackShape, running: Dict[str, List[List[FrameShape]]]) -> int:
        """Return how many inner frames of a thread are those of a task that it runs: they stand at the task."""
        activities = self.summaries[index].activities
        if len(activities) != 1 or activities[0]["kind"] != "thread":
            return 0
        places = [(frame["name"], frame["location"]) for frame in shape["frames"]]
        inner = [
            [(frame["name"], frame["location"]) for frame in frames] for frames in running.get(activities[0]["id"], ())
        ]
        return max([len(each) for each in inner if each == places[: len(each)]], default=0)

    def _place(self, index: int, shape: StackShape, left_out: int) -> None:
        for standing in _standings(index, shape, left_out):
            location = standing.frame["location"]
            file = self._file(location["source"])
            if file is not None and location.get("line"):
                file.standings[location["line"]].append(standing)
            for context in standing.frame.get("contexts", ()):
                place = context.get("location")
                file = self._file(place["source"]) if place is not None else None
                if place is not None and file is not None and place.get("line"):
                    file.blocks[place["line"]].append(Block(index, context, place))

    def _file(self, source: int) -> Optional[File]:
        path = self.sources[source].get("path")
        if path is None or not _is_absolute(path):
            return None
        key = key_of(path)
        file = self.files.get(key)
        if file is None:
            lines = {int(number): text for number, text in self.sources[source].get("lines", {}).items()}
            file = self.files[key] = File(source, lines)
        return file

    def frames_of(self, activity: SavedActivity) -> List[FrameShape]:
        """Return the frames of an activity that are of interest, the outermost first."""
        if "stack" not in activity:
            return []
        frames = self.shapes[activity["stack"]["shape"]]["frames"]
        return [frame for frame in reversed(frames) if not frame.get("hidden")] or [*reversed(frames)]

    def place_of(self, activity: SavedActivity) -> Optional[Location]:
        """Return where an activity is: at the innermost frame that is of interest."""
        frames = self.frames_of(activity)
        if frames:
            return frames[-1]["location"]
        return activity["top"]["location"] if "top" in activity else None

    def short_place(self, location: Location) -> str:
        """Return such as "pay.py:9"."""
        name = self.sources[location["source"]].get("name", "?")
        return f"{name}:{location['line']}" if "line" in location else name


def _is_absolute(path: str) -> bool:
    return os.path.isabs(path)


def _standings(index: int, shape: StackShape, left_out: int) -> Iterator[Standing]:
    """Yield the frames of a stack, and those of the generators inside its context managers.

    :param left_out: how many inner frames stand elsewhere.
    """
    pending: List[Tuple[StackShape, bool]] = [(shape, not left_out)]
    while pending:
        stack, is_outer = pending.pop()
        frames = stack["frames"][left_out:] if stack is shape else stack["frames"]
        top = next((frame for frame in frames if not frame.get("hidden")), frames[0] if frames else None)
        for frame in frames:
            yield Standing(index, frame, is_outer and frame is top)
            contexts = list(frame.get("contexts", ()))
            while contexts:
                context = contexts.pop()
                if "inner" in context:
                    pending.append((context["inner"], False))
                contexts += [each["context"] for each in context.get("children", ()) if each["kind"] == "context"]


def merged(session: Session, shapes: Sequence[int], first: int) -> Group:
    """Return all activities of some shapes."""
    group = Group(session, first)
    for shape in shapes:
        group.add(shape)
    return group
