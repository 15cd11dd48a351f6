"""What is said about activities: in one line, in a few, or with everything."""

from __future__ import annotations

from typing import Dict, List, Sequence

from ..protocol import ContextShape, FindingInfo
from ..snapshot_files.document import SavedActivity
from ._sessions import Block, Group, Session

#: How many activities are named in one line, told with everything, and listed.
MOST_NAMES = 3
MOST_TOLD = 5
MOST_LISTED = 50
_LONGEST_NAME = 40
_LONGEST_LINE = 400
_UNPROVEN = ("deadlock", "starved", "blocked_loop", "abandoned")
_TITLES = {
    "deadlock": "Deadlock",
    "starved": "Starved",
    "blocked_loop": "Blocked loop",
    "abandoned": "Abandoned",
    "never_awaited": "Never awaited",
    "failed": "Failed",
}


def clean(text: str, most: int = _LONGEST_LINE) -> str:
    """Return a text of the program in one line that controls nothing."""
    if not text.isprintable():
        text = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
    return text if len(text) <= most else text[: most - 1] + "…"


def name_of(activity: SavedActivity) -> str:
    """Return the name of an activity, shortened."""
    return clean(activity["name"], _LONGEST_NAME)


def count(group: Group) -> str:
    """Return such as "3 tasks" or "1 thread, 2 tasks"."""
    kinds = [(number, clean(kind.replace("_", " "), 20)) for kind, number in group.kinds.items()]
    return ", ".join(f"{number} {kind}{'' if number == 1 else 's'}" for number, kind in kinds)


def lens(group: Group) -> str:
    """Return what stands over a function, such as "3 tasks suspended here, 1 deadlocked"."""
    states = dict(group.states)
    suspended = states.pop("suspended", 0)
    text = f"{count(group)} {'suspended here' if suspended == group.size else 'here'}"
    parts = [f"{number} {clean(state, 20)}" for state, number in states.items()] if suspended != group.size else []
    if parts and group.size > 1:
        text += f": {', '.join([*parts, *([f'{suspended} suspended'] if suspended else [])])}"
    elif parts:
        text = f"{count(group)} {next(iter(states))} here"
    return text + _stuck(group)


def _stuck(group: Group) -> str:
    text = ""
    for number, words in ((group.deadlocked, "deadlocked"), (group.perhaps_deadlocked, "perhaps deadlocked")):
        if number:
            text += f", {words}" if group.size == 1 else f", {number} {words}"
    return text


def hint(group: Group, *, is_top: bool) -> str:
    """Return what stands at the end of a line.

    :param is_top: whether that is where they are; else they are in what is called there.
    """
    names = [name_of(each) for each in group.activities[:MOST_NAMES]]
    more = group.size - len(names)
    who = ", ".join(names) + (f" and {more} more" if more else "")
    (what, number), *_ = group.waits.most_common(1)
    if what is not None and number == group.size:
        who += f" {'waits' if group.size == 1 else 'wait'} for {clean(what, 80)}{_held(group, what)}"
    elif len(group.states) == 1:
        who += f" {next(iter(group.states))}"
    else:
        who += f" ({', '.join(f'{each} {clean(state, 20)}' for state, each in group.states.items())})"
    mark = "▶" if set(group.states) == {"running"} and what is None else "⏸"
    return f"{mark if is_top else '↳'} {who}{_stuck(group)}"


def _held(group: Group, what: str) -> str:
    """Return who holds what all of a group wait for, if it is the same for all."""
    if len(group.holders) != 1 or " held by " in what:
        return ""
    holders = [group.session.activities[each] for each in next(iter(group.holders)) if each in group.session.activities]
    if not holders:
        return ""
    more = f" and {len(holders) - MOST_NAMES} more" if len(holders) > MOST_NAMES else ""
    return f", held by {', '.join(map(name_of, holders[:MOST_NAMES]))}{more}"


def finding_line(finding: FindingInfo) -> str:
    """Return a finding in one line; a question mark says that it is not proven."""
    doubt = "?" if not finding["certain"] and finding["kind"] in _UNPROVEN else ""
    return clean(f"{_TITLES.get(finding['kind'], finding['kind'])}{doubt}: {finding['text']}", 2000)


