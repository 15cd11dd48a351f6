"""What an extraction produces: frozen data, no reading of memory, no rendering.

Every class compares by identity. Comparing two of them by value would compare frames and context managers of the
inspected program, and so run its ``__eq__``; for the same reason no ``__repr__`` shows what it holds.
"""

from __future__ import annotations

import os
import types
from typing import TYPE_CHECKING, Iterator, List, Literal, Optional, Protocol, Tuple, Union

import attrs

from ._data import SnapshotData, TracebackData
from ._objects import filename_of, funcname_of
from ._source import line_of_file

if TYPE_CHECKING:
    import traceback

Phase = Literal["entering", "active", "exiting"]
ActivityKind = Literal["thread", "task", "greenlet", "coroutine", "generator", "async_generator"]
#: What is waited for, in one word. Further ones may be added.
WaitKind = Literal[
    "lock",
    "semaphore",
    "limiter",
    "event",
    "condition",
    "barrier",
    "queue_get",
    "queue_put",
    "queue_join",
    "channel_send",
    "channel_receive",
    "future",
    "task",
    "tasks",
    "group",
    "sleep",
    "thread",
    "executor",
    "process",
    "socket",
    "stream",
    "pipe",
    "events",
    "signal",
    "unknown",
]
HolderEvidence = Literal["owner", "block"]
FindingKind = Literal["deadlock", "starved", "blocked_loop", "abandoned", "never_awaited", "failed"]
ActivityState = Literal["created", "running", "ready", "suspended", "cancelling", "done", "unknown"]


class InspectionWarning(RuntimeWarning):
    """Warned once per process when a part of the interpreter cannot be inspected as precisely as usual.

    Results remain correct: what cannot be determined is reported as unknown. The message says which reader was
    switched off and why.
    """


@attrs.frozen(eq=False, repr=False)
class Position:
    """A range of source code.

    Lines count from 1. Columns count from 0 in UTF-8 bytes, as in :pep:`657`; they are None where the interpreter
    does not record them (before CPython 3.11).
    """

    #: Where it begins; None for code without lines.
    line: Optional[int]
    #: Where it ends, or None.
    end_line: Optional[int] = None
    #: Where it begins in its line, or None.
    column: Optional[int] = None
    #: Behind its last character in its last line, or None.
    end_column: Optional[int] = None


@attrs.frozen(eq=False, repr=False)
class WithBlock:
    """The static part of a context: one item of a ``with`` statement, shared by all frames that run its code.

    Entries of an ``ExitStack`` have no statement of their own; their `position` is None.
    """

    #: Whether it is an ``async with``.
    is_async: bool
    #: Source text of the target (``x`` in ``with y as x``), such as ``"x"``, ``"self.x"`` or ``"(a, *b)"``.
    varname: Optional[str] = None
    #: Where the item (CPython 3.11 and later, PyPy) or the statement (before) stands.
    position: Optional[Position] = None


@attrs.frozen(eq=False, repr=False)
class ContextInfo:
    """A context manager that is entered, being entered or being exited in a frame."""

    #: The context manager, or None if it could not be determined; then `unknown` says why. It is what the exit method
    #: is bound to, or whose enter or exit method runs. So a class with a property that gives another object's exit
    #: method (before CPython 3.14), or an ``__aexit__`` that merely hands on another's, shows that other object.
    manager: Optional[object]
    #: The ``with`` item that it stands in.
    block: WithBlock
    #: Whether it is being entered, is inside, or is being left.
    phase: Phase = "active"
    #: A short text about the manager, such as ``"ExitStack with 3 entries"``, made without running its code.
    description: Optional[str] = None
    #: The stack inside a generator-based manager (``@contextmanager``).
    inner: Optional[Traceback] = None
    #: What the manager holds: entries of an ``ExitStack``, stacks of the tasks of a nursery or task group.
    children: Tuple[Union[ContextInfo, Traceback], ...] = ()
    #: Why `manager` is None, or why `inner` or `children` are incomplete.
    unknown: Optional[str] = None
    #: The exception on whose account the block is being left; None if it is left without one, or it cannot be told.
    exception: Optional[BaseException] = None

    @property
    def is_async(self) -> bool:
        """Whether it was entered by ``async with``."""
        return self.block.is_async

    @property
    def is_entering(self) -> bool:
        """Whether its ``__enter__`` or ``__aenter__`` has been called and has not returned."""
        return self.phase == "entering"

    @property
    def is_exiting(self) -> bool:
        """Whether its ``__exit__`` or ``__aexit__`` has been called and has not returned."""
        return self.phase == "exiting"

    @property
    def varname(self) -> Optional[str]:
        """Source text of the target after ``as``, or None."""
        return self.block.varname

    @property
    def start_line(self) -> Optional[int]:
        """Line of the ``with`` item or statement, counted from 1, or None."""
        return self.block.position.line if self.block.position is not None else None


