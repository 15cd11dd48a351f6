"""What a snapshot consists of, found in one pass and described page by page.

While the program is paused, the objects that were found are kept, in a place that the debugger itself clears when the
thread goes on (`_pydevd.hold`). Of a running program nothing may be kept between two requests: all of it is described
at once, and only texts, numbers and weak references remain.
"""

from __future__ import annotations

import time
import weakref
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Protocol, Sequence, Tuple, cast

from asynctb._model import Activity, Finding, FrameInfo, Traceback
from asynctb._objects import describe_error
from asynctb._output.fields import activity_fields
from asynctb._quick import new_traceback
from asynctb._snapshot.listing import Listing
from asynctb._snapshot.source import Group, caller_of, tops_of_frames

from ..protocol import ActivityInfo, CountInfo
from . import _pydevd
from ._errors import RequestError
from ._ghosts import Ghosts
from ._rows import Row, Top, unmapped
from ._serialize import clip
from ._sources import SourceTable

#: Seconds that describing all activities of a running program may take, and those of a paused one for one of them.
_DESCRIBING_SECONDS = 3.0
_FINDING_SECONDS = 1.0
#: Seconds that describing all activities at once may take, so as to find out who holds what.
_EXPLAINING_SECONDS = 3.0
#: How many activities are described in a go; then it is looked at the time.
CHUNK = 50


class Activities(Protocol):
    """The activities of one snapshot."""

    @property
    def total(self) -> int:
        """How many there are."""

    @property
    def notes(self) -> List[str]:
        """What could not be determined."""

    @property
    def findings(self) -> List[Finding]:
        """Why something does not go on."""

    @property
    def counts(self) -> List[CountInfo]:
        """How many there are of each kind, by the thread that runs them."""

    def page(self, start: int, count: int) -> List[Row]:
        """Return some of them.

        :raises RequestError: if the program went on.
        """

    def find(self, activity_id: str) -> Optional[Row]:
        """Return the one that has this identifier, or None.

        :raises RequestError: if the program went on, or it takes too long.
        """

    @property
    def begin_at(self) -> Mapping[int, str]:
        """Tasks by the identities that the frames had that their stacks began at, when the snapshot was taken."""

    def described(self) -> Iterable[Row]:
        """Return those that have been described."""

    def id_of(self, obj: object) -> Optional[str]:
        """Return the identifier of the one that *obj* is, or None."""

    def forget(self) -> None:
        """Keep no object any more: nobody will ask again."""


class ProgramListing(Listing):
    """The activities of the program being debugged: without the debugger's own, and without a parent process's."""

    def __init__(self, py_db: _pydevd.Debugger, *, paused: bool) -> None:
        self._sources = sources = SourceTable(py_db)
        # A paused program can wait for a search through all of its objects; a running one should not have to.
        super().__init__(
            thorough=paused,
            new_coroutines=paused,
            frame_filter=sources.program_frame,
            is_paused=paused,
            may_search=paused,
            is_own=sources.is_own,
        )
        self.findings: List[Finding] = []
        self._all: Optional[List[Activity]] = None

    def explain(self) -> None:
        """Describe all activities, and find out who holds what they wait for, and what follows from that."""
        deadline = time.monotonic() + _EXPLAINING_SECONDS
        activities: List[Activity] = []
        for start in range(0, len(self), CHUNK):
            if time.monotonic() > deadline:
                self.notes.append(f"Who holds what is not known: there is no time to look at {len(self)} activities.")
                return
            activities += super().page(start, CHUNK)
        self._all, self.findings = self.explained(activities)

    def page(self, start: int = 0, count: Optional[int] = None, *, tracebacks: bool = False) -> List[Activity]:
        if self._all is None or tracebacks:
            return super().page(start, count, tracebacks=tracebacks)
        return self._all[start : None if count is None else start + count]

    def stack_of(self, activity: Activity) -> Optional[Traceback]:
        """Return the stack of an activity without the frames of the debugger, which waits in locks of its own."""
        stack = super().stack_of(activity)
        if stack is None:
            return None
        return new_traceback(tuple(self._sources.program_part(stack.frames)), stack.root, stack.leaf, stack.error)

    def _find(self, thorough: bool) -> List[Group]:
        try:
            ghosts = Ghosts()
        except Exception as error:  # the program's audit hooks are asked whether we may look at threads
            self.notes.append(f"Tasks of a parent process could not be left out: {describe_error(error)}")
            return super()._find(thorough)
        return [
            group
            for group in super()._find(thorough)
            if group.loop is None or not ghosts.has_loop(group.loop, group.thread is not None)
        ]

    @property
    def counts(self) -> List[CountInfo]:
        """How many activities there are of each kind, by the thread that runs them."""
        counted: Dict[Tuple[str, Optional[str]], int] = {}
        for group in self._groups:
            kind = group.source.kind
            thread = None if kind == "thread" else self.thread(group.thread)
            key = kind, None if thread is None else thread.id
            counted[key] = counted.get(key, 0) + len(group.members)
        return _counts(counted)

    @property
    def members(self) -> List[object]:
        """All objects that are activities."""
        return [member for group in self._groups for member in group.members]


