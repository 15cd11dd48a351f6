"""What the helper answered -> a tree for people, as renderables of rich."""

from __future__ import annotations

import collections
import json
import re
from pathlib import PurePath
from typing import Any, DefaultDict, Dict, FrozenSet, Iterator, List, Optional, Sequence, Set, Tuple

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style

from ...protocol import VARYING, ActivityInfo, Context, FindingInfo, Frame, Json, Location, SourceRef, Stack, WaitInfo
from .._session.helper import Capture
from .._session.shapes import ExpandedStack, Shapes
from .addresses import managers_of, short_addresses
from .branches import Branch, Pen
from .filter import shown_frames
from .lines import Line
from .source_text import Sources

#: Deeper nesting of managers inside managers is cut off: nobody could read it.
MAX_NESTING = 40
#: A remark that would be made more often than this is made once, at the end.
MOST_REMARKS = 3
#: Of more findings than this, only the number is said.
MOST_FINDINGS = 20
#: Names of a group of activities that are shown; of more, the first ones and the last.
MOST_NAMES = 5

# Columns that are kept of what is shortened in a narrow terminal.
_LEAST_CODE, _LEAST_NAME, _LEAST_WHAT, _MOST_PLACE = 6, 9, 5, 30
_STATE_STYLES = {
    "running": "bold green",
    "ready": "green",
    "created": "cyan",
    "cancelling": "yellow",
    "done": "bright_black",
    "unknown": "red",
}
_NO_WAIT: WaitInfo = {"kind": "unknown", "description": ""}
_TITLES = {
    "deadlock": "Deadlock",
    "starved": "Starved",
    "blocked_loop": "Blocked loop",
    "abandoned": "Abandoned",
    "never_awaited": "Never awaited",
    "failed": "Failed",
}
_NAME = "bold"
_PLACE = "cyan"
_WITH = "magenta"
_WAIT = "yellow"
_FAINT = "bright_black"
_PROBLEM = "red"


class Captured:
    """A capture as a renderable: a headline and the tree of all activities, to be printed without cropping it again.

    :param hidden: whether frames are shown that are not of interest to most users.
    :param group: whether activities with identical stacks are put together.
    :param only: the activities to show, by identifier, with what they belong to; None: all.
    """

    def __init__(
        self, capture: Capture, *, hidden: bool = False, group: bool = False, only: Optional[Set[str]] = None
    ) -> None:
        self._capture = capture
        self._hidden = hidden
        self._group = group
        self._only = only

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Line()
        yield from headline(self._capture, None if self._only is None else len(self._only))
        forest = _Forest(self._capture, self._hidden, self._group, self._only, options.ascii_only)
        yield from finding_lines(self._capture, self._only)
        pen = Pen(console, options, _FAINT)
        for branch in forest.branches():
            yield Segment("".join([line + "\n" for line in branch.lines(options.max_width, pen)]))
        notes = list(self._capture["handshake"]["notes"])
        notes += [
            f"there may be more context managers in {number} frames: {reason}"
            for reason, number in forest.often_unknown.items()
        ]
        for note in (*notes, *self._capture["snapshot"]["notes"]):
            yield Line(f"Note: {note}", _FAINT, wrap=True)
        yield Line()


def finding_lines(capture: Capture, only: Optional[Set[str]] = None) -> Iterator[Line]:
    """Yield a line for each finding; "?" marks those that are not proven.

    :param only: the activities that are shown; findings about others are left out.
    """
    findings = [
        each for each in capture["snapshot"]["findings"] if only is None or only.intersection(each["activityIds"])
    ]
    for finding in findings[:MOST_FINDINGS]:
        yield Line(finding_text(finding), _PROBLEM, wrap=True)
    if len(findings) > MOST_FINDINGS:
        yield Line(f"... and {len(findings) - MOST_FINDINGS} more findings", _PROBLEM)


