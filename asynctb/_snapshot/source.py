"""What every source of activities has in common: the top frame, and what is asked of the listing."""

from __future__ import annotations

import types
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Protocol, Sequence, Set, Tuple, Union

from .._model import Activity, ActivityKind, ActivityState, FrameInfo, Traceback
from .._objects import filename_of
from .._stacks.customize import awaitables, handling_by_code
from .._stacks.follow import outward, thread_frames

Coroutine = types.CoroutineType
Generator = types.GeneratorType
AsyncGenerator = types.AsyncGeneratorType
#: What has a frame of its own that can be suspended.
Owner = Union[
    "types.CoroutineType[object, object, object]",
    "types.GeneratorType[object, object, object]",
    "types.AsyncGeneratorType[object, object]",
]

#: CPython 3.11, where an unstarted frame's ``f_lasti`` is no longer -1, and PyPy 3.11.
_HAS_SUSPENDED = hasattr(Coroutine, "cr_suspended")
#: More awaits than any program nests: beyond it, hooks must lead round in a circle.
_MAX_STEPS = 1_000_000


#: Maps the innermost frame of a thread to the innermost one of the program, or None if none is the program's.
FrameFilter = Callable[[types.FrameType], Optional[types.FrameType]]


class ThreadRecord(NamedTuple):
    """A running thread, as it was found."""

    ident: int
    #: Identifier of its activity.
    id: str
    name: str
    #: The `threading.Thread`, or None for a thread that `threading` does not know.
    thread: Optional[object]
    #: Its innermost frame (for the thread that asks: its innermost frame outside of asynctb), or None.
    frame: Optional[types.FrameType]
    #: The innermost frames of the suspended greenlets that have switched to the one that it executes, nearest first.
    callers: Tuple[types.FrameType, ...] = ()
    #: Its number in the operating system, if that is known and `frame` is all that the thread executes: no other
    #: function, such as one of a debugger, has been called from there.
    system_id: Optional[int] = None


class Tops(NamedTuple):
    """Where a stack stands."""

    #: `Activity.top`
    top: Optional[FrameInfo]
    #: `Activity.innermost`
    innermost: Optional[FrameInfo]


NOWHERE = Tops(None, None)


class Group(NamedTuple):
    """Activities of one source that the same thread and loop run."""

    source: Source
    #: Number of the thread, or None if no thread runs them.
    thread: Optional[int]
    #: The event loop, or None for what has none.
    loop: Optional[object]
    members: Sequence[object]


class Listing(Protocol):
    """What a source may ask while it describes one of its objects."""

    #: Whether all threads are known.
    knows_threads: bool
    #: Whether a file, of the name that code objects record, has code of the user's own.
    is_own: Callable[[str], bool]

    def id_of(self, obj: object, prefix: str) -> str:
        """Return the identifier of an activity or loop."""

    def thread(self, ident: Optional[int]) -> Optional[ThreadRecord]:
        """Return a thread of the process by its number."""

    def thread_running(self, frame: types.FrameType) -> Optional[ThreadRecord]:
        """Return the thread that has *frame* on its stack, or None."""

    def survey(self, root: object) -> Tuple[Sequence[Owner], Tops, Optional[int]]:
        """Return what is suspended at awaits from *root* inward, where that stands, and the signature.

        As far as nothing of it runs, that is also what goes on elsewhere, such as in a greenlet.
        """

    def driver_of(self, frame: types.FrameType) -> Optional[str]:
        """Return the identifier of the activity in whose stack the *frame* of a suspended greenlet stands, or None.

        It is known once that activity has been described.
        """

    def survey_frames(self, frames: Sequence[types.FrameType]) -> Tuple[Tops, Optional[int]]:
        """Return where a suspended stack stands, outermost frame first, and the signature."""


class Source:
    """One framework's activities at one moment; the base of all sources."""

    kind: ActivityKind
    framework: str

    def __init__(self) -> None:
        #: What could not be determined, and why.
        self.notes: List[str] = []

    def groups(self) -> List[Group]:
        """Return all activities that were found."""
        raise NotImplementedError

    def suspended_callers(self) -> Dict[int, Tuple[types.FrameType, ...]]:
        """Return `ThreadRecord.callers` by the number of the thread, where there are any; asked before `groups` is."""
        return {}

    def root_of(self, obj: object) -> Optional[object]:
        """Return the coroutine that a member of a group runs, or None."""
        return None

    def wrapper_of(self, obj: object) -> Optional[object]:
        """Return the coroutine of the framework's own that runs the one of `root_of`, or None if there is none."""
        return None

    def name_of(self, obj: object) -> Optional[str]:
        """Return the name of a member, if nothing need be found out for it; None otherwise."""
        raise NotImplementedError

    def is_thread_running(self, obj: object) -> bool:
        """Return whether all that the thread of the group runs at the moment is the stack of this member."""
        return False

    def moment_of(self, obj: object) -> Optional[object]:
        """Return an object that is another one as soon as *obj* has gone on, or None if nothing tells."""
        return None

    def describe(self, obj: object, group: Group, listing: Listing, traceback: Optional[Traceback]) -> Activity:
        """Return one member of a group, with the full stack that was made for it, if any.

        Called in any order, and perhaps after the object has ended.
        """
        raise NotImplementedError