def wait_line(session: Session, activity: SavedActivity) -> str:
    """Return the state of an activity and what it waits for, such as "waits for lock, held by right since pay.py:7"."""
    if "failure" in activity:
        return clean(f"failed with {activity['failure']}")
    wait = activity.get("waitsFor")
    if wait is None:
        return clean(activity["state"])
    text = f"waits for {wait['description']}"
    holders = []
    for holder in wait.get("holders", ())[:MOST_NAMES]:
        other = session.activities.get(holder["activityId"])
        if other is not None:
            itself = "itself" if other is activity else name_of(other)
            since = f" since {session.short_place(holder['location'])}" if "location" in holder else ""
            holders.append(f"{itself}{since}")
    if holders and " held by " not in text:
        more = len(wait.get("holders", ())) - len(holders)
        text += f", held by {', '.join(holders)}" + (f" and {more} more" if more > 0 else "")
    if "deadline" in wait:
        text += f", for at most {wait['deadline']:.0f} s"
    since_when = session.since(activity)
    if since_when is not None:
        text += f", since {since_when[11:19]} UTC at least"
    return clean(text)


def row(session: Session, activity: SavedActivity) -> str:
    """Return an activity in one line."""
    kind = clean(activity["kind"].replace("_", " "), 20).capitalize()
    return f"{kind} {name_of(activity)}  {wait_line(session, activity)}"


def listing(session: Session, group: Group) -> str:
    """Return many activities, each in one line."""
    shown = group.activities[:MOST_LISTED]
    lines = [row(session, each) for each in shown]
    if group.size > len(shown):
        lines.append(f"... and {group.size - len(shown)} more")
    return "\n".join(lines)


def details(session: Session, activity: SavedActivity, *, with_stack: bool) -> List[str]:
    """Return everything about an activity."""
    lines = [row(session, activity)]
    lines += [f"  {finding_line(each)}" for each in session.findings_of.get(activity["id"], ())[:2]]
    if with_stack:
        for frame in session.frames_of(activity)[-20:]:
            lines.append(f"  {clean(frame['name'], 80)}  {clean(session.short_place(frame['location']), 80)}")
            lines += [f"    {manager(session, context)}" for context in frame.get("contexts", ())[:10]]
        if "stackError" in activity:
            lines.append(f"  {clean(activity['stackError'])}")
    return lines


def manager(session: Session, context: ContextShape) -> str:
    """Return a context manager in one line."""
    kind = context["manager"]["type"].rpartition(".")[2] if "manager" in context else "?"
    text = f"{'async with' if context['isAsync'] else 'with'} {kind}"
    if context.get("description"):
        text += f" ({context['description']})"
    if "varname" in context:
        text += f" as {context['varname']}"
    if context["phase"] != "active":
        text += f", {context['phase']}"
    if "location" in context:
        text += f"  {session.short_place(context['location'])}"
    return clean(text)


def block_lines(session: Session, blocks: Sequence[Block]) -> List[str]:
    """Return who is in a ``with`` item, and who waits for what it holds."""
    lines: List[str] = []
    addresses: List[str] = []
    told: Dict[str, None] = {}
    for phase, words in (("active", "inside"), ("entering", "entering"), ("exiting", "leaving")):
        group = Group(session, MOST_TOLD)
        for block in blocks:
            if block.context["phase"] == phase:
                group.add(block.shape)
                told[manager(session, block.context)] = None
                if "manager" in block.context:
                    index = block.context["manager"]["address"]
                    for each in session.summaries[block.shape].activities[:MOST_TOLD]:
                        if "stack" in each:
                            addresses.append(each["stack"]["values"][index])
        if group.size:
            lines.append(f"{words}: " + ", ".join(row(session, each) for each in group.activities))
            if group.size > len(group.activities):
                lines[-1] += f" and {group.size - len(group.activities)} more"
    waiting = [each for address in dict.fromkeys(addresses) for each in session.waiting_at.get(address, ())]
    if waiting:
        names = [name_of(session.activities[each]) for each in dict.fromkeys(waiting)]
        more = f" and {len(names) - MOST_TOLD} more" if len(names) > MOST_TOLD else ""
        lines.append(f"waited for by: {', '.join(names[:MOST_TOLD])}{more}")
    return [*list(told)[:3], *lines]
