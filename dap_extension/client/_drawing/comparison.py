"""What differs between two captures that may have hours between them, or come from two runs of a program."""

from __future__ import annotations

import collections
from typing import Any, Dict, Hashable, List, Literal, NamedTuple, Optional, Sequence, Set, Tuple, TypedDict

from ...protocol import ActivityInfo
from .._session.helper import Capture
from .changes import finding_texts, summary
from .lines import Line
from .source_text import Sources
from .tree import some_of

Change = Literal["appeared", "ended", "moved", "waiting"]
_MARKS: Dict[Change, Tuple[str, str]] = {
    "ended": ("-", "red"),
    "appeared": ("+", "green"),
    "moved": ("~", "yellow"),
    "waiting": ("=", ""),
}
_WORDS: Dict[Change, str] = {"appeared": "appeared", "ended": "ended", "moved": "moved", "waiting": "still wait"}


class ChangeData(TypedDict):
    """What became of one activity."""

    change: Change
    #: In the later capture; of what has ended, in the earlier one.
    activityId: str
    kind: str
    name: str
    #: State, place and what was waited for; None if it was not there.
    before: Optional[str]
    after: Optional[str]


class ComparisonData(TypedDict):
    #: From the earlier to the later capture; None if that is not known.
    seconds: Optional[float]
    #: Whether both are of the same run of a program, so that what has the same identifier is the same.
    sameRun: bool
    changes: List[ChangeData]
    #: Findings that have appeared, gone and stayed.
    findings: Dict[Literal["appeared", "gone", "stayed"], List[str]]
    notes: List[str]


class _Seen(NamedTuple):
    """An activity of one of the captures."""

    activity: ActivityInfo
    summary: str
    #: What is other if it has gone on and waits anew.
    wait: Hashable