#: Identities of types of awaitables that end a summary's walk, although there may be a hook for them; such types live
#: as long as the process.
leaf_types: Set[int] = set()
#: The same for the code of functions: addresses of code objects that live as long as the process.
leaf_codes: Set[int] = set()


def caller_of(frame: types.FrameType) -> Optional[types.FrameType]:
    """Return the frame that called *frame*, or None at the end.

    PyPy cannot tell it while another thread runs the frame in code made by its JIT compiler (it raises SystemError).
    """
    try:
        return frame.f_back
    except SystemError:
        return None


def tops_of_frames(
    frame: Optional[types.FrameType], is_own: Callable[[str], bool], outermost: Optional[types.FrameType] = None
) -> Tops:
    """Return where a running stack stands, from *frame* outward to *outermost*."""
    innermost: Optional[FrameInfo] = None
    while frame is not None:
        handling = handling_by_code.get(id(frame.f_code))
        if handling is None or not handling.skip_frame:
            if is_own(filename_of(frame.f_code)):
                return Tops(FrameInfo(frame, frame.f_lasti), innermost)
            if innermost is None:
                innermost = FrameInfo(frame, frame.f_lasti)
        if frame is outermost:
            break
        frame = caller_of(frame)
    return Tops(innermost, None)


def frames_of(threads: Dict[int, ThreadRecord], *codes: types.CodeType) -> List[Tuple[int, types.FrameType]]:
    """Return the frames of all threads that run one of *codes* now, with the number of the thread, outermost first."""
    wanted = {id(code) for code in codes}
    found: List[Tuple[int, types.FrameType]] = []
    for ident, record in threads.items():
        for caller in record.callers[::-1]:
            found += [(ident, frame) for frame in outward(caller)[::-1] if id(frame.f_code) in wanted]
        found += [(ident, frame) for frame in thread_frames(ident) if id(frame.f_code) in wanted]
    return found


def await_chain(root: object) -> Tuple[List[Owner], Optional[object]]:
    """Return what is suspended at awaits from *root* inward, and the awaitable at the end that has no frame.

    The plain walk for summaries: it stops where the extraction of a full stack would follow a redirection to another
    thread or greenlet.
    """
    owners: List[Owner] = []
    awaited: Any = root
    for _ in range(_MAX_STEPS):
        kind = type(awaited)
        if kind is Coroutine:
            owners.append(awaited)
            awaited = awaited.cr_await
        elif kind is Generator:
            owners.append(awaited)
            awaited = awaited.gi_yieldfrom
        elif kind is AsyncGenerator:
            owners.append(awaited)
            awaited = awaited.ag_await
        elif awaited is None or id(kind) in leaf_types:
            return owners, awaited
        else:
            unwrap = awaitables.find(kind)
            if unwrap is None:
                return owners, awaited
            try:
                inner = unwrap(awaited)
            except Exception:  # the full stack tells why
                return owners, awaited
            if inner is None:
                return owners, awaited
            awaited = inner
    return owners, awaited


def code_of(owner: Any) -> types.CodeType:
    """Return the code object of a coroutine, generator or async generator."""
    kind = type(owner)
    code: types.CodeType = owner.cr_code if kind is Coroutine else owner.gi_code if kind is Generator else owner.ag_code
    return code


def frame_of(owner: Any) -> Optional[types.FrameType]:
    """Return the frame of a coroutine, generator or async generator, or None if it has ended."""
    kind = type(owner)
    frame: Optional[types.FrameType] = (
        owner.cr_frame if kind is Coroutine else owner.gi_frame if kind is Generator else owner.ag_frame
    )
    return frame


def running_state(owner: Owner, listing: Listing) -> Tuple[ActivityState, Tops]:
    """Return the state of what says that it is running, and where it stands.

    It is suspended nevertheless if no thread has it on its stack: in a greenlet that is switched out.
    """
    frame = frame_of(owner)
    if frame is None:
        return "running", NOWHERE
    thread = listing.thread_running(frame)
    if thread is not None:
        return "running", tops_of_frames(thread.frame, listing.is_own, frame)
    if not listing.knows_threads:
        return "unknown", NOWHERE
    return "suspended", tops_of_frames(frame, listing.is_own, frame)


def is_unstarted(owner: Any) -> bool:
    """Return whether a coroutine or generator has not run yet."""
    kind = type(owner)
    if kind is Coroutine:
        if _HAS_SUSPENDED:
            return not (owner.cr_suspended or owner.cr_running) and owner.cr_frame is not None
        return owner.cr_frame is not None and owner.cr_frame.f_lasti == -1
    if kind is Generator:
        if _HAS_SUSPENDED:
            return not (owner.gi_suspended or owner.gi_running) and owner.gi_frame is not None
        return owner.gi_frame is not None and owner.gi_frame.f_lasti == -1
    return False


def call_if_found(function: Optional[Callable[[object], object]], obj: object) -> object:
    """Call a C-level accessor; return None where there is none or the object has not been initialised."""
    if function is None:
        return None
    try:
        return function(obj)
    except (AttributeError, RuntimeError, TypeError):
        return None