@attrs.frozen(eq=False, repr=False)
class FrameInfo:
    """One frame of a `Traceback`."""

    #: The frame itself.
    frame: types.FrameType
    #: Index into the bytecode of the instruction that the frame was at (as ``frame.f_lasti``), when it was read.
    lasti: int
    #: The context managers active in the frame, outermost first.
    contexts: Tuple[ContextInfo, ...] = ()
    #: Whether a reader is usually not interested in this frame (set by `customize`).
    hide: bool = False
    #: The coroutine, generator or async generator that the frame belongs to, if it is known.
    owner: Optional[object] = None
    #: Why `contexts` may be incomplete, or None if they are exact.
    contexts_unknown: Optional[str] = None

    @property
    def filename(self) -> str:
        """Path of the source file as the code object records it."""
        return filename_of(self.frame.f_code)

    @property
    def funcname(self) -> str:
        """Name of the function, qualified with its class on CPython 3.11 and later."""
        return funcname_of(self.frame.f_code)

    @property
    def lineno(self) -> Optional[int]:
        """Line that the frame was at when it was read, counted from 1; None for code without lines."""
        return self.position.line

    @property
    def position(self) -> Position:
        """Range of the expression (CPython 3.11 and later) or line (before) that the frame was at."""
        return _methods.position_at(self.frame.f_code, self.lasti)

    @property
    def linetext(self) -> str:
        """Source text of the line without surrounding white space, or "" if there is none."""
        return line_of_file(self.filename, self.lineno).strip()