class Comparison:
    """Two captures beside each other.

    :param only: the activities to look at, by identifier; None: all.
    """

    def __init__(self, before: Capture, after: Capture, only: Optional[Set[str]] = None) -> None:
        self._only = only
        self._same_run = _run_of(before) is not None and _run_of(before) == _run_of(after)
        seconds = after["time"] - before["time"]
        self._seconds = seconds if self._same_run and seconds > 0 else None
        self._notes: List[str] = []
        if not self._same_run:
            self._notes.append("The two are not of the same run of a program, so activities are compared by name.")
        elif seconds <= 0:
            self._notes.append("The first is not later than the second: are they the wrong way round?")
        self._changes = self._compared(self._seen(before), self._seen(after))
        old, new = finding_texts(before, only), finding_texts(after, only)
        self._gone = [text for text in old if text not in new]
        self._found = [text for text in new if text not in old]
        self._stayed = [text for text in new if text in old]

    def _seen(self, capture: Capture) -> Dict[Hashable, _Seen]:
        sources = Sources(capture["snapshot"]["sources"])
        leaves = {each["activityId"]: each.get("stack", {}).get("leaf") for each in capture["stacks"]["stacks"]}
        found: Dict[Hashable, _Seen] = {}
        several: Set[Hashable] = set()
        for activity in capture["snapshot"]["activities"]:
            if self._only is not None and activity["id"] not in self._only:
                continue
            key: Hashable = activity["id"]
            if not self._same_run:
                key = activity["kind"], activity["framework"], activity["name"]
            if key in found:
                several.add(key)
            wait = activity.get("waitsFor")
            leaf = leaves.get(activity["id"])
            identity = None
            if wait is not None and wait["kind"] != "events":
                identity = wait.get("target", {}).get("address"), leaf["address"] if leaf is not None else None
            found[key] = _Seen(activity, summary(activity, sources), identity)
        for key in several:
            del found[key]
        if several:
            self._notes.append(f"{len(several)} names that several activities have are left out.")
        return found

    def _compared(self, old: Dict[Hashable, _Seen], new: Dict[Hashable, _Seen]) -> List[ChangeData]:
        changes = [_change("ended", each.activity, each.summary, None) for key, each in old.items() if key not in new]
        moved: List[ChangeData] = []
        waiting: List[ChangeData] = []
        for key, now in new.items():
            then = old.get(key)
            if then is None:
                changes.append(_change("appeared", now.activity, None, now.summary))
            elif then.summary != now.summary:
                moved.append(_change("moved", now.activity, then.summary, now.summary))
            elif self._same_run and now.wait is not None:
                same = now.wait == then.wait
                after = now.summary if same else f"{now.summary}, anew"
                (waiting if same else moved).append(
                    _change("waiting" if same else "moved", now.activity, then.summary, after)
                )
        return changes + moved + waiting

    def as_data(self, *, why: bool = False) -> ComparisonData:
        """Return the comparison for programs.

        :param why: whether to leave out all but findings.
        """
        return {
            "seconds": self._seconds,
            "sameRun": self._same_run,
            "changes": [] if why else self._changes,
            "findings": {"appeared": self._found, "gone": self._gone, "stayed": self._stayed},
            "notes": self._notes,
        }

    def lines(self, *, group: bool = False, why: bool = False) -> List[Line]:
        """Return the comparison for people.

        :param group: whether those of which the same is said stand in one line.
        :param why: whether to leave out all but findings.
        """
        counts = collections.Counter(change["change"] for change in self._changes)
        told = [f"{counts[change]} {words}" for change, words in _WORDS.items() if counts[change]]
        later = "Later" if self._seconds is None else f"{_duration(self._seconds)} later"
        title = f"{later}: {', '.join(told) or 'nothing has changed'}"
        lines = [Line(title if not why else f"{later}:", "bold", wrap=True)]
        lines += [Line(f"+ {text}", "red", wrap=True) for text in self._found]
        lines += [Line(f"= {text}{self._at_least()}", "red", wrap=True) for text in self._stayed]
        lines += [Line(f"- {text}", "green", wrap=True) for text in self._gone]
        if not why:
            groups: Dict[Hashable, List[ChangeData]] = {}
            for index, each in enumerate(self._changes):
                key = (each["change"], each["kind"], each["before"], each["after"]) if group else index
                groups.setdefault(key, []).append(each)
            lines += map(self._line, groups.values())
        return lines + [Line(f"Note: {note}", "bright_black", wrap=True) for note in self._notes]

    def _at_least(self) -> str:
        return "" if self._seconds is None else f", for at least {_duration(self._seconds)}"

    def _line(self, members: Sequence[ChangeData]) -> Line:
        first = members[0]
        mark, style = _MARKS[first["change"]]
        kind = first["kind"].replace("_", " ")
        names = some_of([each["name"] for each in members])
        label = f"{kind.capitalize()} {names}" if len(members) == 1 else f"{len(members)} {kind}s {names}"
        line = Line(f"{mark} {label}  ", style)
        if first["change"] == "ended":
            return line.append(f"ended  before: {first['before']}", "bright_black")
        line.append(first["after"] or "", style)
        if first["change"] == "waiting":
            return line.append(self._at_least())
        return line if first["before"] is None else line.append(f"  before: {first['before']}", "bright_black")


def _change(change: Change, activity: ActivityInfo, before: Optional[str], after: Optional[str]) -> ChangeData:
    return {
        "change": change,
        "activityId": activity["id"],
        "kind": activity["kind"],
        "name": activity["name"],
        "before": before,
        "after": after,
    }


def _run_of(capture: Capture) -> Optional[Tuple[Any, ...]]:
    """Return what two captures of one run have in common; None if it is not known."""
    handshake = capture["handshake"]
    return (handshake["processId"], handshake["instance"]) if "instance" in handshake else None


def _duration(seconds: float) -> str:
    """Return such as "0.4 s", "12 s", "3 min 4 s" or "2 h 5 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    hours, minutes_left = divmod(minutes, 60)
    return f"{minutes} min {rest} s" if hours == 0 else f"{hours} h {minutes_left} min"