def finding_text(finding: FindingInfo) -> str:
    """Return a finding in one line."""
    # That something has not been awaited or retrieved so far is a fact; it is only not known whether it will be.
    is_fact = finding["certain"] or finding["kind"] in ("never_awaited", "failed")
    return f"{_TITLES.get(finding['kind'], finding['kind'])}{'' if is_fact else '?'}: {finding['text']}"


def headline(capture: Capture, shown: Optional[int] = None) -> Iterator[Line]:
    """Yield the lines that say what this is: where the program stopped, and what it consists of.

    :param shown: how many activities are shown, if not all are.
    """
    if "saved" in capture:
        yield Line(capture["saved"], _FAINT, wrap=True)
    stop = capture["stop"]
    if stop is not None:
        frame: Json = stop.get("frame") or {}
        reason = stop.get("reason")
        line = Line(_stopped_by(reason) + ("," if frame and reason == "pause" else ""), "bold")
        if frame:
            source: SourceRef = frame.get("source") or {}
            sources = Sources([source])
            location: Location = {"source": 0, "line": frame.get("line", 0)}
            line.append(f" in {frame.get('name')}", "bold", order=2, least=_LEAST_NAME, where="middle")
            _append_place(line, sources.place(location))
            _append_code(line, sources.text(location))
        yield line
    elif capture["snapshot"]["paused"]:
        yield Line("Paused", "bold")
    else:
        yield Line("Running, looked at without a pause", "bold")
    handshake = capture["handshake"]
    python = handshake["python"]
    yield Line(
        f"{python['implementation']} {python['version']}, process {handshake['processId']}: "
        + count_activities(capture["snapshot"]["activities"])
        + ("" if shown is None else f"; {shown} of {len(capture['snapshot']['activities'])} shown"),
        _FAINT,
        wrap=True,
    )


def _stopped_by(reason: Optional[str]) -> str:
    if reason == "pause":  # what DAP calls it
        return "Paused on request"
    return f"Paused ({reason})" if reason else "Paused"


def count_activities(activities: Sequence[ActivityInfo]) -> str:
    """Return such as "2 threads, 5 tasks (1 running, 4 suspended)"."""
    kinds: DefaultDict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for activity in activities:
        kinds[activity["kind"]]["failed" if "failure" in activity else activity["state"]] += 1
    parts = []
    for kind, states in kinds.items():
        number = sum(states.values())
        text = f"{number} {kind.replace('_', ' ')}{'' if number == 1 else 's'}"
        if kind != "thread":
            text += " (" + ", ".join(f"{count} {state}" for state, count in states.most_common()) + ")"
        parts.append(text)
    return ", ".join(parts) or "nothing found"


def some_of(names: Sequence[str]) -> str:
    """Return the names of a group, of many the first ones and the last."""
    names = list(dict.fromkeys(names))
    return ", ".join(names if len(names) <= MOST_NAMES else [*names[: MOST_NAMES - 2], "...", names[-1]])


