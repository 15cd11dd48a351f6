"""A whole snapshot as text: each activity under the one that it belongs to."""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Sequence, Set

from .._model import Activity, FrameInfo, Snapshot, Traceback
from .._objects import exact_str
from .stack_text import Node, Renderer, draw, object_text

#: Deeper nesting continues at the margin: it would be drawn off the right edge anyway.
_MAX_NESTING = 20


def format_snapshot(
    snapshot: Snapshot, *, ascii_only: bool = False, show_contexts: bool = True, show_hidden: bool = False
) -> List[str]:
    """Return the lines of a tree of *snapshot*, see `Snapshot.format`."""
    forest = _Forest(snapshot, show_contexts, show_hidden)
    nodes = [*forest.trees(), *[Node(f"note: {note}", []) for note in snapshot.notes]]
    return draw(nodes, ascii_only=ascii_only)


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
        # Those of a task group stand there under its "async with" already.
        rest = [each for each in self._children.get(activity.id, ()) if each.id not in self._shown]
        if self._nesting < _MAX_NESTING:
            nodes += self._by_loop(rest)
        self._nesting -= 1
        return Node(_label(activity), nodes)

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
        frames: Sequence[FrameInfo] = stack.frames
        if activity.kind == "thread":
            frames = self._outside_of_tasks(activity, frames)
        leaf = stack.leaf if activity.waits_for is None or stack.error is not None else None
        nodes = self.stack_nodes(Traceback(tuple(frames), None, leaf, stack.error))
        if stack.frames and all(info.hide for info in stack.frames) and not self._show_hidden:
            # Better than nothing: what the thread does, or what the task or greenlet is.
            nodes.insert(0, self.frame_node(stack.frames[-1 if activity.kind == "thread" else 0]))
        return nodes

    def _outside_of_tasks(self, thread: Activity, frames: Sequence[FrameInfo]) -> Sequence[FrameInfo]:
        """Leave out the inner frames that are those of a task that the thread runs: they are shown there."""
        running = set()
        for each in self._activities:
            if each.thread == thread.id and each is not thread and each.state == "running" and each.traceback:
                running.update([id(info.frame) for info in each.traceback.frames[:1]])
        for index, info in enumerate(frames):
            if id(info.frame) in running:
                return frames[:index]
        return frames

    def child_node(self, stack: Traceback) -> Node:
        activity = self._by_target.get(id(stack.root))
        if activity is None:
            return super().child_node(stack)
        if activity.id in self._shown or self._nesting >= _MAX_NESTING:
            return Node(_label(activity), [])
        return self._activity(activity)


def _label(activity: Activity) -> str:
    kind = activity.kind.replace("_", " ").capitalize()
    text = f"{kind} {exact_str(activity.name) or ''}  {activity.state}"
    wait = activity.waits_for
    if activity.failure is not None:
        text += f", failed with {activity.failure}"
    elif wait is not None:
        text += f", waits for {wait.description}"
    elif activity.kind == "coroutine" and activity.state == "created":
        text += ", nobody awaits it"
    elif activity.kind not in ("thread", "task") and activity.target is not None:
        text += f"  {object_text(activity.target)}"
    return text
