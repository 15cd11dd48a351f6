"""What the waits of one look mean: who holds what, who cannot go on, and why.

What can go on is worked out from what cannot be doubted to be free, see `graph.stuck`; what remains is stuck. Where
something is not known, it counts as free: a wait for an event, of which nothing tells who will set it, proves nothing.
"""

from __future__ import annotations

import os
from typing import (
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Protocol,
    Sequence,
    Set,
    Tuple,
)

import attrs

from .._model import Activity, Finding, Holder, Location, Step, Traceback, Wait
from .._objects import exact_str
from .._quick import new_full_wait, new_holder
from .facts import (
    Held,
    called_from_outside,
    cancelling_timers,
    fuller_words,
    held_by,
    held_in_block,
    is_retrieved,
    lateness_of_loop,
    queued_coroutines,
    unseen_by_collector,
    unused_of_loop,
    woken_through,
)
from .graph import Node, circle_of, knots, stuck, waiters_of
from .holders import Blocks, location_of
from .kinds import EXTERNAL, HELD, LOCK_OF_CONDITION, WOKEN
from .reach import MOST_SECONDS, Search, TooMuch, coroutines_of, reaching

#: Seconds that a timer of a loop is overdue if the loop is certain to be blocked.
_LATE = 0.1
#: How many steps a sentence has, how many names a list.
_MOST_STEPS, _MOST_NAMES = 4, 3
#: Of more that are stuck, it is not counted who waits behind whom.
_MOST_EDGES = 1_000
#: How many findings of one kind are told one by one.
_MOST_FINDINGS = 20
#: How often what can go on is worked out again as more is reached.
_MOST_ROUNDS = 50
#: How long a search may take of a program that a debugger has stopped, where nobody has asked for it.
_SECONDS_AT_STOPS = 0.5
#: Of how many it is told who could wake them.
_MOST_LEFT = 10_000
_LOOSE = ("coroutine", "generator", "async_generator")
#: Waits for several activities that also end if one of them fails.
_ENDED_BY_FAILURE = frozenset({"group", "tasks"})


class Look(Protocol):
    """What is asked of the listing whose activities are explained."""

    #: Whether threads are held by a debugger, so that it proves nothing that they are late.
    is_paused: bool
    #: Whether the heap may be searched for who refers to what is waited for.
    may_search: bool
    #: Whether all threads are known.
    knows_threads: bool
    #: What could not be determined, and why.
    notes: List[str]

    def stack_of(self, activity: Activity) -> Optional[Traceback]:
        """Return the full stack of an activity."""

    def moment_of(self, activity_id: str) -> Tuple[object, ...]:
        """Return objects and numbers that are others as soon as the activity has gone on; empty if nothing tells."""

    def again(self, activity_id: str) -> Optional[Activity]:
        """Return an activity as it is now."""

    def loop(self, loop_id: str) -> Optional[object]:
        """Return an event loop by its identifier."""


def explain(activities: Sequence[Activity], look: Look) -> Tuple[List[Activity], List[Finding]]:
    """Return *activities* with all that is known about their waits, and what follows from these."""
    explanation = _Explanation(activities, look)
    return explanation.activities, explanation.findings()


class _Waited(NamedTuple):
    """An object that others wait for, and that somebody holds."""

    held: Held
    holders: Tuple[Holder, ...]
    #: Whether these are all, for sure.
    complete: bool


