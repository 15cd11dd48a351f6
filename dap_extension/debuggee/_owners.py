"""Which activity a frame belongs to, so that clients can show it once: the others only refer to that one."""

from __future__ import annotations

import types
from typing import Dict, List, Optional, Sequence

from asynctb._snapshot.owners import Stack, owners_of_frames
from asynctb._stacks.extract import extract
from asynctb._stacks.follow import thread_frames

from ._rows import Row
from ._summary import Activities


class FrameOwners:
    """The owners of the frames of one snapshot, for one response.

    Only few stacks need be read for that: of what threads execute, and of a task that another stack seems to go on in.
    """

    def __init__(self, activities: Activities) -> None:
        self._activities = activities
        self._executed: Optional[Dict[int, str]] = None
        #: They are kept, so that their identities stay their own.
        self._frames: List[types.FrameType] = []

    def of(self, row: Row, frames: Sequence[types.FrameType]) -> Dict[int, str]:
        """Return the owners of the frames of a stack, outermost first, by the identity of the frame.

        Those of which none is known are the activity's own, or that of the frame before.
        """
        if self._executed is None:
            self._executed = self._find_executed()
        owners: Dict[int, str] = {}
        begun = self._activities.begin_at
        for index, frame in enumerate(frames):
            owner = self._executed.get(id(frame))
            if owner is None and index and id(frame) in begun and self._begins(begun[id(frame)], frame):
                owner = begun[id(frame)]
            if owner is not None:
                owners[id(frame)] = owner
        driver = self._driver(row)
        if driver is not None and frames:
            owners[id(frames[0])] = driver
        return owners

    def _find_executed(self) -> Dict[int, str]:
        stacks: List[Stack] = []
        for row in self._activities.described():
            if row.thread_ident is not None:
                stacks.append(Stack(row.info["id"], "thread", False, thread_frames(row.thread_ident)))
            elif _is_executed(row):
                stacks.append(Stack(row.info["id"], row.info["kind"], True, self._frames_of(row)))
        self._frames += [frame for stack in stacks for frame in stack.frames]
        return owners_of_frames(stacks)

    def _frames_of(self, row: Row) -> List[types.FrameType]:
        target = row.target() if row.target is not None else None
        return [] if target is None else [info.frame for info in extract(target, with_contexts=False).frames]

    def _begins(self, activity_id: str, frame: types.FrameType) -> bool:
        """Return whether the stack of a task still begins at *frame*, which may have been another one before."""
        row = self._activities.find(activity_id)
        return row is not None and self._frames_of(row)[:1] == [frame]

    def _driver(self, row: Row) -> Optional[str]:
        """Return the task that executes a suspended greenlet, or None."""
        parent = row.info.get("parentId")
        if row.info["kind"] != "greenlet" or row.info["state"] != "suspended" or parent is None:
            return None
        found = self._activities.find(parent)
        return parent if found is not None and found.info["kind"] == "task" else None


def _is_executed(row: Row) -> bool:
    info = row.info
    if info["kind"] == "greenlet" and info.get("waitsFor", {}).get("kind") == "events":
        return True  # the hub of gevent, which waits in the thread
    return info["state"] == "running" and info["kind"] != "thread"
