"""Tasks and greenlets as threads of the standard DAP requests, for clients that know nothing of asynctb.

A pseudo-thread's id ends with that of a real, suspended thread: then the debugger's steps step that one, and continue
and pause work as always (``InternalThreadCommand.can_be_executed_by`` in pydevd_comm.py). Names are given when threads
are listed; a stack is built and tracked only when it is asked for.
"""

from __future__ import annotations

import time
import types
import weakref
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from asynctb._model import Activity, Traceback
from asynctb._stacks.extract import extract

from ..protocol import CallStackSettings
from . import _pydevd
from ._errors import RequestError, evaluating
from ._hooks import program_hooks
from ._rows import Row
from ._serialize import MAX_FRAMES, clip
from ._sources import SourceTable
from ._summary import ProgramListing, weak_reference

_PREFIX = "__frame__:asynctb-"
_KINDS = ("task", "greenlet")
#: Seconds that may be spent on telling the user's tasks from those of libraries, and how many are looked at in a go.
_SEARCH_SECONDS = 0.3
_CHUNK = 50


class _Row(NamedTuple):
    pseudo_thread_id: str
    name: str
    target: Optional[weakref.ref[Any]]
    #: Whether it is a task that waits to go on. (The debugger takes greenlets of gevent for threads of their own.)
    waits: bool = False


class _Focus(NamedTuple):
    """The frame that a client shall show first when it asks for a stack."""

    thread_id: str
    #: Number of the frame in DAP messages.
    frame_id: int
    #: Of the thread that is suspended: when that goes on, it is over.
    tracker: weakref.ref[_pydevd.Tracker]


