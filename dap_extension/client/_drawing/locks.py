"""Who holds the lock that another one waits for, as far as a capture says so for certain."""

from __future__ import annotations

import collections
import os
import re
from typing import Any, DefaultDict, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from ...protocol import ActivityInfo, Context, Frame, SourceRef, Stack
from .._session.helper import Capture

#: Of an address, the digits at its end that are shown at least.
_MIN_DIGITS = 4
#: Locks that one waits for even if one holds them oneself.
_NOT_REENTRANT = frozenset({"Lock", "lock"})
_LIBRARIES = frozenset({"asyncio", "threading", "_thread", "trio", "anyio", "curio"})
#: Locks that one holds alone, by the name of their class: who is inside their block holds them. Not so semaphores.
_EXCLUSIVE = frozenset({"Lock", "lock", "RLock", "_RLock", "StrictFIFOLock", "LockAdapter"})
#: What one waits for and others hold, by the name of its class.
_SHARED = re.compile(r"(?i)lock|semaphore|limiter|condition")
#: Descriptions of locks that nobody holds.
_FREE = ("not locked", "free")
#: Files of the frameworks with a `Condition.wait`: it gives up a lock inside the block of the lock.
_CONDITION_FILES = frozenset({"threading.py", "locks.py", "_sync.py", "sync.py", "_synchronization.py"})