class _Forest:
    """Builds the trees of one capture."""

    def __init__(self, capture: Capture, hidden: bool, group: bool, only: Optional[Set[str]], ascii_only: bool) -> None:
        self._hidden = hidden
        self._group = group
        self._arrow, self._running, self._waiting, self._failed = "→●○✗" if not ascii_only else ("->", "*", "-", "x")
        self._ellipsis = "..." if ascii_only else "…"
        self._sources = Sources(capture["stacks"]["sources"])
        self._summary_sources = Sources(capture["snapshot"]["sources"])
        self._shapes = Shapes(capture["stacks"]["stacks"], capture.get("shared"))
        self._addresses = short_addresses(capture, self._shapes)
        self._with_tasks = [_has_tasks(shape) for shape in self._shapes.shapes]
        self._managers = [[index for _, index in managers_of(shape)] for shape in self._shapes.shapes]
        #: The frames of a stack with what is below them, by all that they depend on.
        self._drawn: Dict[Any, List[Branch]] = {}
        self._stacks: Dict[str, ExpandedStack] = {stack["activityId"]: stack for stack in capture["stacks"]["stacks"]}
        self._activities = {activity["id"]: activity for activity in capture["snapshot"]["activities"]}
        #: Why context managers may be missing, if that is so in so many frames that it is not said at each of them.
        self.often_unknown: Dict[str, int] = {
            reason: number for reason, number in _count_reasons(self._shapes).items() if number > MOST_REMARKS
        }
        self._only = only
        self._ancestors = self._above(only) if only is not None else set()
        self._children: DefaultDict[Optional[str], List[str]] = collections.defaultdict(list)
        # Children of a task group are shown under its "async with", all others under what they belong to.
        shown = [self._stacks[each] for each in self._stacks if only is None or each in only]
        self._held = {
            each["activityId"]: list(_task_children(each.get("stack"), hidden))
            for each in shown
            if self._shape_with_tasks(each["activityId"]) is None
        }
        in_groups = {child for children in self._held.values() for child in children}
        for activity in self._activities.values():
            if activity["id"] not in in_groups:
                self._children[self._parent(activity)].append(activity["id"])
        self._shown: Set[str] = set()
        self._in_group = False
        #: What is equal for activities that look the same with all that is below them, if it is known yet.
        self._signatures: Dict[str, str] = {}
        self._numbers: Dict[Any, int] = {}
        #: For what is below the first member of a group: what is below the others in its place.
        self._alike: DefaultDict[str, List[str]] = collections.defaultdict(list)

    def _shape_with_tasks(self, activity_id: str) -> Optional[int]:
        """Return the shape of an activity's stack; None if there is a task in it, so that it differs from others."""
        shape, _ = self._shapes.of.get(activity_id, (None, ()))
        return None if shape is None or self._with_tasks[shape] else shape

    def _parent(self, activity: ActivityInfo) -> Optional[str]:
        for parent in (activity.get("parentId"), activity.get("threadId")):
            if parent in self._activities and parent != activity["id"]:
                return parent
        return None

    def _above(self, ids: Set[str]) -> Set[str]:
        found: Set[str] = set()
        for start in ids:
            current = self._activities.get(start)
            while current is not None:
                parent = self._parent(current)
                if parent is None or parent in found:
                    break
                found.add(parent)
                current = self._activities[parent]
        return found

    def branches(self) -> List[Branch]:
        top = Branch(Line())
        self._add(top, self._children[None], 0)
        # What is left belongs to each other in a circle, or to something that is not shown.
        for activity_id in self._activities:
            if activity_id not in self._shown:
                self._add(top, [activity_id], 0)
        return top.below

    def _is_wanted(self, activity_id: str) -> bool:
        return self._only is None or activity_id in self._only or activity_id in self._ancestors

    # Activities

    def _add(self, tree: Branch, activity_ids: List[str], nesting: int) -> None:
        """Add activities that stand side by side."""
        present = [each for first in activity_ids for each in (first, *self._alike.get(first, ()))]
        wanted = [each for each in present if each not in self._shown and self._is_wanted(each)]
        # What runs is what one looks for first.
        wanted.sort(key=lambda each: self._activities[each]["state"] != "running")
        for group in self._grouped(list(dict.fromkeys(wanted))):
            members = [each for each in group if each not in self._shown]  # those before may have shown them
            if not members:
                continue
            self._shown.update(members)
            node = tree.add(self._label(members))
            first = members[0]
            self._pair_below(members)
            if self._only is None or first in self._only:
                outer, self._in_group = self._in_group, len(members) > 1
                self._add_stack(node, members, nesting)
                self._in_group = outer
            children = self._children[first]
            if nesting < MAX_NESTING:
                for loop, ids in self._by_loop(children):
                    self._add(node if loop is None else node.add(Line(loop, _NAME)), ids, nesting + 1)

    def _grouped(self, activity_ids: List[str]) -> List[List[str]]:
        groups: Dict[str, List[str]] = {}
        for activity_id in activity_ids:
            groups.setdefault(self._signature(activity_id) if self._group else activity_id, []).append(activity_id)
        return list(groups.values())

    def _pair_below(self, members: List[str]) -> None:
        """Find what is below each member of a group in the place of what is below the first."""
        if len(members) > 1:
            first, *others = ([*sorted(self._below(each), key=self._signature)] for each in members)
            for other in others:
                for one, alike in zip(first, other):
                    self._alike[one].append(alike)

    def _below(self, activity_id: str) -> List[str]:
        """Return the activities that are shown directly under another one, or in its stack."""
        ids = dict.fromkeys((*self._held.get(activity_id, ()), *self._children.get(activity_id, ())))
        return [each for each in ids if each in self._activities and self._is_wanted(each)]

    def _signature(self, activity_id: str) -> str:
        # Without recursion: tasks wait for each other in long chains.
        pending, entered = [activity_id], set()
        while pending:
            current = pending[-1]
            if current in self._signatures:
                pending.pop()
            elif current in entered:
                self._signatures[current] = self._sign(pending.pop())
            else:
                entered.add(current)
                below = self._below(current)
                pending += [each for each in below if each not in self._signatures and each not in entered]
        return self._signatures[activity_id]

    def _sign(self, activity_id: str) -> str:
        below = self._below(activity_id)
        children = self._children.get(activity_id, ())
        if len({self._activities[each].get("loopId") for each in children}) > 1:
            return activity_id  # they stand under their loops, which have names
        activity = self._activities[activity_id]
        is_shown = self._only is None or activity_id in self._only
        target, holders = self._awaited(activity_id), self._holder_ids(activity_id)
        why = activity["waitsFor"]["description"] if "waitsFor" in activity else activity.get("failure")
        relation = self._relation(activity_id, target)
        if why is not None and target in self._activities and relation != target:
            why = why.replace(self._activities[target]["name"], "")
        stack = self._stacks.get(activity_id) if is_shown else None
        what = (
            is_shown,
            (activity["kind"], activity["state"], str(activity.get("createdAt"))),
            (why, relation, tuple([self._relation(activity_id, holder) for holder in holders])),
            self._stack_number(stack),
            tuple(sorted(self._like(each) for each in below)),
        )
        # A number, as the text of one is a part of those above it.
        return f"={self._number(what)}"

    def _number(self, what: Any) -> int:
        return self._numbers.setdefault(what, len(self._numbers))

    def _stack_number(self, stack: Optional[ExpandedStack]) -> Optional[int]:
        """Return the same number for stacks that are equal but for what tells equal ones apart."""
        if stack is None:
            return None
        shape = self._shape_with_tasks(stack["activityId"])
        if shape is not None and ("shape", shape) in self._numbers:
            return self._numbers["shape", shape]
        held = frozenset(self._held.get(stack["activityId"], ()))
        number = self._number(json.dumps(self._without_identity(stack, held), sort_keys=True))
        if shape is not None:
            self._numbers["shape", shape] = number
        return number

    def _like(self, activity_id: str) -> str:
        return self._signatures.get(activity_id, activity_id)  # what is above itself has none yet

    def _relation(self, activity_id: str, other: Optional[str]) -> Optional[str]:
        """Return what another activity is to one: the same for those that look the same, if it is above or below."""
        if other not in self._activities:
            return other
        if other in self._below(activity_id):
            return f"below {self._like(other)}"
        current: Optional[str] = activity_id
        for distance in range(MAX_NESTING):
            if current == other:
                return f"above {distance}"
            current = self._parent(self._activities[current]) if current is not None else None
        return other

    def _without_identity(self, value: Any, held: FrozenSet[str]) -> Any:
        """Return a copy of a stack without what tells equal ones apart."""
        if isinstance(value, dict):
            copied = {key: self._without_identity(item, held) for key, item in value.items() if key not in VARYING}
            child = value.get("activityId")
            if child in held:
                copied["like"] = self._like(child)
            if "children" in copied:
                copied["children"].sort(key=lambda each: json.dumps(each, sort_keys=True))  # some are in sets
            return copied
        if isinstance(value, list):
            return [self._without_identity(item, held) for item in value]
        return value

    def _by_loop(self, activity_ids: List[str]) -> Iterator[Tuple[Optional[str], List[str]]]:
        loops: Dict[Optional[str], List[str]] = {}
        for activity_id in activity_ids:
            loops.setdefault(self._activities[activity_id].get("loopId"), []).append(activity_id)
        for loop, ids in loops.items():
            # The usual one loop of a thread needs no line of its own.
            yield (loop if len(loops) > 1 else None), ids

    def _label(self, members: List[str]) -> Line:
        activity = self._activities[members[0]]
        kind = activity["kind"].replace("_", " ")
        state: str = activity["state"]
        waits = self._describe_wait(members)
        if waits is not None and activity["kind"] == "thread":
            state = ""  # that it waits says more
        failure = activity.get("failure")
        style = _STATE_STYLES.get(state, "") if failure is None else _PROBLEM
        mark = self._failed if failure is not None else self._running if state == "running" else self._waiting
        line = Line(f"{mark} ", style)
        if len(members) > 1:
            line.append(f"{len(members)} {kind}s ").append(self._names(members), _NAME, order=1, least=_LEAST_NAME)
        else:
            name = activity["name"]
            line.append(f"{kind.capitalize()} ").append(name, _NAME, order=1, least=_LEAST_NAME, where="middle")
        line.append("  ")
        if state == "suspended" and waits is not None:
            # That it waits says as much.
            line.append("suspended, ", order=2, least=len("suspended, "), optional=True)
        else:
            line.append(state, style).append(", " if state and waits is not None else "")
        if waits is not None:
            line.append("waits for " if len(members) == 1 else "wait for ")
            line.append(waits, _WAIT)
        elif activity["kind"] == "coroutine" and state == "created":
            line.append(", nobody awaits it" if len(members) == 1 else ", nobody awaits them", _PROBLEM)
        if failure is not None:
            line.append(f", failed with {failure}", _PROBLEM)
        return line

    def _holder_ids(self, activity_id: str) -> List[str]:
        holders = self._activities[activity_id].get("waitsFor", _NO_WAIT).get("holders", [])
        return [holder["activityId"] for holder in holders if holder["activityId"] in self._activities]

    def _awaited(self, activity_id: str) -> Optional[str]:
        """Return the task that another one awaits, if it is one alone."""
        waits = self._activities[activity_id].get("waitsFor", _NO_WAIT)
        return waits["activityIds"][0] if waits["kind"] == "task" and "activityIds" in waits else None

    def _names(self, ids: Sequence[str]) -> str:
        return some_of([self._activities[each]["name"] for each in ids])

    def _describe_wait(self, members: List[str]) -> Optional[str]:
        """Return such as "lock, held by Task-3"; None if they are not known to wait."""
        first = members[0]
        waits = self._activities[first].get("waitsFor")
        if waits is None:
            return None
        what = waits["description"]
        targets = [self._awaited(each) for each in members]
        if len(set(targets)) > 1:
            known = [each for each in targets if each is not None and each in self._activities]
            name = self._activities[known[0]]["name"] if known else ""
            if name and name in what:
                before, _, after = what.rpartition(name)
                what = f"{before}{self._names(known)}{after}"
        holders = list(dict.fromkeys(holder for each in members for holder in self._holder_ids(each)))
        if not holders or " held by " in what:
            return what
        return f"{what}, held by {'itself' if holders == [first] else self._names(holders)}"

    # Stacks

    def _add_stack(self, node: Branch, members: List[str], nesting: int) -> None:
        activity_id = members[0]
        made = self._activities[activity_id].get("createdAt")
        if made is not None:
            line = Line("created at", _FAINT)
            _append_place(line, self._summary_sources.short_place(made["location"]))
            node.add(line)
        answer = self._stacks.get(activity_id)
        stack = answer.get("stack") if answer is not None else None
        if stack is not None:
            activity = self._activities[activity_id]
            thread = activity["kind"] == "thread"
            frames, other = self._own_part(stack["frames"])
            leaf = "waitsFor" not in activity and other is None
            shape, values = self._shapes.of[activity_id]
            if self._with_tasks[shape] or len(frames) < len(stack["frames"]):
                self._add_frames(node, frames, nesting, thread=thread)
            else:
                addresses = [self._addresses.get(values[index]) for index in self._managers[shape] if self._addresses]
                key = shape, nesting, thread, self._in_group, tuple(addresses)
                if key not in self._drawn:
                    drawing = Branch(Line())
                    self._add_frames(drawing, frames, nesting, thread=thread)
                    self._drawn[key] = [branch.share() for branch in drawing.below]
                node.below += self._drawn[key]
            if other is None:
                self._add_end(node, stack, leaf)
            if other is not None and not (thread and self._activities[other].get("threadId") == activity_id):
                kind = self._activities[other]["kind"].replace("_", " ").capitalize()
                others = [self._own_part(self._stacks[each]["stack"]["frames"])[1] for each in members]
                names = self._names([each for each in others if each is not None])
                node.add(Line(f"goes on in {kind} {names}", _FAINT))
        elif answer is not None and "error" in answer:
            node.add(Line(answer["error"]["format"], _PROBLEM))

    def _own_part(self, frames: List[Frame]) -> Tuple[List[Frame], Optional[str]]:
        """Return the outer frames, which no other activity has, and that in which the stack goes on, or None."""
        for index in range(len(frames) - 1, -1, -1):
            other = frames[index].get("activityId")
            if other in self._activities:
                return frames[index + 1 :], other
        return frames, None

    def _add_frames(self, node: Branch, frames: List[Frame], nesting: int, *, thread: bool = False) -> None:
        # As in a Python traceback the innermost comes last, and so does what it waits for.
        for frame in reversed(shown_frames(frames, self._hidden, thread)):
            child = node.add(self._frame(frame))
            # Items of one statement may have one location; they are entered in their order.
            seen: collections.Counter[str] = collections.Counter()
            for context in frame.get("contexts", ()):
                key = str(context.get("location"))
                self._add_context(child, context, nesting + 1, seen[key])
                seen[key] += 1
            reason = frame.get("contextsUnknown")
            if reason is not None and reason not in self.often_unknown:
                child.add(Line(f"perhaps more context managers: {reason}", _PROBLEM))

    def _add_end(self, node: Branch, stack: Stack, leaf: bool) -> None:
        target = stack.get("leaf")
        awaits = f"awaits {target['type']} at {target['address']}" if target is not None else ""
        if "error" in stack:
            node.add(Line(", ".join(filter(None, (awaits, f"the stack ends here: {stack['error']}"))), _PROBLEM))
        elif awaits and leaf:
            node.add(Line(awaits, _WAIT))

    def _frame(self, frame: Frame) -> Line:
        line = Line().append(
            frame["name"], _FAINT if frame.get("hidden") else "", order=2, least=_LEAST_NAME, where="middle"
        )
        _append_place(line, self._sources.short_place(frame["location"]))
        _append_code(line, self._sources.text(frame["location"]))
        return line

    def _add_context(self, node: Branch, context: Context, nesting: int, ordinal: int = 0) -> None:
        child = node.add(self._context(context, ordinal))
        if nesting >= MAX_NESTING:
            return
        if "inner" in context:
            self._add_frames(child, context["inner"]["frames"], nesting + 1)
            self._add_end(child, context["inner"], leaf=True)
        children = context.get("children", ())
        tasks = [each["activityId"] for each in children if each["kind"] == "task" and "activityId" in each]
        self._add(child, [each for each in tasks if each in self._activities], nesting + 1)
        for each in children:
            if each["kind"] == "context":
                self._add_context(child, each["context"], nesting + 1)
            elif each.get("activityId") not in self._activities:
                child.add(Line(f"{each['object']['type']} at {each['object']['address']}"))

    def _context(self, context: Context, ordinal: int) -> Line:
        keyword = "async with" if context["isAsync"] else "with"
        what = _describe_manager(context)
        address = self._addresses.get(context["manager"]["address"]) if "manager" in context else None
        # The members of a group may have different ones.
        where = f" at {self._ellipsis}{address}" if address is not None and not self._in_group else ""
        location = context.get("location")
        code = self._sources.with_item(location, ordinal, context.get("varname")) if location is not None else ""
        phase = context["phase"] if context["phase"] != "active" else ""
        line = Line()
        if location is not None:  # an entry of an ExitStack has no statement
            line.append(f"{keyword} ", _WITH)
        if code:
            line.append(code, _WITH, order=1, least=_LEAST_CODE, where="middle")
            if what.endswith("()") and what[:-1] in code:
                what = ""  # the call is to be seen there
            if what or phase:
                line.append(f" {self._arrow} ").append(phase, _WAIT).append(" " if phase and what else "")
                line.append(what, order=2, least=_LEAST_WHAT).append(where)
        else:
            line.append(what, _WITH, order=2, least=_LEAST_WHAT).append(where, _WITH)
            if location is not None and "varname" in context:
                line.append(f" as {context['varname']}")
            if phase:
                line.append(f" {self._arrow} ").append(phase, _WAIT)
        if "exception" in context:
            line.append(f"  because of {context['exception']}", _PROBLEM)
        if "unknown" in context:
            line.append(f"  ({context['unknown']})", _PROBLEM)
        return line


