"""Threads: all that the interpreter knows, also those that were not started through `threading`.

The names come from ``threading._active``, a plain dict by thread number, without the lock that guards it: a thread
that a debugger has paused may hold it.
"""

from __future__ import annotations

import sys
import types
from typing import Callable, Dict, List, Optional, Sequence, Tuple, cast

import attrs

from ..._ids import thread_ids
from ..._model import Activity, ActivityKind, Traceback, Wait
from ..._objects import exact_str, get_field, module_field, module_of_frame
from ..._snapshot.sets import copy_set, imported
from ..._snapshot.source import FrameFilter, Group, Listing, Source, ThreadRecord, caller_of, tops_of_frames
from ..._stacks.follow import calling_frame, own_frame, this_thread
from ..._waits.kinds import LOCK_OF_CONDITION, wait_for
from .._calls import thread_calls
from .._known import thread_waits
from .concurrent import Work
from .waits import futures_waited_for, lock_taken_again

#: Set by debugpy and pydevd on the threads that belong to the debugger.
_DEBUGGER_MARK = "is_pydev_daemon_thread"
#: Set on these, and by libraries such as ipykernel on threads of their own, in which no debugger is to stop.
_NOT_TRACED_MARK = "pydev_do_not_trace"
#: Where pydevd's ``PyDBDaemonThread.run`` is, which all of the debugger's threads run in.
_DEBUGGER_MODULE = "_pydevd_bundle.pydevd_daemon_thread"

#: By the identity of code that is kept alive, of functions in which threads wait for somebody in particular: gets the
#: frame, and returns for whom, or None if it does not know.
waits_by_code: Dict[int, Tuple[types.CodeType, Callable[[types.FrameType, Listing], Optional[Wait]]]] = {}


def list_threads(frame_filter: Optional[FrameFilter] = None) -> Dict[int, ThreadRecord]:
    """Return the threads of the program by their number, the main thread first, then by age.

    Threads of a debugger are left out; so is the calling thread, if it belongs to one.
    """
    threading = imported("threading")
    known: Dict[int, object] = {}
    main: Optional[object] = None
    if threading is not None:
        active = module_field(threading, "_active")
        if type(active) is dict:
            known = active.copy()
        main = module_field(threading, "_main_thread")
    frames = sys._current_frames()
    if main is not None:
        number = _number_of(main, tuple(frames))
        if number is not None:
            known[number] = main
    own_ident = this_thread()
    thread_ids.forget_all_but(frames)
    found: List[Tuple[bool, int, ThreadRecord]] = []
    # CPython has the newest thread first (Python/pystate.c: _PyThread_CurrentFrames() goes through a list that
    # threads are put at the head of), PyPy the oldest. The identifiers shall be by age.
    newest_first = sys.implementation.name == "cpython"
    for ident, frame in reversed(tuple(frames.items())) if newest_first else tuple(frames.items()):
        thread = known.get(ident)
        if is_debuggers(thread, frame):
            continue
        outermost, outer = frame, caller_of(frame)
        while outer is not None:
            outermost, outer = outer, caller_of(outer)
        if own_frame(outermost):  # a watchdog of `asynctb._output.dump`
            continue
        thread_id = thread_ids.id_of(ident, thread, id(outermost.f_code))
        innermost: Optional[types.FrameType] = calling_frame() if ident == own_ident else frame
        if frame_filter is not None and innermost is not None:
            innermost = frame_filter(innermost)
        system_id = get_field(thread, "_native_id") if thread is not None and innermost is frame else None
        record = ThreadRecord(
            ident,
            thread_id,
            _name_of(thread, ident),
            thread,
            innermost,
            system_id=system_id if type(system_id) is int else None,
        )
        serial = int(thread_id.rpartition("-")[2])
        found.append((thread is None or thread is not main, serial, record))
    # This very frame is among them: a circle, which would keep alive all that our callers refer to.
    del frame, frames
    found.sort(key=lambda item: item[:2])
    return {record.ident: record for _, _, record in found}


def thread_with(ident: int) -> Optional[object]:
    """Return the `threading.Thread` with an identifier: the thread's number, or under gevent that of its greenlet."""
    threading = imported("threading")
    active = module_field(threading, "_active") if threading is not None else None
    return cast(Dict[int, object], active).get(ident) if type(active) is dict else None


def number_of(thread: object) -> Optional[int]:
    """Return the number of a `threading.Thread` that runs, or None if it does not."""
    return _number_of(thread, tuple(sys._current_frames()))


