"""Who is inside of which block, read from the stacks: holders of what keeps no record, and deadlines."""

from __future__ import annotations

from typing import Any, Callable, Container, Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from .._model import Activity, ContextInfo, FrameInfo, Location, Traceback
from .._quick import new_location
from .facts import deadline_of_block, held_by, held_in_block, shield_of_block

#: The method by which a block can give up what it holds.
_GIVING_UP = "release"
_TAKING = "acquire"
_CANCELLING = "cancel"
_LOOSE = ("coroutine", "generator", "async_generator")


class Block(NamedTuple):
    """A ``with`` block that holds something."""

    activity: str
    since: Location
    #: Whether the function of the block, or another one further inward, may have given up what the block holds.
    may_have_given_up: bool


class Blocks:
    """The blocks of all stacks.

    :param wanted: identities of the objects whose holders are to be found.
    """

    def __init__(self, wanted: Set[int]) -> None:
        self._wanted = wanted
        #: By the identity of what they hold.
        self.by_object: Dict[int, List[Block]] = {}
        #: Seconds until a block ends what is inside of it, by the activity; the least of several.
        self.deadlines: Dict[str, float] = {}
        #: Those whose own code names the methods that take or give up a lock.
        self.naming: Set[str] = set()
        #: Whether stacks have been gone through.
        self.was_read = False
        self._kinds: Dict[int, Tuple[bool, Optional[Callable[[object], object]], Optional[Callable[[Any], Any]]]] = {}
        #: Types of managers that hold nothing, and end nothing after a time.
        self._irrelevant: Set[int] = set()
        #: Those whose own code names the method that cancels a task.
        self.cancelling: Set[str] = set()
        #: Whether code names the methods that give up and take a lock, and cancel, by the identity of the code.
        self._codes: Dict[int, Tuple[bool, ...]] = {}
        #: Whether what is further outward than a scope with a shield is gone through: other scopes cannot end it.
        self._shielded = False
        #: The frames that have been gone through, or belong to somebody else.
        self._seen: Set[int] = set()

    def read(self, activities: Iterable[Activity], stack_of: Callable[[Activity], Optional[Traceback]]) -> None:
        """Go through all stacks: each frame belongs to one activity."""
        self.was_read = True
        stacks = [(each, stack_of(each)) for each in activities]
        threads = [(each, stack) for each, stack in stacks if each.kind == "thread" and stack is not None]
        inside_threads = {id(info.frame) for _, stack in threads for info in stack.frames}
        # What runs natively in a thread is never that of something that is suspended.
        ranked = [(_rank(activity), activity, stack) for activity, stack in stacks if stack is not None]
        ranked.sort(key=lambda each: each[0])
        for rank, activity, stack in ranked:
            self._stack(activity, stack, inside_threads if rank == 2 else ())

    def _stack(self, activity: Activity, stack: Traceback, skipped: Container[int]) -> None:
        gives_up = False
        seen, codes, irrelevant = self._seen, self._codes, self._irrelevant
        self._shielded = False
        for info in stack.frames[::-1]:
            frame = id(info.frame)
            if frame in skipped or frame in seen:
                continue
            seen.add(frame)
            code = info.frame.f_code
            names = codes.get(id(code))
            if names is None:  # the code lives as long as the stack
                names = tuple([name in code.co_names for name in (_GIVING_UP, _TAKING, _CANCELLING)])
                codes[id(code)] = names
            if (names[0] or names[1]) and not info.hide:
                self.naming.add(activity.id)
                gives_up = gives_up or names[0]
            if names[2] and not info.hide:
                self.cancelling.add(activity.id)
            for context in info.contexts[::-1]:
                # Most managers have nothing to do with waits.
                if id(type(context.manager)) not in irrelevant or context.children or context.inner is not None:
                    self._context(activity, info, context, context, gives_up)

    def _context(
        self, activity: Activity, info: FrameInfo, outer: ContextInfo, context: ContextInfo, gives_up: bool
    ) -> None:
        manager = context.manager
        if manager is not None:
            holds, other, deadline = self._kinds.get(id(type(manager))) or self._kind_of(type(manager))
            if holds and outer.phase != "entering":
                held = manager if other is None else other(manager)
                if id(held) in self._wanted:
                    position = outer.block.position
                    since = new_location(info.filename, position.line if position is not None else None, info.funcname)
                    self.by_object.setdefault(id(held), []).append(Block(activity.id, since, gives_up))
            if deadline is not None and outer.phase != "exiting":
                seconds = deadline(manager)
                is_shield = shield_of_block.find(type(manager))
                if seconds is not None and not (is_shield is not None and self._shielded):
                    self.deadlines[activity.id] = min(seconds, self.deadlines.get(activity.id, seconds))
                self._shielded = self._shielded or (is_shield is not None and is_shield(manager))
        for child in context.children:
            if isinstance(child, ContextInfo):
                self._context(activity, info, outer, child, gives_up)
        if context.inner is not None:
            for inner in context.inner.frames:
                self._seen.add(id(inner.frame))
                for each in inner.contexts:
                    self._context(activity, inner, each, each, gives_up)

    def _kind_of(self, cls: type) -> Tuple[bool, Optional[Callable[[object], object]], Optional[Callable[[Any], Any]]]:
        other = held_in_block.find(cls)
        found = other is not None or held_by.find(cls) is not None, other, deadline_of_block.find(cls)
        self._kinds[id(cls)] = found  # the types live as long as the stacks with their objects
        if not found[0] and found[2] is None:
            self._irrelevant.add(id(cls))
        return found


def _rank(activity: Activity) -> int:
    if activity.kind in _LOOSE:
        return 3
    if activity.kind == "thread":
        return 1
    return 0 if activity.state == "running" else 2


def location_of(info: Optional[FrameInfo]) -> Optional[Location]:
    """Return where a frame is, or None."""
    return None if info is None else Location(info.filename, info.lineno, info.funcname)