class Locks:
    """What a capture says about locks. A stack that is not there, or ambiguous, says nothing."""

    def __init__(self, capture: Capture) -> None:
        self._activities = {each["id"]: each for each in capture["snapshot"]["activities"]}
        self._sources = capture["stacks"]["sources"]
        self._not_reentrant: Set[str] = set()
        #: The tasks and greenlets that each thread runs: its stack has their frames, too.
        self._runs: DefaultDict[str, Set[str]] = collections.defaultdict(set)
        for each in self._activities.values():
            if each["state"] == "running" and each["kind"] != "thread" and "threadId" in each:
                self._runs[each["threadId"]].add(each["id"])
        #: Who is inside the block of a lock, by the lock's address.
        self._inside: DefaultDict[str, Set[str]] = collections.defaultdict(set)
        #: The locks whose blocks an activity is entering.
        self._entered: DefaultDict[str, List[str]] = collections.defaultdict(list)
        #: Addresses of what looks the same: type and description.
        looks: DefaultDict[Tuple[str, Optional[str]], Set[str]] = collections.defaultdict(set)
        waited = {
            each["waitsFor"]["target"]["address"]
            for each in self._activities.values()
            if "target" in each.get("waitsFor", {})
        }
        for answer in capture["stacks"]["stacks"]:
            activity_id = answer["activityId"]
            stack = answer.get("stack")
            if stack is None or activity_id not in self._activities:
                continue
            gave_up = self._may_have_given_up(stack["frames"])
            for context in _contexts(stack):
                manager = context.get("manager")
                if manager is None:
                    continue
                kind, address, description = manager["type"], manager["address"], context.get("description")
                if _SHARED.search(kind.rpartition(".")[2]):
                    looks[kind, description].add(address)
                if not _is_exclusive(kind):
                    continue
                if context["phase"] == "entering" and self._can_wait(self._activities[activity_id], kind):
                    self._entered[activity_id].append(address)
                    waited.add(address)
                elif context["phase"] == "active" and not gave_up and not (description or "").startswith(_FREE):
                    self._inside[address].add(activity_id)
                if kind.rpartition(".")[2] in _NOT_REENTRANT:
                    self._not_reentrant.add(address)
        #: The activity that holds the lock that another one waits for, by the identifier of the latter.
        self.holders: Dict[str, str] = {}
        for activity in self._activities.values():
            holder = self._find_holder(activity)
            if holder is not None:
                self.holders[activity["id"]] = holder
        self._short: Dict[str, str] = {}
        for addresses in looks.values():
            if len(addresses & waited) > 1:
                self._short.update(_shortened(sorted(addresses & waited)))

    def short_address(self, address: str) -> Optional[str]:
        """Return the end of an address, to tell its object from others that look the same; None if there are none."""
        return self._short.get(address)

    def deadlocks(self) -> List[List[str]]:
        """Return the activities that wait for each other in a circle, each before the one that it waits for."""
        following = dict(self.holders)
        for each in self._activities.values():
            if each["state"] == "cancelling":
                following.pop(each["id"], None)  # it has been told to stop waiting
                continue
            target = each.get("waitsFor", {}).get("activityId")
            if each["id"] not in following and target in self._activities and target != each["id"]:
                following[each["id"]] = target
        found: List[List[str]] = []
        seen: Set[str] = set()
        for start in following:
            path: List[str] = []
            current: Optional[str] = start
            while current is not None and current not in seen:
                seen.add(current)
                path.append(current)
                current = following.get(current)
            if current in path:
                circle = path[path.index(current) :]
                # Tasks that wait for each other without a lock are not to be found in a program.
                if any(each in self.holders for each in circle):
                    found.append(circle)
        return found

    def _can_wait(self, activity: ActivityInfo, lock_type: str) -> bool:
        """Return whether an activity that is entering the block of a lock waits for it, if another one holds it."""
        if activity["kind"] == "thread" or activity["state"] == "running":
            # The locks of threads are waited for in C, where nothing else tells of it.
            return lock_type.startswith(("_thread.", "threading.")) and not self._runs[activity["id"]]
        # One that is ready may have been given it.
        return activity["state"] in ("suspended", "cancelling") and "waitsFor" in activity

    def _find_holder(self, activity: ActivityInfo) -> Optional[str]:
        """Return who holds the lock that an activity waits for; itself, if it waits for its own lock."""
        own = activity["id"]
        target = activity.get("waitsFor", {}).get("target")
        candidates = list(self._entered[own])
        # One that is ready may have been given the lock.
        if target is not None and _is_exclusive(target["type"]) and activity["state"] != "ready":
            candidates.append(target["address"])
        for address in candidates:
            inside = self._inside[address]
            inside = inside - {each for each in inside if inside & self._runs[each]}
            if len(inside) != 1:
                continue
            (holder,) = inside
            # Itself only if its stack says so, too: what it waits for may have been seen earlier than the stack.
            if holder != own or (address in self._entered[own] and address in self._not_reentrant):
                return holder
        return None

    def _may_have_given_up(self, frames: Sequence[Frame]) -> bool:
        """Return whether a stack is in the wait for a condition, which may belong to a lock that seems to be held."""
        for index, frame in enumerate(frames):
            if frame["name"] in ("wait", "Condition.wait"):
                path = self._path(frame)
                # Conditions inside events, queues and the like have locks of their own.
                outer = self._path(frames[index + 1]) if index + 1 < len(frames) else ""
                if os.path.basename(path) in _CONDITION_FILES and (outer != path or _is_wait_for(frames[index + 1])):
                    return True
        return False

    def _path(self, frame: Frame) -> str:
        source: SourceRef = self._sources[frame["location"]["source"]]
        return source.get("path") or source.get("name") or ""


def _is_wait_for(frame: Frame) -> bool:
    return frame["name"].rpartition(".")[2] == "wait_for"


def _is_exclusive(kind: str) -> bool:
    return kind.partition(".")[0] in _LIBRARIES and kind.rpartition(".")[2] in _EXCLUSIVE


def _contexts(stack: Stack) -> Iterator[Context]:
    """Yield the context managers of a stack and those inside them."""
    # Without recursion: stacks nest as deep as the program's context managers do.
    pending: List[Any] = [stack]
    while pending:
        each = pending.pop()
        for frame in each.get("frames", ()):
            pending.extend(frame.get("contexts", ()))
        if "phase" in each:
            yield each
            pending.extend(child["context"] for child in each.get("children", ()) if child["kind"] == "context")
            if "inner" in each:
                pending.append(each["inner"])


def _shortened(addresses: Sequence[str]) -> Dict[str, str]:
    """Return as much of the end of each address as tells them apart."""
    digits = _MIN_DIGITS
    while len({address[-digits:] for address in addresses}) < len(set(addresses)):
        digits += 1
    return {address: address[-digits:] for address in addresses}