@attrs.frozen(eq=False, repr=False)
class Traceback:
    """The stack of a coroutine, generator, async generator, greenlet, thread, task or range of frames.

    Made by `of`, `since` and `until`, which never raise for the state of the inspected program: they return the
    frames that were found and, in `error`, what cut the stack short.
    """

    #: Outermost frame first.
    frames: Tuple[FrameInfo, ...]
    #: The object that the stack was asked for, or None for a range of frames.
    root: Optional[object] = None
    #: The innermost awaitable that is not a frame: a future, a trap or an object that could not be looked into (then
    #: `error` says why).
    leaf: Optional[object] = None
    #: What cut the stack short, or None.
    error: Optional[Exception] = None

    @classmethod
    def of(
        cls, root: object, *, with_contexts: bool = True, recurse_child_tasks: bool = False, hooks: bool = True
    ) -> Traceback:
        """Return the stack of *root*.

        >>> def numbers():
        ...     with open("/dev/null") as file:
        ...         yield 1
        >>> generator = numbers()
        >>> next(generator)
        1
        >>> stack = asynctb.Traceback.of(generator)
        >>> [(frame.funcname, frame.contexts[0].varname) for frame in stack.frames]
        [('numbers', 'file')]

        :param root: a coroutine, generator, async generator or another awaitable; a greenlet; a `threading.Thread`;
            a task of asyncio, trio or another framework that has glue; a frame; or an exception's traceback.
        :param with_contexts: whether to find the context managers of each frame.
        :param recurse_child_tasks: whether the children of a task group or nursery carry their own stacks; if not,
            each is a `Traceback` without frames whose `root` is the task.
        :param hooks: whether hooks may change it: hide frames, leave some out, go on elsewhere, look into context
            managers. Without, it is the plain stack. What asynctb itself knows about where tasks begin and what the
            awaitables of the frameworks stand for is used nevertheless.
        :raises TypeError: if *root* is none of these.
        """
        return _methods.extract(root, with_contexts=with_contexts, recurse_child_tasks=recurse_child_tasks, hooks=hooks)

    @classmethod
    def since(
        cls, outer_frame: Optional[types.FrameType], *, with_contexts: bool = True, hooks: bool = True
    ) -> Traceback:
        """Return the frames called by *outer_frame*, from it to the caller of `since`.

        None means the outermost frame of this thread. If *outer_frame* runs in another thread, the stack goes on to
        the frame that is innermost there. If it does not run at all, the result has that frame alone, and an error.

        >>> [frame.funcname for frame in asynctb.Traceback.since(sys._getframe()).frames]
        ['<module>']

        :param outer_frame: a frame, or None.
        :param with_contexts: see `of`.
        :param hooks: see `of`.
        :raises TypeError: if *outer_frame* is not a frame.
        """
        return _methods.extract_since(outer_frame, with_contexts=with_contexts, hooks=hooks)

    @classmethod
    def until(
        cls,
        inner_frame: types.FrameType,
        limit: Union[int, types.FrameType, None] = None,
        *,
        with_contexts: bool = True,
        hooks: bool = True,
    ) -> Traceback:
        """Return the frames that led to *inner_frame*, which is the last.

        :param inner_frame: a frame, running or not.
        :param with_contexts: see `of`.
        :param limit: the first frame of the result, or how many callers of *inner_frame* to include at most.
        :param hooks: see `of`.
        :raises TypeError: if *inner_frame* or *limit* has another type.
        :raises ValueError: if *limit* is a frame that is not a caller of *inner_frame*, or is negative.
        """
        return _methods.extract_until(inner_frame, limit, with_contexts=with_contexts, hooks=hooks)

    def __iter__(self) -> Iterator[FrameInfo]:
        return iter(self.frames)

    def __len__(self) -> int:
        return len(self.frames)

    def __bool__(self) -> bool:
        return True

    def __str__(self) -> str:
        return "".join(line + "\n" for line in self.format())

    def format(self, *, ascii_only: bool = False, show_contexts: bool = True, show_hidden: bool = False) -> List[str]:
        """Return the lines of a tree of the stack, without newlines.

        :param ascii_only: draw with ASCII characters instead of box-drawing ones.
        :param show_contexts: include context managers and what is inside them.
        :param show_hidden: include frames whose `FrameInfo.hide` is set.
        """
        return _methods.format_traceback(
            self, ascii_only=ascii_only, show_contexts=show_contexts, show_hidden=show_hidden
        )

    def as_stdlib_summary(self, *, show_contexts: bool = False, show_hidden: bool = True) -> traceback.StackSummary:
        """Return the stack as the standard library's type, which keeps no frame alive and can be pickled.

        :param show_contexts: add an entry for each context manager, at its ``with`` line.
        :param show_hidden: include frames whose `FrameInfo.hide` is set.
        """
        return _methods.stdlib_summary(self, show_contexts=show_contexts, show_hidden=show_hidden)

    def as_data(self) -> TracebackData:
        """Return the stack as dictionaries, lists, strings, numbers and booleans, ready for `json.dumps`.

        It keeps no reference to the program: an object is its type's name and its address.
        """
        return _methods.traceback_data(self)


@attrs.frozen(eq=False, repr=False)
class Location:
    """A line of source code, and the function that it is in."""

    #: Path of the source file as the code object records it.
    filename: str
    #: Counted from 1; None for code without lines.
    line: Optional[int]
    #: Name of the function, qualified with its class on CPython 3.11 and later.
    funcname: str