def find_activities(py_db: _pydevd.Debugger, suspended: List[_pydevd.SuspendedThread]) -> Activities:
    """Find all activities of the process.

    :param suspended: the threads that the debugger holds.
    :raises RequestError: if the program went on meanwhile.
    """
    listing = ProgramListing(py_db, paused=bool(suspended))
    listing.explain()
    rows = _RowMaker(py_db)
    if not suspended:
        return _Described(_describe_all(listing, rows), listing)
    held = _pydevd.hold(py_db, suspended[0], _Held(listing))
    if held is None:
        raise RequestError("staleSnapshot", "the program went on while the snapshot was taken")
    return _Undescribed(held, rows, len(listing), listing.findings, listing.counts)


def _counts(counted: Dict[Tuple[str, Optional[str]], int]) -> List[CountInfo]:
    found: List[CountInfo] = []
    for (kind, thread_id), number in counted.items():
        entry = cast(CountInfo, {"kind": kind, "count": number})
        if thread_id is not None:
            entry["threadId"] = thread_id
        found.append(entry)
    return found


def in_chunks(activities: Activities, start: int, count: int) -> Iterator[Row]:
    """Yield *count* activities, a few of which are described ahead: whoever has no more time takes no more."""
    end = min(start + count, activities.total)
    for begin in range(start, end, CHUNK):
        yield from activities.page(begin, min(CHUNK, end - begin))


def _describe_all(listing: ProgramListing, maker: _RowMaker) -> List[Row]:
    deadline = time.monotonic() + _DESCRIBING_SECONDS
    rows: List[Row] = []
    for start in range(0, len(listing), CHUNK):
        if time.monotonic() > deadline:
            left = len(listing) - len(rows)
            listing.notes.append(f"{left} activities are left out: too many to describe while the program runs.")
            break
        rows += maker.make(listing, start, CHUNK)
    return rows


class _Described:
    """Activities of a running program, of which no object is kept."""

    def __init__(self, rows: List[Row], listing: ProgramListing) -> None:
        self._rows = rows
        self.findings = listing.findings
        self.begin_at = listing.begin_at()
        self.total = len(rows)
        self.notes = [clip(note) for note in listing.notes]
        counted: Dict[Tuple[str, Optional[str]], int] = {}
        for row in rows:
            kind = row.info["kind"]
            key = kind, None if kind == "thread" else row.info.get("threadId")
            counted[key] = counted.get(key, 0) + 1
        self.counts = _counts(counted)
        self._by_id = {row.info["id"]: row for row in rows}
        # All plain weak references to an object are one and the same.
        self._by_ref = {id(row.target): row for row in rows if row.target is not None}

    def page(self, start: int, count: int) -> List[Row]:
        return self._rows[start : start + count]

    def find(self, activity_id: str) -> Optional[Row]:
        return self._by_id.get(activity_id)

    def described(self) -> Iterable[Row]:
        return self._rows

    def id_of(self, obj: object) -> Optional[str]:
        try:
            row = self._by_ref.get(id(weakref.ref(obj)))
        except TypeError:
            return None
        return row.info["id"] if row is not None and row.target is not None and row.target() is obj else None

    def forget(self) -> None:
        pass


class _Held:
    """What is kept while the program is paused.

    Also what threads run that are not held, and may end meanwhile: it is destroyed by the thread that goes on.
    """

    def __init__(self, listing: ProgramListing) -> None:
        self.listing = listing
        #: Addresses of the activities' objects, once they have been asked for.
        self.addresses: Optional[Dict[int, None]] = None