class CallStack:
    """Adds activities to the answer of ``threads``, and answers ``stackTrace`` for them."""

    def __init__(self) -> None:
        self._settings: CallStackSettings = {"enabled": False, "limit": 100, "libraryTasks": True}
        #: What was listed last, by pseudo-thread id.
        self._rows: Dict[str, _Row] = {}
        #: What has been focused during this pause, whether it is listed or not, by pseudo-thread id.
        self._focused: Dict[str, _Row] = {}
        #: The pause, by what the debugger keeps for it.
        self._pause: Optional[weakref.ref[_pydevd.Tracker]] = None
        self._focus: Optional[_Focus] = None

    def install(self) -> List[Callable[[], None]]:
        """Begin; return what ends it."""
        return [
            _pydevd.wrap_request("threads", self._threads),
            _pydevd.wrap_request("stackTrace", self._stack_trace),
            _pydevd.wrap_request("continue", self._continue),
        ]

    def clear(self) -> None:
        """Forget what was listed."""
        self._rows, self._focused, self._focus = {}, {}, None

    def configure(self, py_db: _pydevd.Debugger, changes: CallStackSettings) -> CallStackSettings:
        """Change settings; return all of them. Clients of a paused program are told to list its threads again.

        Not for nothing: VS Code (1.139) takes a program that stopped right after it had gone on for a running one then,
        as it forgets the stop when it deals with the ``continued`` event, and the event for threads asks for it again.
        """
        before = self._settings
        self._settings = {**before, **changes}
        changed = self._settings != before and bool(_pydevd.suspended_threads(py_db))
        if changed and (self._rows or (self._settings["enabled"] and self._list(py_db))):
            _pydevd.send_event(py_db, "invalidated", {"areas": ["threads"]})
        return self._settings

    def focus(
        self, py_db: _pydevd.Debugger, row: Row, host: _pydevd.SuspendedThread, frame_id: Optional[int], reason: str
    ) -> int:
        """Have clients show an activity, in all of their views, as if it had stopped; return its id in DAP messages.

        No request of DAP moves a client's focus, but this event does. ``asynctbFocus`` tells that it is no stop.

        :param host: the suspended thread that runs the activity.
        :param frame_id: which of its frames, or None for the innermost one.
        """
        info = row.info
        self._drop_focused(py_db)
        frame = None if frame_id is None else _pydevd.frame_known_as(py_db, frame_id)
        is_on_host = frame is not None and any(frame is other for other in host.frames)
        if is_on_host or info["kind"] == "thread" or info["state"] == "running":
            thread_id = host.thread_id
        else:
            text = f"{clip(info['name'])} — {info['state']}"
            if "waitsFor" in info:
                text += f": {info['waitsFor']['description']}"
            waits = info["state"] != "done" and info["kind"] == "task"
            focused = _Row(f"{_PREFIX}{info['id']}|{host.thread_id}", text, row.target, waits)
            thread_id = focused.pseudo_thread_id
            self._focused[thread_id] = focused
            self._pause = weakref.ref(host.tracker)
            if not self._track(py_db, thread_id, frame):
                del self._focused[thread_id]
                raise RequestError("unknownActivity", "this activity has no stack that the debugger can show")
        self._focus = None if frame_id is None else _Focus(thread_id, frame_id, weakref.ref(host.tracker))
        number = _pydevd.wire_id(thread_id)
        event = {"reason": reason, "threadId": number, "allThreadsStopped": False, "preserveFocusHint": False}
        _pydevd.send_event(py_db, "stopped", {**event, "asynctbFocus": True})
        return number

    def suspended_frames(self, py_db: _pydevd.Debugger, thread_id: str) -> List[types.FrameType]:
        """Return the frames that were shown, innermost first, of what is listed under this id and waits to go on."""
        row = self._focused.get(thread_id) or self._rows.get(thread_id)
        return _pydevd.frames_tracked_as(py_db, thread_id) if row is not None and row.waits else []

    # On the debugger's reader thread

    def _threads(self, original: Callable[[], Any], py_db: _pydevd.Debugger, request: _pydevd.Request) -> Any:
        answer = original()
        is_wanted = self._settings["enabled"] or self._focused
        if not is_wanted or not answer.as_dict["success"] or _pydevd.is_evaluating(py_db):
            return answer

        def work() -> None:
            threads: List[Any] = answer.as_dict["body"]["threads"]
            try:
                listed = program_hooks.around(py_db, lambda: self._list(py_db)) if self._settings["enabled"] else []
                threads = threads + listed + self._beyond(py_db)
            except BaseException:
                # Without us the answer is what it always was.
                self._rows = {}
            _pydevd.respond(py_db, request, {"threads": threads})

        _pydevd.post(py_db, work)
        return None

    def _stack_trace(self, original: Callable[[], Any], py_db: _pydevd.Debugger, request: _pydevd.Request) -> Any:
        thread_id = request.arguments.threadId
        if type(thread_id) is not str:
            return original()
        focus = self._focus
        is_ours = thread_id.startswith(_PREFIX)
        if not is_ours and (focus is None or focus.thread_id != thread_id):
            return original()
        if _pydevd.is_evaluating(py_db):
            _pydevd.respond_error(py_db, request, evaluating())
            return None

        def work() -> None:
            command = None
            try:
                frames = self._focused_frames(py_db, request, thread_id)
                if frames is not None:
                    _pydevd.respond(py_db, request, {"stackFrames": frames[0], "totalFrames": frames[1]})
                    return
                if not is_ours or program_hooks.around(py_db, lambda: self._track(py_db, thread_id)):
                    command = _pydevd.stack_answer(py_db, request, thread_id)
            except BaseException:
                command = None
            if command is not None:
                _pydevd.send_command(py_db, command)
            else:
                # It has ended, or the program went on: that is no error of the client's, but there is no stack. The
                # debugger would give the stack of the real thread.
                _pydevd.respond(py_db, request, {"stackFrames": [], "totalFrames": 0})

        _pydevd.post(py_db, work)
        return None

    def _continue(self, original: Callable[[], Any], py_db: _pydevd.Debugger, request: _pydevd.Request) -> Any:
        answer = original()
        rows = {**self._rows, **self._focused}
        self.clear()

        def work() -> None:
            try:
                for row in rows.values():
                    body = {"reason": "exited", "threadId": _pydevd.wire_id(row.pseudo_thread_id)}
                    _pydevd.send_event(py_db, "thread", body)
            except BaseException:
                return  # the rows stay until the client lists threads again

        if rows:
            _pydevd.post(py_db, work)
        return answer

    # On its command thread

    def _list(self, py_db: _pydevd.Debugger) -> List[Dict[str, Any]]:
        suspended = _pydevd.suspended_threads(py_db)
        if not suspended:
            self._rows = {}
            return []
        listing = ProgramListing(py_db, paused=True)
        limit = self._settings["limit"]
        hosts: Dict[Optional[str], _pydevd.SuspendedThread] = {None: suspended[0]}
        sources = SourceTable(py_db)
        mine: List[Activity] = []
        others: List[Activity] = []
        threads = failed = 0
        deadline = time.monotonic() + _SEARCH_SECONDS
        # Threads come first. Enough is enough: with many tasks, only the first ones are told apart.
        for start in range(0, len(listing), _CHUNK):
            if len(mine) >= limit or time.monotonic() > deadline:
                break
            for activity in listing.page(start, _CHUNK):
                if activity.kind == "thread":
                    threads += 1
                    for thread in suspended:
                        if activity.target is not None and thread.thread is activity.target:
                            hosts[activity.id] = thread
                elif activity.failure is not None:
                    failed += 1
                elif activity.kind in _KINDS and activity.state not in ("running", "done") and activity.thread in hosts:
                    (mine if _has_user_code(sources, activity) else others).append(activity)
        shown = (mine + others if self._settings["libraryTasks"] else mine)[:limit]
        rows = [self._row(activity, hosts[activity.thread]) for activity in shown]
        left = len(listing) - threads - failed - len(shown)
        if left > 1 or (left and len(shown) == limit):
            rows.append(_Row(f"{_PREFIX}more|{suspended[0].thread_id}", f"… {left} more tasks are not shown", None))
        self._rows = {row.pseudo_thread_id: row for row in rows}
        return [{"id": _pydevd.wire_id(row.pseudo_thread_id), "name": row.name} for row in rows]

    def _beyond(self, py_db: _pydevd.Debugger) -> List[Dict[str, Any]]:
        """What has been focused and is not listed."""
        self._drop_focused(py_db)
        beyond = [row for thread_id, row in self._focused.items() if thread_id not in self._rows]
        return [{"id": _pydevd.wire_id(row.pseudo_thread_id), "name": row.name} for row in beyond]

    def _drop_focused(self, py_db: _pydevd.Debugger) -> None:
        """Forget what was focused in an earlier pause."""
        tracker = None if self._pause is None else self._pause()
        if tracker is None or not _pydevd.is_suspended(py_db, tracker):
            self._focused = {}

    def _focused_frames(
        self, py_db: _pydevd.Debugger, request: _pydevd.Request, thread_id: str
    ) -> Optional[Tuple[List[Any], int]]:
        """Return the frames that answer a request if one of them shall be shown first, and how many there are.

        Clients show the first one that is not subtle. So those further inward are made subtle, once.
        """
        focus = self._focus
        if focus is None or focus.thread_id != thread_id or int(request.arguments.startFrame or 0) > 0:
            return None
        self._focus = None
        tracker = focus.tracker()
        if tracker is None or not _pydevd.is_suspended(py_db, tracker):
            return None
        frames = _pydevd.all_frames(py_db, request, thread_id)
        index = next((index for index, frame in enumerate(frames or []) if frame["id"] == focus.frame_id), None)
        if frames is None or index is None:
            return None
        for inner in frames[:index]:
            inner["presentationHint"] = "subtle"
        frames[index].pop("presentationHint", None)
        levels = int(request.arguments.levels or 0)
        return frames[: max(index + 1, levels)] if levels else frames, len(frames)

    def _row(self, activity: Activity, host: _pydevd.SuspendedThread) -> _Row:
        text = f"{clip(activity.name)} — {activity.state}"
        if activity.waits_for is not None:
            text += f": {clip(activity.waits_for.description)}"
        elif activity.top is not None:
            text += f": {clip(activity.top.funcname)}"
        thread_id = f"{_PREFIX}{activity.id}|{host.thread_id}"
        return _Row(thread_id, text, weak_reference(activity.target), activity.kind == "task")

    def _track(self, py_db: _pydevd.Debugger, pseudo_thread_id: str, inner: Optional[types.FrameType] = None) -> bool:
        """Have the frames of a pseudo-thread tracked; return whether they are.

        :param inner: a frame that shall be among them; if it is not, as it is inside of a context manager, it comes
            before them.
        """
        row = self._focused.get(pseudo_thread_id) or self._rows.get(pseudo_thread_id)
        target = row.target() if row is not None and row.target is not None else None
        if target is None:
            return False
        if _pydevd.add_tracked_frame(py_db, pseudo_thread_id, inner):
            return True
        real_thread_id = pseudo_thread_id.rpartition("|")[2]
        traceback = extract(target, with_contexts=False, recurse_child_tasks=False)
        for host in _pydevd.suspended_threads(py_db):
            if host.thread_id == real_thread_id:
                tracked = _pydevd.track_frames(py_db, host, _frames(traceback), pseudo_thread_id)
                return tracked and _pydevd.add_tracked_frame(py_db, pseudo_thread_id, inner)
        return False


def _frames(traceback: Traceback) -> List[types.FrameType]:
    return [info.frame for info in traceback.frames[::-1]][:MAX_FRAMES]


def _has_user_code(sources: SourceTable, activity: Activity) -> bool:
    """Whether a frame of the activity is the user's, by the rules of ``justMyCode``."""
    try:
        stack = extract(activity.target, with_contexts=False, recurse_child_tasks=False)
    except TypeError:  # of a kind that has no stack
        return False
    return any(sources.is_own(info.filename) for info in stack.frames)