@attrs.frozen(eq=False, repr=False)
class Holder:
    """An activity that holds what others wait for."""

    #: Identifier of the activity.
    activity: str
    #: How many permits of a semaphore or limiter it holds; 1 for a lock.
    permits: int = 1
    #: The ``with`` block that it is in, if that is known.
    since: Optional[Location] = None
    #: "owner": the object waited for records it. "block": the activity is inside of a ``with`` block of it.
    evidence: HolderEvidence = "owner"


@attrs.frozen(eq=False, repr=False)
class Wait:
    """What an activity waits for."""

    #: What is waited for, in one word.
    kind: WaitKind
    #: A short text, such as ``"lock"``, ``"sleep"`` or ``"task fetch-3"``, made without running the program's code.
    description: str
    #: The object waited for, if there is one.
    target: Optional[object] = None
    #: Identifiers of the activities that can end it: children that are left, the task awaited, the thread that works.
    activities: Tuple[str, ...] = ()
    #: Whether all of these have to end, or any of them does.
    needs: Literal["all", "any"] = "all"
    #: Who holds the target, as far as it is known.
    holders: Tuple[Holder, ...] = ()
    #: Seconds until a timeout, a scope or the sleep ends it; None if nothing does, or it is not known.
    deadline: Optional[float] = None


@attrs.frozen(eq=False, repr=False)
class Step:
    """One activity of a `Finding`."""

    #: Identifier of the activity.
    activity: str
    #: What it waits for, and who holds that, such as ``"task left waits for lock at a.py:10, held by task right since
    #: a.py:8"``.
    text: str
    #: Where it stands.
    location: Optional[Location] = None


@attrs.frozen(eq=False, repr=False)
class Finding:
    """Something that keeps the program, or a part of it, from going on, or has gone wrong."""

    #: What it is, in one word.
    kind: FindingKind
    #: Whether it is proven. If not, nothing that is known speaks against it.
    certain: bool
    #: One sentence.
    text: str
    #: Identifiers of the activities; those that wait for each other in a circle first, in its order.
    activities: Tuple[str, ...] = ()
    #: What is to be said about each of them, in this order.
    steps: Tuple[Step, ...] = ()


@attrs.frozen(eq=False, repr=False)
class Activity:
    """A thread, task, greenlet, or coroutine or generator that no task runs."""

    #: What it is, in one word.
    kind: ActivityKind
    #: Name of the framework that runs it, such as ``"asyncio"``, ``"trio"``, ``"threading"``.
    framework: str
    #: Stays the same for as long as the object lives, and is never given to another one.
    id: str
    #: The name that its framework gives it, or a made-up one.
    name: str
    #: What it does, in one word.
    state: ActivityState
    #: The object itself: the task, the `threading.Thread` (None for threads started elsewhere), the greenlet, ...
    target: Optional[object]
    #: Identifier of the activity that this one belongs to: the owner of its nursery or task group, else its thread.
    parent: Optional[str] = None
    #: Identifier of the thread that runs it, or None if nothing runs it yet.
    thread: Optional[str] = None
    #: Identifier of the event loop that runs it, such as ``"loop-1"``, or None.
    loop: Optional[str] = None
    #: What it waits for; None if it does not wait, or that is not known.
    waits_for: Optional[Wait] = None
    #: Where it stands, without contexts: the innermost frame of the user's own code, which is not in the standard
    #: library or an installed package; if there is none, the innermost one. Hidden frames do not count.
    top: Optional[FrameInfo] = None
    #: The full stack, or None in a summary.
    traceback: Optional[Traceback] = None
    #: Operating-system identifier (`threading.get_ident`) of the thread, for activities of kind ``"thread"``.
    thread_ident: Optional[int] = None
    #: The same number for all activities of a snapshot that are suspended in the same functions at the same
    #: instructions, and another one for all others: to group them without reading their stacks. None for what runs,
    #: has ended, or has no stack of its own to compare.
    signature: Optional[int] = None
    #: The exception that it ended with, such as ``"ValueError: no such item"``, in one line and made without running
    #: the program's code. Then `top` and `traceback` tell where that came from.
    failure: Optional[str] = None
    #: The innermost frame that is not hidden, if `top` is another one.
    innermost: Optional[FrameInfo] = None
    #: Where it was made, if that is recorded: with `record_creation`, and by asyncio in its debug mode.
    created_at: Optional[Location] = None