def _describe_manager(context: Context) -> str:
    """Return such as "Lock (locked, 1 waiting)", "ExitStack with 3 entries", "transaction()" or "?"."""
    manager = context.get("manager")
    name = manager["type"].rpartition(".")[2] if manager is not None else ""
    description = context.get("description")
    if not description:
        return name or "?"
    # Some descriptions say what it is, others only how it is.
    complete = not name or "(" in description or name.casefold() in re.findall(r"\w+", description.casefold())
    return description if complete else f"{name} ({description})"


def _append_place(line: Line, named: Tuple[str, Optional[str]]) -> None:
    place, path = named
    style = Style.parse(_PLACE)
    if path is not None and PurePath(path).is_absolute():
        style += Style(link=PurePath(path).as_uri())  # something to click on, in terminals that know links
    # The name of the file and the line are what one needs to find it.
    least = cell_len(PurePath(place).name) + 2
    line.append("  ").append(place, style, order=3, least=min(least, _MOST_PLACE), where="start")


def _append_code(line: Line, code: str) -> None:
    if code:
        line.append(f"  {code}", order=1, least=_LEAST_CODE, optional=True)


def _count_reasons(shapes: Shapes) -> Dict[str, int]:
    """Return how many frames have each reason for why context managers may be missing."""
    reasons: collections.Counter[str] = collections.Counter()
    for shape, number in collections.Counter(shape for shape, _ in shapes.of.values()).items():
        for frame in shapes.shapes[shape]["frames"]:
            if "contextsUnknown" in frame:
                reasons[frame["contextsUnknown"]] += number
    return reasons


def _has_tasks(value: Any) -> bool:
    """Whether a task stands in the context managers of a stack or shape."""
    pending = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            if each.get("kind") == "task":
                return True
            pending.extend(each.values())
        elif isinstance(each, list):
            pending.extend(each)
    return False


def _task_children(value: Any, hidden: bool) -> Iterator[str]:
    """Yield the identifiers of the tasks that stand in the context managers of a stack.

    :param hidden: whether those of hidden frames count.
    """
    pending = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            if each.get("hidden") and not hidden:
                continue
            if each.get("kind") == "task" and "activityId" in each:
                yield each["activityId"]
            pending.extend(each.values())
        elif isinstance(each, list):
            pending.extend(each)
