"""Every thread, task, greenlet and, on request, loose object of the process."""

from __future__ import annotations

import bisect
import itertools
import time
import types
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Tuple, cast

from .._collector import without_collections
from .._frames import reader_mode, reader_notes
from .._ids import activity_ids
from .._model import Activity, Finding, Snapshot, Traceback
from .._objects import describe_error, type_name
from .._own_code import is_own_file
from .._refusal import refusal
from .._stacks.extract import Walker, extract
from .._stacks.follow import CallersUnknown, follow, is_foreign, thread_frames
from .._waits.explain import explain
from . import registry
from .creation import Creations
from .loose import LooseObjects
from .places import Places
from .source import (
    AsyncGenerator,
    Coroutine,
    FrameFilter,
    Generator,
    Group,
    Owner,
    Source,
    ThreadRecord,
    Tops,
    await_chain,
    caller_of,
    frame_of,
    leaf_types,
)

_OWNERS = (Coroutine, Generator, AsyncGenerator)
#: How many stacks are read before what they belong to is described.
_BLOCK = 50
#: Made beforehand, as there is no room for a call.
_NOTHING = Snapshot((), ("The recursion limit leaves no room to take a snapshot.",))


def snapshot(*, tracebacks: bool = True, loose_objects: bool = False, hooks: bool = True) -> Snapshot:
    """Return every activity of the process: threads, tasks of all event loops of all threads, greenlets.

    Nothing is paused and no lock is taken: what other threads do meanwhile may or may not be in the result. Nothing
    of the program is executed, and nothing is kept alive once the result is dropped. No garbage collection starts by
    itself meanwhile.

    :param tracebacks: whether each activity has its full stack in `Activity.traceback`. Without, only `Activity.top`
        tells where it is, which takes about a tenth of the time.
    :param loose_objects: whether to search all objects of the garbage collector for coroutines that nobody awaits,
        and for suspended generators and async generators, too.
    :param hooks: whether hooks may change the stacks, see `Traceback.of`. What activities wait for, who holds it and
        `Activity.top` are the same either way.
    """
    reason = refusal()
    if reason is not None:
        return Snapshot((), (reason,))
    try:
        return without_collections(lambda: _snapshot(tracebacks, loose_objects, hooks))
    except RecursionError:  # the caller is near the limit
        return _NOTHING


def _snapshot(tracebacks: bool, loose_objects: bool, hooks: bool) -> Snapshot:
    moment = time.time()
    listing = Listing(loose_objects=loose_objects, hooks=hooks)
    activities, findings = listing.explained(listing.page(tracebacks=tracebacks))
    notes = [f"Stacks are read less exactly, with the reader {reader_mode()!r}: {note}" for note in reader_notes()]
    return Snapshot(tuple(activities), (*notes, *listing.notes), tuple(findings), moment)


def roots_of(groups: Sequence[Group]) -> Iterator[int]:
    """Return the identities of what the activities of *groups* run."""
    for group in groups:
        for member in group.members:
            for root in (group.source.root_of(member), group.source.wrapper_of(member)):
                if root is not None:
                    yield id(root)


def _name_of(member: object, group: Group) -> str:
    try:
        name = group.source.name_of(member)
    except Exception:  # this may be what the description failed at
        name = None
    return type_name(type(member)) if name is None else name


#: The kinds of activities of which it can be recorded where they were made.
_MADE = ("task", "thread")


