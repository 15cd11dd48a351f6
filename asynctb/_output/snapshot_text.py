"""A whole snapshot as text: each activity under the one that it belongs to."""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Sequence, Set

from .._model import Activity, Finding, Snapshot, Traceback
from .._objects import exact_str
from .._snapshot.owners import owners_of_frames, stack_of
from .stack_text import Node, Renderer, draw, object_text

#: Deeper nesting continues at the margin: it would be drawn off the right edge anyway.
_MAX_NESTING = 20
#: How many of the holders of a semaphore are named.
_MOST_HOLDERS = 3


def format_snapshot(
    snapshot: Snapshot, *, ascii_only: bool = False, show_contexts: bool = True, show_hidden: bool = False
) -> List[str]:
    """Return the lines of a tree of *snapshot*, see `Snapshot.format`."""
    forest = _Forest(snapshot, show_contexts, show_hidden)
    findings = [Node(finding_line(finding), []) for finding in snapshot.findings]
    nodes = [*findings, *forest.trees(), *[Node(f"note: {note}", []) for note in snapshot.notes]]
    return draw(nodes, ascii_only=ascii_only)


_TITLES = {
    "deadlock": "Deadlock",
    "starved": "Starved",
    "blocked_loop": "Blocked loop",
    "abandoned": "Abandoned",
    "never_awaited": "Never awaited",
    "failed": "Failed",
}


def finding_line(finding: Finding) -> str:
    """Return a finding in one line."""
    # That something has not been awaited or retrieved so far is a fact; it is only not known whether it will be.
    is_fact = finding.certain or finding.kind in ("never_awaited", "failed")
    return f"{_TITLES[finding.kind]}{'' if is_fact else '?'}: {finding.text}"


class _Forest(Renderer):
    def __init__(self, snapshot: Snapshot, show_contexts: bool, show_hidden: bool) -> None:
        super().__init__(show_contexts, show_hidden)
        self._activities = snapshot.activities
        self._by_target = {id(each.target): each for each in snapshot.activities if each.target is not None}
        by_id = {each.id: each for each in snapshot.activities}
        self._children: Dict[Optional[str], List[Activity]] = {}
        for each in snapshot.activities:
            parent = next((name for name in (each.parent, each.thread) if name in by_id and name != each.id), None)
            self._children.setdefault(parent, []).append(each)
        self._names = {each.id: exact_str(each.name) or each.id for each in snapshot.activities}
        stacks = [stack_of(each) for each in snapshot.activities]
        self._owners = {key: by_id[owner] for key, owner in owners_of_frames(stacks).items()}
        self._shown: Set[str] = set()
        self._nesting = 0

    def trees(self) -> Iterator[Node]:
        # The rest belongs to each other in a circle, or lies too deep.
        for activity in (*self._children.get(None, ()), *self._activities):
            if activity.id not in self._shown:
                yield self._activity(activity)

    def _activity(self, activity: Activity) -> Node:
        self._shown.add(activity.id)
        self._nesting += 1
        nodes = self._stack(activity)
        place = activity.created_at
        if place is not None:
            line = place.line if place.line is not None else "?"
            nodes.insert(0, Node(f"created at {place.filename}:{line}, in {place.funcname}", []))
        # Those of a task group stand there under its "async with" already.
        rest = [each for each in self._children.get(activity.id, ()) if each.id not in self._shown]
        if self._nesting < _MAX_NESTING:
            nodes += self._by_loop(rest)
        self._nesting -= 1
        return Node(self._label(activity), nodes)

    def _by_loop(self, activities: Sequence[Activity]) -> List[Node]:
        loops: Dict[Optional[str], List[Activity]] = {}
        for each in activities:
            loops.setdefault(each.loop, []).append(each)
        nodes: List[Node] = []
        for loop, members in loops.items():
            found = [self._activity(each) for each in members if each.id not in self._shown]
            # The usual one loop of a thread needs no line of its own.
            nodes += found if loop is None or len(loops) == 1 else [Node(loop, found)]
        return nodes

    def _stack(self, activity: Activity) -> List[Node]:
        stack = activity.traceback
        if stack is None:
            return [] if activity.top is None else [self.frame_node(activity.top)]
        nodes: List[Node] = []
        # Of what belongs to another activity there is only a line that refers to it.
        other: Optional[Activity] = None
        for info in stack.frames:
            owner = self._owners.get(id(info.frame), activity)
            if info.hide and not self._show_hidden:
                continue
            if owner is activity:
                nodes.append(self.frame_node(info))
            elif (other is None or other is activity) and not self._is_under(owner, activity):
                nodes.append(Node(f"goes on in {_title(owner)}", []))
            other = owner
        if other is None or other is activity:
            leaf = stack.leaf if activity.waits_for is None or stack.error is not None else None
            nodes += self.stack_nodes(Traceback((), None, leaf, stack.error))
        own = [info for info in stack.frames if self._owners.get(id(info.frame), activity) is activity]
        if own and all(info.hide for info in stack.frames) and not self._show_hidden:
            # Better than nothing: what the thread does, or what the task or greenlet is.
            nodes.insert(0, self.frame_node(stack.frames[-1 if activity.kind == "thread" else 0]))
        return nodes

    @staticmethod
    def _is_under(owner: Activity, thread: Activity) -> bool:
        """Whether *owner* stands under *thread*, so that it need not be said that the stack goes on there."""
        return thread.kind == "thread" and owner.thread == thread.id

    def child_node(self, stack: Traceback) -> Node:
        activity = self._by_target.get(id(stack.root))
        if activity is None:
            return super().child_node(stack)
        if activity.id in self._shown or self._nesting >= _MAX_NESTING:
            return Node(self._label(activity), [])
        return self._activity(activity)

    def _label(self, activity: Activity) -> str:
        text = f"{_title(activity)}  {activity.state}"
        wait = activity.waits_for
        if activity.failure is not None:
            text += f", failed with {activity.failure}"
        elif wait is not None:
            text += f", waits for {wait.description}"
            if wait.holders:
                names = [self._names.get(each.activity, each.activity) for each in wait.holders[:_MOST_HOLDERS]]
                more = len(wait.holders) - len(names)
                text += f", held by {', '.join(names)}" + (f" and {more} more" if more else "")
        elif activity.kind == "coroutine" and activity.state == "created":
            text += ", nobody awaits it"
        elif activity.kind not in ("thread", "task") and activity.target is not None:
            text += f"  {object_text(activity.target)}"
        return text


def _title(activity: Activity) -> str:
    kind = activity.kind.replace("_", " ").capitalize()
    return f"{kind} {exact_str(activity.name) or ''}"