class _Undescribed:
    """Activities of a paused program, described when they are asked for."""

    def __init__(
        self,
        held: weakref.ref[Any],
        rows: _RowMaker,
        total: int,
        findings: Sequence[Finding] = (),
        counts: Sequence[CountInfo] = (),
    ) -> None:
        #: They refer to nothing of the program.
        self.findings = list(findings)
        self.counts = list(counts)
        self._held = held
        self._rows = rows
        self.total = total
        self.notes: List[str] = []
        self._by_id: Dict[str, Row] = {}
        #: How many of the first ones have been described in search of another.
        self._searched = 0
        self._begin_at: Optional[Mapping[int, str]] = None

    @property
    def begin_at(self) -> Mapping[int, str]:
        if self._begin_at is None:
            self._begin_at = self._get().listing.begin_at()
        return self._begin_at

    def _get(self) -> _Held:
        held = _pydevd.held(self._held)
        if type(held) is not _Held:
            raise RequestError("staleSnapshot", "the program went on since this snapshot: take another")
        return held

    def page(self, start: int, count: int) -> List[Row]:
        listing = self._get().listing
        rows = self._rows.make(listing, start, count)
        self._by_id.update((row.info["id"], row) for row in rows)
        self.notes = [clip(note) for note in listing.notes]
        return rows

    def find(self, activity_id: str) -> Optional[Row]:
        # Remembered from an earlier snapshot, or the parent of one that was described.
        deadline = time.monotonic() + _FINDING_SECONDS
        while activity_id not in self._by_id and self._searched < self.total:
            if time.monotonic() > deadline:
                raise RequestError("timeout", "looking for an activity takes long; ask again, it goes on from there")
            self.page(self._searched, CHUNK)
            self._searched += CHUNK
        return self._by_id.get(activity_id)

    def described(self) -> Iterable[Row]:
        return self._by_id.values()

    def id_of(self, obj: object) -> Optional[str]:
        held = self._get()
        if held.addresses is None:
            held.addresses = dict.fromkeys(map(id, held.listing.members))
        return held.listing.id_of(obj, "task") if id(obj) in held.addresses else None

    def forget(self) -> None:
        _pydevd.let_go(self._held)


class _RowMaker:
    """Turns activities into what may be kept of them."""

    def __init__(self, py_db: _pydevd.Debugger) -> None:
        self._sources = SourceTable(py_db)
        # By address of the thread object. A thread that ends is not paused, and so not described again either.
        self._dap_thread_ids = {
            id(thread): _pydevd.wire_id(thread_id) for thread_id, thread in _pydevd.threads_by_id(py_db).items()
        }

    def make(self, listing: Listing, start: int, count: int) -> List[Row]:
        """Describe *count* activities of *listing* from index *start* on."""
        return [self._row(activity, listing.notes) for activity in listing.page(start, count)]

    def _row(self, activity: Activity, notes: List[str]) -> Row:
        info = cast(ActivityInfo, activity_fields(activity, clip, unmapped, inside=False))
        target = activity.target
        if activity.kind == "thread":
            dap_thread_id = self._dap_thread_ids.get(id(target))
            if dap_thread_id is not None:
                info["dapThreadId"] = dap_thread_id
        top = innermost = None
        try:
            top = self._place(activity, activity.top)
            innermost = self._place(activity, activity.innermost)
        except Exception as error:  # pydevd cannot make anything of a file name
            note = place_unknown(activity.id, error)
            notes += [note] if note not in notes else []  # a page can be asked for again
        return Row(
            info,
            top,
            innermost if innermost != top else None,
            weak_reference(target),
            activity.thread_ident,
        )

    def _place(self, activity: Activity, top: Optional[FrameInfo]) -> Optional[Top]:
        # The innermost frame that is not hidden may be one that the debugger started the thread in.
        while top is not None and self._sources.is_machinery(top.filename):
            caller = caller_of(top.frame) if activity.kind == "thread" else None
            top = tops_of_frames(caller, self._sources.is_own).top
        return None if top is None else Top(weakref.ref(top.frame.f_code), top.lasti, top.hide)


def place_unknown(activity_id: str, error: BaseException) -> str:
    """Return the note on an activity of which it could not be found out where it is."""
    return f"Where {activity_id} is could not be determined: {describe_error(error)}"


def weak_reference(target: Optional[object]) -> Optional[weakref.ref[object]]:
    """Return a weak reference to an activity's object, or None if there can be none."""
    try:
        return weakref.ref(target) if target is not None else None
    except TypeError:  # an object that cannot be referred to weakly; its stack cannot be asked for later
        return None