class Listing:
    """All activities at one moment, each described only when asked for.

    Making one costs little more than collecting the objects; it keeps them alive for as long as it lives itself.

    :param loose_objects: as for `snapshot`.
    :param new_coroutines: whether to search for coroutines that nobody has awaited yet, if not for all loose objects.
    :param thorough: whether to search all objects of the process wherever something could be missed otherwise. If
        not, such a search is made only now and then, and a note tells what may be missing.
    :param frame_filter: maps the innermost frame of a thread to the innermost one that is the program's own, or None;
        for a debugger, whose frames are on the stack of a paused thread.
    :param is_paused: whether a debugger holds threads.
    :param may_search: whether the heap may be searched for who refers to what is waited for; by default, where all
        loose objects are searched for.
    :param hooks: as for `snapshot`.
    :param is_own: whether a file, of the name that code objects record, has code of the user's own.
    """

    def __init__(
        self,
        *,
        loose_objects: bool = False,
        new_coroutines: bool = False,
        thorough: bool = True,
        frame_filter: Optional[FrameFilter] = None,
        is_paused: bool = False,
        may_search: Optional[bool] = None,
        hooks: bool = True,
        is_own: Callable[[str], bool] = is_own_file,
    ) -> None:
        self._hooks = hooks
        #: What could not be determined, and why.
        self.notes: List[str] = []
        self.is_paused = is_paused
        #: Whether the threads could be listed. If not, what runs in none of them may run nevertheless.
        self.knows_threads = True
        self.is_own = is_own
        self._frame_filter = frame_filter
        #: Whether the heap may be searched for who refers to what is waited for.
        self.may_search = loose_objects if may_search is None else may_search
        self._has_loose, self._has_only_new = loose_objects or new_coroutines, not loose_objects
        self._places = Places(is_own)
        self._creations = Creations()
        #: By identifier; the group of those that were described, not only mentioned.
        self._members: Dict[str, Tuple[object, Optional[Group]]] = {}
        #: What is being described, and what has frames in its stack that are neither its own nor run: of greenlets.
        self._described: Tuple[object, Optional[Group]] = None, None
        self._lent: Dict[int, Tuple[object, Group]] = {}
        registry.frameworks.refresh()
        activity_ids.purge()
        self._threads: Dict[int, ThreadRecord] = {}
        try:
            self._threads = registry.frameworks.list_threads(frame_filter)
        except RecursionError:
            raise
        except Exception as error:  # the program's audit hooks are asked whether we may
            self.knows_threads = False
            self.notes.append(f"Threads could not be listed, nor what only they tell: {describe_error(error)}")
        self._groups = self._find(thorough)
        self._ends = list(itertools.accumulate(len(group.members) for group in self._groups))
        self.notes += registry.frameworks.notes()

    def _find(self, thorough: bool) -> List[Group]:
        threads = self._threads
        search = registry.Search(threads, thorough)
        registered = list(registry.frameworks.sources())
        made: Dict[str, Source] = {}
        for title, make in registered:
            try:
                made[title] = source = make(search)
                for ident, callers in source.suspended_callers().items():
                    threads[ident] = threads[ident]._replace(callers=callers)
            except Exception:  # if it fails again below, a note says so
                pass
        groups: List[Group] = []
        if self._has_loose:
            only_new = self._has_only_new
            registered.append(
                registry.RegisteredSource(
                    "Loose objects", lambda search: LooseObjects(roots_of(groups), only_new=only_new)
                )
            )
        for title, make in registered:
            try:
                source = made.get(title) or make(search)
                groups += source.groups()
                self.notes += source.notes
            except Exception as error:
                self.notes.append(f"{title} could not be listed: {describe_error(error)}")
        position = {ident: index for index, ident in enumerate(threads)}
        groups.sort(
            key=lambda group: position.get(group.thread, len(position)) if group.thread is not None else len(position)
        )
        return groups

    # What sources ask

    def id_of(self, obj: object, prefix: str) -> str:
        """Return the identifier of an activity or loop."""
        found = activity_ids.id_of(obj, prefix)
        if found not in self._members:
            self._members[found] = obj, None
        return found

    def thread(self, ident: Optional[int]) -> Optional[ThreadRecord]:
        """Return a thread by its number."""
        return None if ident is None else self._threads.get(ident)

    def thread_running(self, frame: types.FrameType) -> Optional[ThreadRecord]:
        """Return the thread that has *frame* on its stack, or None."""
        for record in self._threads.values():
            for innermost in (record.frame, *record.callers):
                current = innermost
                while current is not None:
                    if current is frame:
                        return record
                    current = caller_of(current)
        return None

    def survey(self, root: object) -> Tuple[Sequence[Owner], Tops, Optional[int]]:
        """Return what is suspended from *root* inward, where that stands, and its signature."""
        owners, end = await_chain(root)
        tops, signature, may_go_on = self._places.survey(owners)
        if may_go_on or (end is not None and id(type(end)) not in leaf_types and is_foreign(end)):
            raw, _, _, _ = follow(root)
            frames = [frame for frame, _ in raw]
            # What a thread runs has its own place in the list, and is elsewhere the next time.
            if len(frames) > len(owners) and self.thread_running(frames[-1]) is None:
                member, group = self._described
                if group is not None:
                    self._lent.update({id(frame): (member, group) for frame, owner in raw if owner is None})
                tops, signature, _ = self._places.survey_frames(frames)
                owners = [cast(Owner, owner) for _, owner in raw if owner is not None]
        return owners, tops, signature

    def driver_of(self, frame: types.FrameType) -> Optional[str]:
        """Return the identifier of the activity in whose stack the *frame* of a suspended greenlet stands, or None."""
        member, group = self._lent.get(id(frame), (None, None))
        return None if group is None else self.id_of(member, group.source.kind)

    def survey_frames(self, frames: Sequence[types.FrameType]) -> Tuple[Tops, Optional[int]]:
        """Return the same for the frames of a suspended stack, outermost first."""
        tops, signature, _ = self._places.survey_frames(frames)
        return tops, signature

    # What others ask

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def page(self, start: int = 0, count: Optional[int] = None, *, tracebacks: bool = False) -> List[Activity]:
        """Return *count* activities from index *start* on, fewer at the end; all of them by default.

        Threads come first, each followed by what it runs; at the end, what no thread runs.
        """
        members = self._range(start, count)
        if not tracebacks:
            return [self._describe(member, group, None) for group, member in members]
        activities: List[Activity] = []
        # In turns of some of each: one after the other for each member takes a quarter longer.
        while True:
            block = [
                (member, group, self._stack_or_error(member, group, self._hooks))
                for group, member in itertools.islice(members, _BLOCK)
            ]
            if not block:
                return activities
            activities += [self._describe(*each) for each in block]

    def _range(self, start: int, count: Optional[int]) -> Iterator[Tuple[Group, object]]:
        left = len(self) if count is None else count
        index = bisect.bisect_right(self._ends, start)
        while left > 0 and index < len(self._groups):
            group = self._groups[index]
            begin = start - (self._ends[index] - len(group.members))
            chosen: Sequence[object] = group.members[begin : begin + left]
            for member in chosen:
                yield group, member
            left -= len(chosen)
            start += len(chosen)
            index += 1

    def _describe(self, member: object, group: Group, stack: Optional[Traceback]) -> Activity:
        self._described = member, group
        try:
            activity = group.source.describe(member, group, self, stack)
        except Exception as error:
            self.notes.append(f"An activity could not be described: {describe_error(error)}")
            record = member if type(member) is ThreadRecord else None
            activity = Activity(
                kind=group.source.kind,
                framework=group.source.framework,
                id=self.id_of(member, group.source.kind) if record is None else record.id,
                name=_name_of(member, group),
                state="unknown",
                target=member if record is None else record.thread,
            )
        self._members[activity.id] = member, group
        place = self._creations.place_of(activity.target) if activity.kind in _MADE else None
        if place is not None:
            object.__setattr__(activity, "created_at", place)  # nobody has it yet
        return activity

    def begin_at(self) -> Dict[int, str]:
        """Return the tasks by the identities of the frames that their stacks begin at, running ones included."""
        found: Dict[int, str] = {}
        for group in self._groups:
            for member in group.members if group.source.kind == "task" else ():
                root = group.source.root_of(member)
                frame = frame_of(root) if type(root) in _OWNERS else None
                if frame is not None:
                    found[id(frame)] = self.id_of(member, "task")
        return found

    def target(self, activity_id: str) -> Optional[object]:
        """Return the object of an activity that was described or mentioned, or None if there was none."""
        member, _ = self._members.get(activity_id, (None, None))
        return member.thread if type(member) is ThreadRecord else member

    def traceback(self, activity_id: str) -> Optional[Traceback]:
        """Return the full stack, as it is now, of an activity that was described or mentioned; None if none was."""
        member, group = self._members.get(activity_id, (None, None))
        return None if member is None else self._stack_of(member, group, True)

    def explained(self, activities: List[Activity]) -> Tuple[List[Activity], List[Finding]]:
        """Return *activities*, all there are, with who holds what they wait for, and what follows from that."""
        try:
            return explain(activities, self)
        except RecursionError:
            raise
        except Exception as error:
            self.notes.append(f"Who waits for whom could not be worked out: {describe_error(error)}")
            return activities, []

    # What the explanation asks

    def stack_of(self, activity: Activity) -> Optional[Traceback]:
        """Return the full stack of an activity, with what hooks say about it."""
        return (activity.traceback if self._hooks else None) or self.traceback(activity.id)

    def moment_of(self, activity_id: str) -> Tuple[object, ...]:
        """Return objects and numbers that are others as soon as the activity has gone on; empty if nothing tells."""
        member, group = self._members.get(activity_id, (None, None))
        if type(member) is ThreadRecord:
            frames = thread_frames(member.ident)
            return tuple([each for frame in frames for each in (frame, frame.f_lasti)])
        moment = None if group is None else group.source.moment_of(member)
        return () if group is None else moment if type(moment) is tuple else (moment,)

    def again(self, activity_id: str) -> Optional[Activity]:
        """Return an activity as it is now, without its stack."""
        member, group = self._members.get(activity_id, (None, None))
        if type(member) is ThreadRecord:
            frames = thread_frames(member.ident)
            if not frames:
                return None
            innermost = frames[-1] if self._frame_filter is None else self._frame_filter(frames[-1])
            member = member._replace(frame=innermost)
        return None if group is None else group.source.describe(member, group, self, None)

    def loop(self, loop_id: str) -> Optional[object]:
        """Return an event loop by its identifier."""
        return self._members.get(loop_id, (None, None))[0]

    def _stack_or_error(self, member: object, group: Group, hooks: bool) -> Traceback:
        try:
            return self._stack_of(member, group, hooks)
        except Exception as error:
            self.notes.append(f"A stack could not be read: {describe_error(error)}")
            root = member.thread if type(member) is ThreadRecord else member
            return Traceback((), root, None, RuntimeError(describe_error(error)))

    def _stack_of(self, member: object, group: Optional[Group], hooks: bool) -> Traceback:
        if type(member) is ThreadRecord:
            return self._stack_of_thread(member.thread, member.ident, hooks)
        if group is not None and group.thread is not None and group.source.is_thread_running(member):
            return self._stack_of_thread(member, group.thread, hooks)
        return extract(member, with_contexts=True, recurse_child_tasks=False, hooks=hooks)

    def _stack_of_thread(self, root: Optional[object], ident: int, hooks: bool) -> Traceback:
        problems: List[CallersUnknown] = []
        frames = thread_frames(ident, problems)
        if not frames:
            return Traceback((), root, None, RuntimeError("the thread has ended"))
        if self._frame_filter is not None:
            innermost = self._frame_filter(frames[-1])
            while frames and frames[-1] is not innermost:
                del frames[-1]
        return Walker(True, False, hooks=hooks).traceback(root, (*problems, *frames) if frames else None)
