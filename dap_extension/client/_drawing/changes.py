"""What differs between two captures of the same program."""

from __future__ import annotations

from typing import Dict, List, Optional, Set, Tuple

from ...protocol import ActivityInfo
from .._session.helper import Capture
from .lines import Line
from .source_text import Sources
from .tree import finding_text


def changes(before: Capture, after: Capture, only: Optional[Set[str]] = None) -> List[Line]:
    """Return a line for each activity that is new, has ended or failed, or is in another state or place than before,
    and for each finding that is new or has gone.

    :param only: the activities to look at, by identifier; None: all.
    """
    old, new = _summaries(before, only), _summaries(after, only)
    failed = {activity["id"] for activity in after["snapshot"]["activities"] if "failure" in activity}
    lines = [Line(f"- {label}  ended", "red") for key, (label, _) in old.items() if key not in new]
    for key, (label, now) in new.items():
        if key not in old:
            lines.append(Line(f"+ {label}  {now}", "green"))
        elif old[key][1] != now:
            line = Line(f"~ {label}  {now}", "red" if key in failed else "yellow")
            lines.append(line.append(f"  before: {old[key][1]}", "bright_black"))
    return lines + finding_changes(before, after, only)


def finding_changes(before: Capture, after: Capture, only: Optional[Set[str]] = None) -> List[Line]:
    """Return a line for each finding that is new or has gone."""
    gone, found = finding_texts(before, only), finding_texts(after, only)
    return [
        *[Line(f"- {text}", "green") for text in gone if text not in found],
        *[Line(f"+ {text}", "red") for text in found if text not in gone],
    ]


def finding_texts(capture: Capture, only: Optional[Set[str]]) -> List[str]:
    """Return each finding in one line.

    :param only: the activities whose findings are wanted; None: all.
    """
    return [
        finding_text(finding)
        for finding in capture["snapshot"]["findings"]
        if only is None or only.intersection(finding["activityIds"])
    ]


def _summaries(capture: Capture, only: Optional[Set[str]]) -> Dict[str, Tuple[str, str]]:
    sources = Sources(capture["snapshot"]["sources"])
    return {
        activity["id"]: (
            f"{activity['kind'].replace('_', ' ').capitalize()} {activity['name']}",
            summary(activity, sources),
        )
        for activity in capture["snapshot"]["activities"]
        if only is None or activity["id"] in only
    }


def summary(activity: ActivityInfo, sources: Sources) -> str:
    """Return the state and place of an activity, and what it waits for, in one line."""
    failure = activity.get("failure")
    parts: List[str] = [activity["state"] if failure is None else f"failed with {failure}"]
    if "top" in activity:
        parts.append(f"in {activity['top']['name']} at {sources.place(activity['top']['location'])[0]}")
    if "waitsFor" in activity:
        parts.append(f"waits for {activity['waitsFor']['description']}")
    return ", ".join(parts)
