"""Which activities of a capture contain a text."""

from __future__ import annotations

from typing import Any, Iterator, Set

from ...protocol import SourceRef
from .._session.helper import Capture

# Values that are for programs, not for people, would match by accident.
_SKIPPED = frozenset({"id", "activityId", "parentId", "threadId", "address", "loopId", "phase", "location"})


def matching(capture: Capture, text: str) -> Set[str]:
    """Return the identifiers of the activities in which *text* occurs, in whatever case.

    It may be in their name, kind, state ("failed" included), framework, in what they wait for or failed with, or in a
    function, file, context manager or variable of their stack.
    """
    text = text.casefold()
    sources = capture["stacks"]["sources"]
    found = {
        activity["id"]
        for activity in capture["snapshot"]["activities"]
        if any(text in word for word in (*_words(activity, []), "failed" if "failure" in activity else ""))
    }
    for stack in capture["stacks"]["stacks"]:
        if any(text in word for word in _words(stack, sources)):
            found.add(stack["activityId"])
    return found


def _words(value: Any, sources: list[SourceRef]) -> Iterator[str]:
    pending = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, str):
            yield each.casefold()
        elif isinstance(each, list):
            pending.extend(each)
        elif isinstance(each, dict):
            location = each.get("location")
            if location is not None and sources:
                yield str(sources[location["source"]].get("path", "")).casefold()
            pending.extend(item for key, item in each.items() if key not in _SKIPPED)