class _Explanation:
    def __init__(self, activities: Sequence[Activity], look: Look, *, with_blocks: bool = False) -> None:
        self._look = look
        #: Whether blocks are read also where the locks record who holds them: they have the lines.
        self._with_blocks = with_blocks
        self._by_id = {each.id: each for each in activities}
        self._by_target = {id(each.target): each.id for each in activities if each.target is not None}
        self._by_ident = {each.thread_ident: each.id for each in activities if each.thread_ident is not None}
        self._held = self._find_held(activities)
        self._waited: Dict[int, _Waited] = {}
        self._blocks = self._read_blocks(activities)
        self._words: Dict[Tuple[int, str], str] = {}
        #: Whether some were found to be stuck but for timers.
        self._ended_by_timers = False
        #: Waits that are the same for all who wait for an object.
        self._shared: Dict[Tuple[int, str, str], Wait] = {}
        self.activities = [self._explained(each) for each in activities]
        self._by_id = {each.id: each for each in self.activities}

    # Waits and holders

    @staticmethod
    def _find_held(activities: Sequence[Activity]) -> Dict[int, Tuple[object, Held]]:
        found: Dict[int, Tuple[object, Held]] = {}
        seen: Set[int] = set()
        for each in activities:
            target = each.waits_for.target if each.waits_for is not None else None
            if target is None or id(target) in seen:
                continue
            seen.add(id(target))
            hook = held_by.find(type(target))
            held = hook(target) if hook is not None else None
            if held is not None:
                found[id(target)] = target, held
        return found

    def _read_blocks(self, activities: Sequence[Activity]) -> Blocks:
        wanted = {address for address, (_, held) in self._held.items()}
        blocks = Blocks(wanted)
        has_stacks = any(each.traceback is not None for each in activities)
        # Of those that are stuck it is told since where they hold what, also where others tell that they do.
        if (
            self._with_blocks
            or has_stacks
            or any(held.owners is None and not held.free for _, held in self._held.values())
        ):
            blocks.read(activities, self._look.stack_of)
        for address, (target, held) in self._held.items():
            self._waited[address] = self._waited_for(target, held, blocks)
        return blocks

    def _waited_for(self, target: object, held: Held, blocks: Blocks) -> _Waited:
        inside = [block for block in blocks.by_object.get(id(target), ()) if not self._gave_up(block.activity, target)]
        holders: Dict[str, Holder] = {}
        if held.owners is not None:
            since = {block.activity: block.since for block in inside}
            complete = True
            for owner, permits in held.owners:
                if type(owner) is int:  # gevent's threads have the identity of a greenlet as their number
                    activity_id = self._by_ident.get(owner) or self._by_target.get(owner)
                else:
                    activity_id = self._by_target.get(id(owner))
                if activity_id is None:
                    complete = False
                else:
                    holders[activity_id] = new_holder(activity_id, permits, since.get(activity_id), "owner")
            return _Waited(held, tuple(holders.values()), complete)
        if held.free:
            return _Waited(held, (), False)
        certain = True
        for block in inside:
            if block.may_have_given_up:
                certain = False
            before = holders.get(block.activity)
            permits = 1 if before is None or held.total == 1 else before.permits + 1
            since_ = block.since if before is None else before.since
            holders[block.activity] = new_holder(block.activity, permits, since_, "block")
        taken = sum(holder.permits for holder in holders.values())
        complete = certain and held.total is not None and taken == held.total
        if held.total is not None and taken > held.total:  # somebody has given it up within the block
            return _Waited(held, (), False)
        return _Waited(held, tuple(holders.values()) if certain else (), complete)

    def _gave_up(self, activity_id: str, target: object) -> bool:
        """Return whether an activity waits for a condition with the lock *target*, which it gives up meanwhile."""
        wait = self._by_id[activity_id].waits_for
        if wait is None or wait.target is None:
            return False
        if wait.description == LOCK_OF_CONDITION:
            return wait.target is target  # it is about to take it again
        if wait.kind != "condition":
            return False
        lock_of = held_in_block.find(type(wait.target))
        return lock_of is not None and lock_of(wait.target) is target

    def _explained(self, activity: Activity) -> Activity:
        wait = activity.waits_for
        if wait is None:
            return activity
        words, holders = wait.description, wait.holders
        if wait.target is not None:
            waited = self._waited.get(id(wait.target))
            holders = waited.holders if waited is not None else holders
            words = self._full_words(wait.target, words)
        deadline = self._blocks.deadlines.get(activity.id)
        if wait.deadline is not None and (deadline is None or wait.deadline < deadline):
            deadline = wait.deadline
        if words is not wait.description or holders is not wait.holders or deadline is not wait.deadline:
            key = None if wait.activities or deadline is not None else (id(wait.target), wait.kind, words)
            shared = self._shared.get(key) if key is not None else None
            if shared is None:
                shared = new_full_wait(wait.kind, words, wait.target, wait.activities, wait.needs, holders, deadline)
                if key is not None:
                    self._shared[key] = shared
            # It is frozen for those who get it, which nobody has yet; a copy takes ten times as long.
            object.__setattr__(activity, "waits_for", shared)
        return activity

    def _full_words(self, target: object, words: str) -> str:
        hook = fuller_words.find(type(target))
        if hook is None:
            return words
        key = id(target), words
        found = self._words.get(key)
        if found is None:
            found = self._words[key] = hook(target, words) or words
        return found

    # What cannot go on

    def _blocked_threads(self) -> Set[str]:
        """Return the threads that are in something else than the wait for events of their loops."""
        return {
            each.id
            for each in self.activities
            if each.kind == "thread" and each.waits_for is not None and each.waits_for.kind != "events"
        }

    def _node(self, activity: Activity, blocked: Set[str], *, has_time: bool = False) -> Optional[Node]:
        """Return what an activity needs; None for one that has ended.

        :param has_time: whether what a deadline ends is needed nevertheless: how it is until then.
        """
        if activity.state == "done":
            return None
        requirements: List[Sequence[str]] = []
        if activity.kind != "thread" and activity.thread in blocked:
            requirements.append((str(activity.thread),))
        wait = activity.waits_for
        if wait is not None and activity.state == "suspended":
            requirements += self._needed(wait, has_time)
        return Node(requirements)

    def _needed(self, wait: Wait, has_time: bool) -> List[Sequence[str]]:
        if wait.kind in EXTERNAL or (wait.deadline is not None and not has_time):
            return []
        waited = self._waited.get(id(wait.target)) if wait.target is not None else None
        if waited is not None:
            return [[holder.activity for holder in waited.holders]] if waited.complete else []
        if not wait.activities:
            return []
        if wait.needs == "any" or wait.kind in _ENDED_BY_FAILURE:
            return [wait.activities]
        return [(each,) for each in wait.activities]

    def _deadlines(self, members: Iterable[str]) -> Dict[str, float]:
        """Return those that a timer ends, with the seconds until then; of *members* also what only their loop knows."""
        found = {name: seconds for name, seconds in self._blocks.deadlines.items() if name in self._by_id}
        waits = [(each.id, each.waits_for.deadline) for each in self.activities if each.waits_for is not None]
        targets = [self._by_id[name].target for name in members]
        objects = [target for target in targets if target is not None]
        for timers in cancelling_timers:
            for address, seconds in timers(objects).items():
                if address in self._by_target:
                    waits.append((self._by_target[address], seconds))
        for name, deadline in waits:
            if deadline is not None:
                found[name] = min(deadline, found.get(name, deadline))
        return found

    def _ways_out(self, members: Set[str]) -> Set[str]:
        """Return those that a timer ends, and what is cancelled with these."""
        found = set(self._deadlines(members))
        children: Dict[str, List[str]] = {}
        for activity in self.activities:
            if activity.parent is not None and activity.kind == "task":
                children.setdefault(activity.parent, []).append(activity.id)
        todo = list(found)
        while todo:  # who is cancelled cancels what it awaits, and the tasks of its groups
            name = todo.pop()
            wait = self._by_id[name].waits_for
            for each in (*(wait.activities if wait is not None else ()), *children.get(name, ())):
                if each in self._by_id and each not in found:
                    found.add(each)
                    todo.append(each)
        return found

    def _looked_at_again(self, names: Set[str]) -> Tuple[_Explanation, List[str]]:
        """Return what is known of some by a second look, and which of them have gone on meanwhile.

        Between two looks at what tells whether an activity has gone on, everything is read again: if that is the same
        in both, the activity was suspended all the time, and what was read is of one moment.
        """
        moments = {each.id: self._look.moment_of(each.id) for each in self.activities if each.id in names}
        found = [self._look.again(name) for name in moments]
        is_short = len(found) <= _MOST_EDGES
        again = _Explanation([each for each in found if each is not None], self._look, with_blocks=is_short)
        moved = [name for name, moment in moments.items() if not _is_same(moment, self._look.moment_of(name))]
        return again, moved

    def _without_doubt(self, again: _Explanation, remaining: Set[str], nodes: Dict[str, Node]) -> Set[str]:
        """Return those of *remaining* for which no block is taken for a proof that is none.

        A block can have given its lock up in a function that has returned. So it proves nothing if somebody who can go
        on, whose code takes or gives up locks, has this one at hand: it may be he who holds it.
        """
        locks: Dict[int, List[str]] = {}
        for each in again.activities:
            wait = each.waits_for
            if each.id in remaining and wait is not None and any(holder.evidence == "block" for holder in wait.holders):
                locks.setdefault(id(wait.target), []).append(each.id)
        others = [each for each in self.activities if each.id in self._blocks.naming and each.id not in remaining]
        if not locks or not others:
            return remaining
        stacks = [(each.id, stack) for each, stack in [(each, self._look.stack_of(each)) for each in others] if stack]
        stops = {id(each.target) for each in self.activities if each.target is not None}
        try:
            reached = reaching(stacks, locks, stops)
        except TooMuch:
            return set()
        doubtful = [name for address in reached for name in locks[address]]
        return stuck(nodes, {*(name for name in nodes if name not in remaining), *doubtful}) if doubtful else remaining

    def stuck(self, free: Iterable[str] = (), *, has_time: bool = False) -> Tuple[Set[str], Dict[str, Node]]:
        """Return those that cannot go on, and what each needs.

        :param free: activities that can go on whatever they need.
        :param has_time: whether timers are no way out: those are found that cannot go on before one ends a wait.
        """
        blocked = self._blocked_threads()
        nodes: Dict[str, Node] = {}
        for each in self.activities:
            node = self._node(each, blocked, has_time=has_time)
            if node is not None:
                nodes[each.id] = node
        remaining = stuck(nodes, free)
        if remaining and not has_time:
            if not self._blocks.was_read:
                self._blocks.read([self._by_id[name] for name in remaining], self._look.stack_of)
            before, remaining = remaining, stuck(nodes, {*free, *self._ways_out(remaining)})
            self._ended_by_timers = len(remaining) < len(before)
        return remaining, nodes

    def findings(self) -> List[Finding]:
        """Return why something does not go on."""
        remaining, nodes = self.stuck()
        found: List[Finding] = []
        in_deadlock: Set[str] = set()
        if remaining:
            again, moved = self._looked_at_again(remaining)
            remaining, nodes = again.stuck(moved)
            remaining = self._without_doubt(again, remaining, nodes)
            for members, edges in again._knots(remaining, nodes):
                in_deadlock.update(members)
                finding = again._deadlock(members, edges)
                found.append(attrs.evolve(finding, text=finding.text + self._watchdogs(members, remaining)))
        found += self._temporary(in_deadlock)
        if self._look.may_search:
            found += self._unwoken(remaining, in_deadlock)
        found += self._blocked_loops(in_deadlock)
        found += self._starved_for_sure(remaining)
        found += self._never_awaited()
        found += self._failed()
        return found

    def _knots(self, remaining: Set[str], nodes: Dict[str, Node]) -> Iterator[Tuple[List[str], Dict[str, List[str]]]]:
        """Yield the groups of those who cannot go on that wait for each other, and who waits for whom."""
        edges = {
            each.id: [other for needed in nodes[each.id].requirements for other in needed if other in remaining]
            for each in self.activities
            if each.id in remaining
        }
        for members in knots(edges):
            yield circle_of(members, edges), edges

    def _watchdogs(self, members: List[str], remaining: Set[str]) -> str:
        """Return, for a sentence, who waits for a time to come and has one of *members*, in code that cancels."""
        waits = [(name, self._by_id[name].waits_for) for name in self._blocks.cancelling if name not in remaining]
        names = [name for name, wait in waits if wait and (wait.kind == "sleep" or wait.deadline is not None)]
        stacks = [(name, stack) for name in names for stack in [self._look.stack_of(self._by_id[name])] if stack]
        wanted = {id(self._by_id[name].target): name for name in members if self._by_id[name].kind == "task"}
        if not stacks or not wanted:
            return ""
        try:
            reached = reaching(stacks, wanted, {id(each.target) for each in self.activities})
        except TooMuch:
            return ""
        pairs = [(wanted[address], name) for address, names in reached.items() for name in names]
        return f"; {self._name(pairs[0][1])} may cancel {self._name(pairs[0][0])}" if pairs else ""

    def _temporary(self, in_deadlock: Set[str]) -> List[Finding]:
        """Return the deadlocks that only timers will end."""
        if not self._ended_by_timers and not any(
            each.waits_for is not None and each.waits_for.deadline is not None for each in self.activities
        ):
            return []
        remaining, _ = self.stuck(has_time=True)
        if remaining <= in_deadlock:
            return []
        again, moved = self._looked_at_again(remaining)
        remaining, nodes = again.stuck(moved, has_time=True)
        remaining = self._without_doubt(again, remaining, nodes)
        found = []
        for members, edges in again._knots(remaining, nodes):
            if not in_deadlock.isdisjoint(members):
                continue
            deadlines = again._deadlines(members)
            until = min([name for name in members if name in deadlines], key=lambda name: deadlines[name], default=None)
            if until is None:  # a timer of one that is not in the circle itself
                continue
            in_deadlock.update(members)
            ends = f"for {deadlines[until]:.0f} s, until the timeout of {again._name(until)}"
            finding = again._deadlock(members, edges)
            found.append(attrs.evolve(finding, certain=False, text=f"{finding.text} ({ends})"))
        return found

    # Who could wake whom

    def _needs_waker(self, activity: Activity) -> bool:
        """Return whether it is not known who ends what an activity waits for."""
        wait = activity.waits_for
        if wait is None or wait.target is None or wait.activities or wait.deadline is not None:
            return False
        if activity.state != "suspended":
            return False
        waited = self._waited.get(id(wait.target))
        if waited is not None:
            return not waited.complete and not waited.held.free
        return wait.kind in WOKEN and held_by.find(type(wait.target)) is None

    def _has_loose_holder(self, activity: Activity) -> bool:
        holders = activity.waits_for.holders if activity.waits_for is not None else ()
        return any(self._by_id[holder.activity].kind in _LOOSE for holder in holders)

    def _unwoken(self, certain: Set[str], in_deadlock: Set[str]) -> List[Finding]:
        """Return who waits for what nothing refers to any more that can go on."""
        suspects = [each for each in self.activities if self._needs_waker(each) or self._has_loose_holder(each)]
        if not suspects or not self._look.knows_threads:
            return []
        try:
            moments = {each.id: self._look.moment_of(each.id) for each in suspects}
            remaining, is_complete = self._without_waker(suspects, ())
            if not any(each.id in remaining for each in suspects):
                return []
            # What was handed from one to another meanwhile is found by a second search.
            moved = [name for name, before in moments.items() if not _is_same(before, self._look.moment_of(name))]
            again, also_complete = self._without_waker(suspects, moved)
            remaining &= again
            moved = [name for name, before in moments.items() if not _is_same(before, self._look.moment_of(name))]
            remaining -= set(moved)
            found = self._tell_unwoken(suspects, remaining, certain, in_deadlock, is_complete and also_complete)
        except TooMuch:
            self._look.notes.append("There are too many objects to search them for who could wake those who wait.")
            return []
        return found

    def _without_waker(self, suspects: List[Activity], moved: Sequence[str]) -> Tuple[Set[str], bool]:
        """Return those that cannot go on as nothing that can refers to what wakes them, and whether that is complete.

        A generator that nobody runs goes on if it is reached itself.
        """
        nothing: Tuple[Set[str], bool] = (set(), False)
        blocked = self._blocked_threads()
        nodes: Dict[str, Node] = {}
        wakers: Dict[int, Set[str]] = {}
        needy = {each.id for each in suspects if self._needs_waker(each)}
        stops: Set[int] = set()
        for each in self.activities:
            if each.target is not None:
                stops.add(id(each.target))
                stops.update(coroutines_of(each.target))
            node = self._node(each, blocked)
            if node is None:
                continue
            requirements = list(node.requirements)
            if each.id in needy and each.waits_for is not None:
                name = f"what wakes {each.id}"
                requirements.append([*[holder.activity for holder in each.waits_for.holders], name])
                for obj in _wakers_of(each.waits_for):
                    wakers.setdefault(id(obj), set()).add(name)
            elif each.kind in _LOOSE and each.state in ("suspended", "created"):
                name = f"what runs {each.id}"
                requirements.append([name])
                stops.discard(id(each.target))
                wakers.setdefault(id(each.target), set()).add(name)
            nodes[each.id] = Node(requirements)
        found: Set[str] = set()
        for loop_id in {each.loop for each in self.activities if each.loop is not None}:
            loop = self._look.loop(loop_id)
            unused = [function(loop) for function in unused_of_loop] if loop is not None else []
            if all(each is None for each in unused):
                return nothing
            stops.update(id(obj) for each in unused if each is not None for obj in each)
        loose = {id(each.target) for each in self.activities if each.kind in _LOOSE}
        search = Search(wakers, stops | loose, seconds=_SECONDS_AT_STOPS if self._look.is_paused else MOST_SECONDS)
        for function in called_from_outside:
            for obj in function():
                search.add(obj)
        out: Set[str] = set(moved)
        remaining = stuck(nodes, out)
        out |= self._ways_out(remaining)
        expanded: Set[str] = set()
        for _ in range(_MOST_ROUNDS):
            remaining = stuck(nodes, {*out, *found})
            new = [each for each in self.activities if each.id not in remaining and each.id not in expanded]
            for each in new:
                expanded.add(each.id)
                if each.state == "done":
                    continue
                stack = self._look.stack_of(each)
                if stack is not None:
                    search.add_stack(stack)
                if each.target is not None:
                    search.add_referents(each.target)
                    unseen = unseen_by_collector.find(type(each.target))
                    others, is_all = unseen(each.target) if unseen is not None else ((), True)
                    for obj in others:
                        search.add(obj)
                    search.is_complete = search.is_complete and is_all
            search.run()
            if not search.is_readable:
                return nothing
            now = {name for address in search.reached for name in wakers.get(address, ())}
            if now == found:
                break
            found = now
        else:
            return nothing
        return remaining, search.is_complete

    def _tell_unwoken(
        self,
        suspects: List[Activity],
        remaining: Set[str],
        certain: Set[str],
        in_deadlock: Set[str],
        is_complete: bool,
    ) -> List[Finding]:
        left = [each for each in self.activities if each.id in remaining]
        if len(left) > _MOST_LEFT:
            first = {each.id for each in suspects[:_MOST_LEFT]}
            left = [each for each in left if each.id in first]
        stops = {id(each.target) for each in self.activities if each.target is not None and each.kind not in _LOOSE}
        stops.update(address for each in self.activities for address in coroutines_of(each.target))
        stops.update(id(self._look.loop(each.loop)) for each in left if each.loop is not None)
        loose = {id(each.target): each for each in left if each.kind in _LOOSE}
        needy = {each.id: each for each in suspects if each.id in remaining and self._needs_waker(each)}
        waiting = {each.id for each in suspects if each.id in remaining}
        wanted = {id(obj) for each in needy.values() for obj in _wakers_of(each.waits_for)} | set(loose)
        stacks = [(each.id, stack) for each in left for stack in [self._look.stack_of(each)] if stack is not None]
        near = reaching(stacks, wanted, stops)
        blocked = self._blocked_threads()
        edges: Dict[str, List[str]] = {}
        for each in left:
            node = self._node(each, blocked)
            following = [name for needed in node.requirements for name in needed] if node is not None else []
            if each.id in needy and each.waits_for is not None:
                following += [holder.activity for holder in each.waits_for.holders]
                following += [
                    name
                    for obj in _wakers_of(each.waits_for)
                    for name in near.get(id(obj), ())
                    if name != each.id and not _is_same_wait(each.waits_for, self._by_id[name].waits_for)
                ]
            elif id(each.target) in loose:
                following += [name for name in near.get(id(each.target), ()) if name != each.id]
            # Those come first that wait for nobody in particular: they are what is at the bottom of it.
            edges[each.id] = sorted({*following} & remaining, key=lambda name: (name not in waiting, name))
        found: List[Finding] = []
        for members in knots(edges):
            if in_deadlock.issuperset(members) or waiting.isdisjoint(members):
                continue
            members = circle_of(sorted(members, key=lambda name: (name not in waiting, name)), edges)
            in_deadlock.update(members)
            proven = is_complete and all(self._is_plain(name) for name in members)
            found.append(attrs.evolve(self._deadlock(members, edges), certain=proven))
        alone: Dict[Tuple[int, str], List[str]] = {}
        for name, each in needy.items():
            if name in edges and not edges[name] and name not in certain and each.waits_for is not None:
                alone.setdefault((id(each.waits_for.target), each.waits_for.description), []).append(name)
        for (_, words), names in list(alone.items())[:_MOST_FINDINGS]:
            place = location_of(self._by_id[names[0]].top)
            where = f" at {_place(place)}" if place is not None else ""
            held = needy[names[0]].waits_for
            nobody = ", which nobody alive is known to hold," if held is not None and held.kind in HELD else ""
            comma = "" if nobody else ","
            text = (
                f"{self._names(names)} {'waits' if len(names) == 1 else 'wait'} for {words}{where}{nobody}{comma}"
                " and nothing that can still run refers to it"
            )
            proven = is_complete and all(self._is_plain(name) for name in names)
            steps = tuple([self._step(name) for name in names])
            found.append(Finding("abandoned", proven, text, tuple(names), steps))
        return found

    def _is_plain(self, name: str) -> bool:
        """Return whether nobody but code written in Python can end the wait: futures are also set from C."""
        wait = self._by_id[name].waits_for
        return wait is None or wait.kind != "future"

    # Sentences

    def _name(self, activity_id: str) -> str:
        activity = self._by_id.get(activity_id)
        if activity is None:
            return activity_id
        kind = activity.kind.replace("_", " ")
        name = exact_str(activity.name) or activity.id
        return name if name.endswith(kind) else f"{kind} {name}"

    def _names(self, ids: Sequence[str]) -> str:
        names = [self._name(each) for each in ids[:_MOST_NAMES]]
        return ", ".join(names) + (f" and {len(ids) - _MOST_NAMES} more" if len(ids) > _MOST_NAMES else "")

    def _step(self, activity_id: str) -> Step:
        activity = self._by_id[activity_id]
        wait, place = activity.waits_for, location_of(activity.top)
        where = f" at {_place(place)}" if place is not None else ""
        if activity.kind in _LOOSE and activity.state == "suspended" and wait is None:
            text = f"{self._name(activity_id)} is suspended{where}"
        elif wait is None or activity.state not in ("suspended", "cancelling"):
            text = f"{self._name(activity_id)} is in {self._name(activity.thread or '')}{where}"
        else:
            text = f"{self._name(activity_id)} waits for {wait.description}{where}"
            if wait.holders:
                held = [
                    self._name(each.activity) + (f" since {_place(each.since)}" if each.since is not None else "")
                    for each in wait.holders[:_MOST_NAMES]
                ]
                more = len(wait.holders) - len(held)
                text += ", held by " + ", ".join(held) + (f" and {more} more" if more > 0 else "")
            elif wait.activities and wait.kind != "task":
                text += f": {self._names(wait.activities)}"
        return Step(activity_id, text, place)

    def _deadlock(self, members: List[str], edges: Mapping[str, Sequence[str]]) -> Finding:
        steps = tuple([self._step(each) for each in members])
        text = "; ".join(step.text for step in steps[:_MOST_STEPS])
        if len(steps) > _MOST_STEPS:
            text += f"; and {len(steps) - _MOST_STEPS} more"
        behind = len(waiters_of(members, edges)) if len(edges) < _MOST_EDGES else 0
        if behind > 0:
            text += f" ({'1 other waits' if behind == 1 else f'{behind} others wait'} behind)"
        return Finding("deadlock", True, text, tuple(members), steps)

    def _blocked_loops(self, in_deadlock: Set[str]) -> Iterable[Finding]:
        members: Dict[Tuple[str, str], List[Activity]] = {}
        for each in self.activities:
            if each.loop is not None and each.thread is not None and each.state != "done":
                members.setdefault((each.loop, each.thread), []).append(each)
        for (loop_id, thread_id), tasks in members.items():
            thread = self._by_id.get(thread_id)
            if thread is None or thread_id in in_deadlock or any(each.id in in_deadlock for each in tasks):
                continue
            wait = thread.waits_for
            if wait is not None and wait.kind == "events":
                continue
            running = [each for each in tasks if each.state == "running"]
            loop = self._look.loop(loop_id)
            late = None
            for lateness in lateness_of_loop:
                late = lateness(loop) if late is None and loop is not None else late
            is_late = late is not None and late > _LATE and not self._look.is_paused
            if not is_late and (wait is None or not running or not self._still_there(thread)):
                continue
            if not is_late and not self._look.is_paused and all(each.state != "ready" for each in tasks):
                continue
            others = len(tasks) - len(running)
            if not others:
                continue
            doing = f"waits for {wait.description}" if wait is not None else "runs"
            by = self._name(running[0].id) if running else self._name(thread_id)
            place = location_of(running[0].top if running and running[0].top is not None else thread.top)
            where = f" at {_place(place)}" if place is not None else ""
            waiting = "1 task waits" if others == 1 else f"{others} tasks wait"
            text = (
                f"The event loop of {self._name(thread_id)} is blocked by {by}, which {doing}{where}; {waiting} for it"
            )
            if running and running[0].id in self._ways_out({each.id for each in tasks}):
                text += ", and so does its timeout"
            ids = (thread_id, *[each.id for each in running])
            steps = [Step(ids[-1], f"{by} {doing}{where}", place)]
            yield Finding("blocked_loop", is_late, text, ids, tuple(steps))

    def _still_there(self, thread: Activity) -> bool:
        """Return whether a thread is where it was when it was described."""
        top, moment = thread.top, self._look.moment_of(thread.id)
        return top is not None and any(
            frame is top.frame and lasti == top.lasti for frame, lasti in zip(moment[::2], moment[1::2])
        )

    def _starved_for_sure(self, remaining: Set[str]) -> List[Finding]:
        """Return what `_starved` does at a second look, if nobody has gone on meanwhile whom that is about."""
        names = {name for finding in self._starved(remaining) for name in finding.activities}
        if not names:
            return []
        again, moved = self._looked_at_again(names)
        return [finding for finding in again._starved(remaining) if not {*moved}.intersection(finding.activities)]

    def _starved(self, remaining: Set[str]) -> Iterable[Finding]:
        waiting: Dict[int, List[Activity]] = {}
        for each in self.activities:
            target = each.waits_for.target if each.waits_for is not None else None
            if id(target) in self._waited and each.state == "suspended" and each.id not in remaining:
                waiting.setdefault(id(target), []).append(each)
        for address, waiters in waiting.items():
            waited = self._waited[address]
            total = waited.held.total
            if waited.held.free or total == 1 or not waited.holders:
                continue
            if total is None:
                total = sum(holder.permits for holder in waited.holders)
            elif not waited.complete:
                continue
            holding = [self._by_id[holder.activity] for holder in waited.holders]
            if any(each.waits_for is None or each.waits_for.deadline is not None for each in holding):
                continue
            first = waiters[0].waits_for
            words = first.description if first is not None else ""
            count = "1 waits" if len(waiters) == 1 else f"{len(waiters)} wait"
            they = holding[0].waits_for
            text = (
                f"{count} for {words}: all {total} are held by {self._names([each.id for each in holding])}"
                f", waiting for {they.description if they is not None else ''}"
            )
            ids = [each.id for each in (*waiters, *holding)]
            yield Finding("starved", False, text, tuple(ids), tuple([self._step(each) for each in ids]))

    def _never_awaited(self) -> List[Finding]:
        new = [each for each in self.activities if each.kind == "coroutine" and each.state == "created"]
        queued = {address for function in queued_coroutines for address in function()} if new else set()
        new = [each for each in new if id(each.target) not in queued]
        return self._each("never_awaited", new, lambda each: f"Nobody has awaited {self._name(each.id)}")

    def _failed(self) -> List[Finding]:
        failed = [
            each
            for each in self.activities
            if each.failure is not None and any(check(each.target) is False for check in is_retrieved)
        ]
        return self._each(
            "failed",
            failed,
            lambda each: f"{self._name(each.id)} has failed with {each.failure}; nobody was told so far",
        )

    def _each(self, kind: str, found: List[Activity], sentence: Callable[[Activity], str]) -> List[Finding]:
        findings = []
        for each in found[:_MOST_FINDINGS]:
            text, place = sentence(each), location_of(each.top)
            text += f" ({_place(place)})" if place is not None else ""
            text = text[:1].upper() + text[1:]
            findings.append(Finding(kind, False, text, (each.id,), (Step(each.id, text, place),)))  # type: ignore[arg-type]
        if len(found) > _MOST_FINDINGS:
            rest = tuple([each.id for each in found[_MOST_FINDINGS:]])
            findings.append(Finding(kind, False, f"And {len(rest)} more", rest))  # type: ignore[arg-type]
        return findings


def _wakers_of(wait: Optional[Wait]) -> List[object]:
    """Return the objects with which one can be woken from *wait*."""
    if wait is None or wait.target is None:
        return []
    others = woken_through.find(type(wait.target))
    return [wait.target, *(others(wait.target) if others is not None else ())]


def _is_same_wait(first: Wait, second: Optional[Wait]) -> bool:
    return second is not None and first.target is second.target and first.kind == second.kind


def _place(location: Optional[Location]) -> str:
    return "" if location is None else f"{os.path.basename(exact_str(location.filename) or '')}:{location.line}"


def _is_same(before: Tuple[object, ...], now: Tuple[object, ...]) -> bool:
    """Return whether two results of `Look.moment_of` are of the same objects and numbers."""
    return len(before) == len(now) and all(
        first is second or (type(first) is int and type(second) is int and first == second)
        for first, second in zip(before, now)
    )
