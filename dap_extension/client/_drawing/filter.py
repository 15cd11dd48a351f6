"""Which activities of a capture contain a text."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Sequence, Set, Tuple

from ...protocol import Frame, SourceRef
from .._session.helper import Capture
from .._session.shapes import Shapes

# Values that are for programs, not for people, would match by accident.
_SKIPPED = frozenset({"id", "activityId", "parentId", "threadId", "address", "loopId", "phase", "location"})


def shown_frames(frames: Sequence[Frame], hidden: bool, thread: bool) -> List[Frame]:
    """Return the frames of a stack that are shown.

    :param hidden: whether those are that are not of interest to most users.
    :param thread: whether it is the stack of a thread.
    """
    shown = [frame for frame in frames if hidden or not frame.get("hidden")]
    if shown:
        return shown
    # Better than nothing: where a thread is, and what a task was made to run.
    return [*(frames[:1] if thread else frames[-1:])]


def matching(capture: Capture, text: str, hidden: bool = False) -> Set[str]:
    """Return the identifiers of the activities in which *text* occurs, in whatever case.

    It may be in their name, kind, state ("failed" included), framework, in what they wait for or failed with, or in a
    function, file, context manager or variable of their stack.

    :param hidden: whether what is in frames counts that are not of interest to most users.
    """
    text = text.casefold()
    sources = capture["stacks"]["sources"]
    threads = {each["id"] for each in capture["snapshot"]["activities"] if each["kind"] == "thread"}
    found = {
        activity["id"]
        for activity in capture["snapshot"]["activities"]
        if any(text in word for word in (*_words(activity, [], hidden), "failed" if "failure" in activity else ""))
    }
    shapes = Shapes(capture["stacks"]["stacks"], capture.get("shared"))
    matches: Dict[Tuple[int, bool], bool] = {}
    for activity_id, (shape, _) in shapes.of.items():
        key = shape, activity_id in threads
        if key not in matches:  # what varies is skipped
            matches[key] = any(text in word for word in _words(shapes.shapes[shape], sources, hidden, key[1]))
        if matches[key]:
            found.add(activity_id)
    for stack in capture["stacks"]["stacks"]:
        if "error" in stack and any(text in word for word in _words(stack["error"], sources, hidden)):
            found.add(stack["activityId"])
    return found


def _words(value: Any, sources: list[SourceRef], hidden: bool, thread: bool = False) -> Iterator[str]:
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
            for key, item in each.items():
                if key == "frames":
                    pending.extend(shown_frames(item, hidden, thread and each is value))
                elif key not in _SKIPPED:
                    pending.append(item)