def _number_of(thread: object, numbers: Tuple[int, ...]) -> Optional[int]:
    ident = get_field(thread, "_ident")
    if type(ident) is not int or ident in numbers:
        return ident if type(ident) is int else None
    threading = imported("threading")
    main = module_field(threading, "_main_thread") if threading is not None else None
    if thread is main and "gevent.monkey" in sys.modules and sys.implementation.name == "cpython":
        return numbers[-1]  # gevent has put the identity of a greenlet there; the oldest thread is the main one
    return None


def is_debuggers(thread: Optional[object], frame: Optional[types.FrameType]) -> bool:
    """Return whether a thread belongs to a debugger.

    :param thread: the `threading.Thread`, if it is known: with ``GEVENT_SUPPORT``, pydevd's threads belong to a copy of
        `threading`.
    """
    if thread is not None:
        return get_field(thread, _DEBUGGER_MARK) is True
    current = frame
    while current is not None:
        if exact_str(current.f_code.co_name) == "run" and module_of_frame(current) == _DEBUGGER_MODULE:
            return True
        current = caller_of(current)
    return False


def _name_of(thread: Optional[object], ident: int) -> str:
    name = get_field(thread, "_name") if thread is not None else None
    return name if type(name) is str else f"thread {ident}"


def wait_in(record: ThreadRecord) -> Optional[Wait]:
    """Return what a thread waits for as the functions tell that it is in, or None."""
    wait, _ = thread_waits.wait_of_thread(record.frame)
    if wait is None and record.frame is not None and record.system_id is not None:
        wait = thread_calls.wait_of_thread(record.frame, record.system_id)
    return wait


class Threads(Source):
    """The source of the activities of kind ``"thread"``."""

    kind: ActivityKind = "thread"
    framework = "threading"

    def __init__(self, threads: Dict[int, ThreadRecord]) -> None:
        super().__init__()
        self._threads = threads
        self._work = Work()
        for record in threads.values():
            if record.thread is not None and get_field(record.thread, _NOT_TRACED_MARK) is True:
                self.notes.append(f"A debugger does not stop in thread {record.name}: its library has marked it so.")

    def groups(self) -> List[Group]:
        return [Group(self, ident, None, (record,)) for ident, record in self._threads.items()]

    def name_of(self, obj: object) -> str:
        return cast(ThreadRecord, obj).name

    def describe(self, obj: object, group: Group, listing: Listing, traceback: Optional[Traceback]) -> Activity:
        record = cast(ThreadRecord, obj)
        _, frame = thread_waits.wait_of_thread(record.frame)
        wait = wait_in(record)
        own = waits_by_code.get(id(frame.f_code)) if frame is not None else None
        if own is not None and frame is not None:
            wait = own[1](frame, listing) or wait
        elif wait is not None and record.frame is not None:
            wait = self._completed(wait, record.frame, listing)
        tops = tops_of_frames(frame, listing.is_own)
        return Activity(
            kind="thread",
            framework="threading",
            id=record.id,
            name=record.name,
            state="running" if wait is None else "suspended",
            target=record.thread,
            thread=record.id,
            waits_for=wait,
            top=tops.top,
            traceback=traceback,
            thread_ident=record.ident,
            innermost=tops.innermost,
        )

    def _completed(self, wait: Wait, innermost: types.FrameType, listing: Listing) -> Wait:
        """Return *wait*, which is told by the functions, with what their variables tell."""
        target = wait.target
        if wait.kind == "future" and target is not None:
            activities, words = self._work.source_of(target, listing)
            if activities:
                return attrs.evolve(wait, description=words or wait.description, activities=activities, needs="any")
        elif wait.kind == "thread" and target is not None:
            return attrs.evolve(wait, activities=self._ids_of([target], listing))
        elif wait.kind == "executor":
            threads = get_field(target, "_threads")
            ids = self._ids_of(copy_set(threads), listing) if type(threads) is set else ()
            return attrs.evolve(wait, activities=ids)
        elif wait.kind == "tasks":
            futures = futures_waited_for(innermost)
            words = f"{len(futures)} futures" if len(futures) != 1 else "1 future"
            activities = self._work.source_of_any(futures, listing)
            return attrs.evolve(wait, description=words, activities=activities, needs="any")
        elif wait.kind == "condition" and target is not None:
            lock = lock_taken_again(innermost, target)
            if lock is not None:
                return wait_for(LOCK_OF_CONDITION, lock)
        return wait

    def _ids_of(self, threads: Sequence[object], listing: Listing) -> Tuple[str, ...]:
        """Return the identifiers of those of *threads* that run."""
        found = []
        for thread in threads:
            ident = get_field(thread, "_ident")
            record = listing.thread(ident) if type(ident) is int else None
            if record is not None and record.thread is thread:
                found.append(record.id)
        return tuple(found)