@attrs.frozen(eq=False, repr=False)
class Snapshot:
    """Every activity of the process at one moment."""

    #: Threads first, each followed by what it runs.
    activities: Tuple[Activity, ...]
    #: What could not be determined, and why; empty if nothing was left out.
    notes: Tuple[str, ...] = ()
    #: Why something does not go on, the most certain and the worst first.
    findings: Tuple[Finding, ...] = ()
    #: When it was taken, in seconds since 1970, as `time.time` has it; 0 if that is not known.
    time: float = 0.0

    def __str__(self) -> str:
        return "".join(line + "\n" for line in self.format())

    def format(self, *, ascii_only: bool = False, show_contexts: bool = True, show_hidden: bool = False) -> List[str]:
        """Return the lines of a tree of all activities, without newlines; each stands under its parent.

        :param ascii_only: draw with ASCII characters instead of box-drawing ones.
        :param show_contexts: include context managers and what is inside them.
        :param show_hidden: include frames whose `FrameInfo.hide` is set.
        """
        return _methods.format_snapshot(
            self, ascii_only=ascii_only, show_contexts=show_contexts, show_hidden=show_hidden
        )

    def as_data(self) -> SnapshotData:
        """Return the snapshot as dictionaries, lists, strings, numbers and booleans, ready for `json.dumps`.

        It keeps no reference to the program: an object is its type's name and its address.
        """
        return _methods.snapshot_data(self)

    def save(self, path: Union[str, os.PathLike[str]]) -> None:
        """Write the snapshot to a snapshot file, for ``asynctb show``.

        The file is new as a whole or stays as it was. A new one can be read by its owner only.

        :param path: the path of the file.
        :raises OSError: if it cannot be written.
        """
        _methods.write_snapshot(self, path)


class Methods(Protocol):
    """What the methods of these classes do. It stands above them, in modules that know the classes."""

    def position_at(self, code: types.CodeType, lasti: int) -> Position: ...

    def extract(self, root: object, *, with_contexts: bool, recurse_child_tasks: bool, hooks: bool) -> Traceback: ...

    def extract_since(
        self, outer_frame: Optional[types.FrameType], *, with_contexts: bool, hooks: bool
    ) -> Traceback: ...

    def extract_until(
        self,
        inner_frame: types.FrameType,
        limit: Union[int, types.FrameType, None],
        *,
        with_contexts: bool,
        hooks: bool,
    ) -> Traceback: ...

    def format_traceback(
        self, stack: Traceback, *, ascii_only: bool, show_contexts: bool, show_hidden: bool
    ) -> List[str]: ...

    def stdlib_summary(self, stack: Traceback, *, show_contexts: bool, show_hidden: bool) -> traceback.StackSummary: ...

    def traceback_data(self, stack: Traceback) -> TracebackData: ...

    def format_snapshot(
        self, snapshot: Snapshot, *, ascii_only: bool, show_contexts: bool, show_hidden: bool
    ) -> List[str]: ...

    def snapshot_data(self, snapshot: Snapshot) -> SnapshotData: ...

    def write_snapshot(self, snapshot: Snapshot, path: Union[str, os.PathLike[str]]) -> None: ...


_methods: Methods


def hand_in(methods: Methods) -> None:
    """Give the classes their methods; called once, by the package."""
    global _methods
    _methods = methods
