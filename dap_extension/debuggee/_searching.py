"""Finds the activities in which a text occurs: in what their rows say, or anywhere in their stacks."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Sequence, Tuple

from ..protocol import FrameShape, SourceRef, Value
from ._rows import Row
from ._shapes import ShapeTable
from ._sources import SourceTable
from ._stacks import StackReader

# Values that are for programs, not for people, would match by accident. Addresses are looked at apart.
_SKIPPED = frozenset({"id", "activityId", "parentId", "threadId", "loopId", "phase", "location", "address"})


class Search:
    """One search, of which one response has a part.

    :param text: what to find, in upper or lower case.
    :param hidden: whether frames count that are not of interest to most users.
    """

    def __init__(self, text: str, hidden: bool, reader: StackReader, shapes: ShapeTable, sources: SourceTable) -> None:
        self._text = text.casefold()
        self._hidden = hidden
        self._reader = reader
        self._shapes = shapes
        self._sources = sources
        #: Whether a shape matches, as the stack of a thread or of something else.
        self._known: Dict[Tuple[int, bool], bool] = {}

    def finds(self, row: Row) -> bool:
        """Whether the text occurs in an activity.

        :raises RequestError: if the program went on.
        """
        info: Any = row.info
        target = info.get("waitsFor", {}).get("target", {})
        if self._is_in((*self._words(info), target.get("address", ""), "failed" if "failure" in info else "")):
            return True
        answer = self._reader.read(row.info["id"])
        if "shape" not in answer:
            return False
        return self._matches(answer["shape"], row.info["kind"] == "thread") or self._is_in(_addresses(answer["values"]))

    def _matches(self, index: int, thread: bool) -> bool:
        key = index, thread
        if key not in self._known:
            self._known[key] = self._is_in(self._words(self._shapes.shapes[index], thread))
        return self._known[key]

    def _is_in(self, words: Any) -> bool:
        return any(self._text in word.casefold() for word in words)

    def _words(self, value: Any, thread: bool = False) -> Iterator[str]:
        pending = [value]
        while pending:
            each = pending.pop()
            if isinstance(each, str):
                yield each
            elif isinstance(each, list):
                pending.extend(each)
            elif isinstance(each, dict):
                location = each.get("location")
                # Those of rows do not refer to sources yet.
                if location is not None and "source" in location and "name" in each:
                    source: SourceRef = self._sources.sources[location["source"]]
                    yield source.get("path", source.get("name", ""))
                for key, item in each.items():
                    if key == "frames":
                        pending.extend(self._shown(item, thread and each is value))
                    elif key not in _SKIPPED:
                        pending.append(item)

    def _shown(self, frames: Sequence[FrameShape], thread: bool) -> List[FrameShape]:
        """The frames that are shown: if all are hidden, where a thread is, and what a task was made to run."""
        shown = [frame for frame in frames if self._hidden or not frame.get("hidden")]
        return shown or [*(frames[:1] if thread else frames[-1:])]


def _addresses(values: Sequence[Value]) -> Iterator[str]:
    return (value for value in values if isinstance(value, str) and value.startswith("0x"))
