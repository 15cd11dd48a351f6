"""Which one activity each frame belongs to, where several have it in their stacks."""

from __future__ import annotations

import types
from typing import Dict, List, Mapping, NamedTuple, Sequence, Set, Tuple

from .._model import Activity
from .source import caller_of

#: The lower it is, the sooner a frame that no thread executes is theirs.
_RANKS = {"task": 0, "thread": 2}


class Stack(NamedTuple):
    """The stack of an activity, outermost frame first."""

    #: Identifier of the activity.
    id: str
    kind: str
    #: Whether it may be what a thread executes.
    is_executed: bool
    frames: Sequence[types.FrameType]


def stack_of(activity: Activity) -> Stack:
    """Return the stack that an activity was listed with."""
    kind = activity.kind
    # Of greenlets, also the hub of gevent that its thread executes, waiting for events.
    is_executed = kind != "thread" and (activity.state == "running" or kind == "greenlet")
    frames = () if activity.traceback is None else [info.frame for info in activity.traceback.frames]
    return Stack(activity.id, kind, is_executed, frames)


def owners_of_frames(stacks: Sequence[Stack]) -> Dict[int, str]:
    """Return the identifier of the activity that each frame belongs to, by the identity of the frame.

    What runs in a thread is the thread's, or that of what runs there, even if a task awaits it. Anything else is the
    task's that has it, and of several that of the one in whose stack it stands outermost.
    """
    begun = {id(each.frames[0]): each.id for each in stacks if each.is_executed and each.frames}
    owners: Dict[int, str] = {}
    rest: List[Tuple[int, int, Stack]] = []
    for each in stacks:
        executed = _executed(each.frames) if each.kind == "thread" else ()
        owner = each.id
        for index, frame in enumerate(each.frames):
            key = id(frame)
            if key in executed:
                owner = owners[key] = begun.get(key, owner)
            else:
                rest.append((key, index, each))
    ranks: Dict[int, Tuple[int, int]] = {}
    for key, index, each in rest:
        rank = _RANKS.get(each.kind, 1), index
        if rank < ranks[key] if key in ranks else key not in owners:
            ranks[key], owners[key] = rank, each.id
    return owners


def handovers(activity_id: str, frames: Sequence[types.FrameType], owners: Mapping[int, str]) -> Dict[int, str]:
    """Return where the stack of an activity goes on in that of another one, by the index of the first such frame."""
    found: Dict[int, str] = {}
    before = activity_id
    for index, frame in enumerate(frames):
        owner = owners.get(id(frame), before)
        if owner not in (before, activity_id):
            found[index] = owner
        before = owner
    return found


def _executed(frames: Sequence[types.FrameType]) -> Set[int]:
    """Return the identities of those of a thread's *frames* that it executes, not of what its stack goes on in."""
    found = {id(frames[0])} if frames else set()
    for frame in frames[1:]:
        caller = caller_of(frame)
        while caller is not None and id(caller) not in found:
            caller = caller_of(caller)
        if caller is not None:
            found.add(id(frame))
    return found
