"""Tasks and greenlets as threads of the standard DAP requests, for clients that know nothing of asynctb.

A pseudo-thread's id ends with that of a real, suspended thread: then the debugger's steps step that one, and continue
and pause work as always (``InternalThreadCommand.can_be_executed_by`` in pydevd_comm.py). Names are given when threads
are listed; a stack is built and tracked only when it is asked for.
"""

from __future__ import annotations

import time
import types
import weakref
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from asynctb._model import Activity, Traceback
from asynctb._stacks.extract import extract

from ..protocol import CallStackSettings
from . import _pydevd
from ._errors import evaluating
from ._hooks import program_hooks
from ._serialize import MAX_FRAMES, clip
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


class CallStack:
    """Adds activities to the answer of ``threads``, and answers ``stackTrace`` for them."""

    def __init__(self) -> None:
        self._settings: CallStackSettings = {"enabled": False, "limit": 100, "libraryTasks": True}
        #: What was listed last, by pseudo-thread id.
        self._rows: Dict[str, _Row] = {}

    def install(self) -> List[Callable[[], None]]:
        """Begin; return what ends it."""
        return [
            _pydevd.wrap_request("threads", self._threads),
            _pydevd.wrap_request("stackTrace", self._stack_trace),
            _pydevd.wrap_request("continue", self._continue),
        ]

    def clear(self) -> None:
        """Forget what was listed."""
        self._rows = {}

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

    # On the debugger's reader thread

    def _threads(self, original: Callable[[], Any], py_db: _pydevd.Debugger, request: _pydevd.Request) -> Any:
        answer = original()
        if not self._settings["enabled"] or not answer.as_dict["success"] or _pydevd.is_evaluating(py_db):
            return answer

        def work() -> None:
            threads: List[Any] = answer.as_dict["body"]["threads"]
            try:
                threads = threads + program_hooks.around(py_db, lambda: self._list(py_db))
            except BaseException:
                # Without us the answer is what it always was.
                self._rows = {}
            _pydevd.respond(py_db, request, {"threads": threads})

        _pydevd.post(py_db, work)
        return None

    def _stack_trace(self, original: Callable[[], Any], py_db: _pydevd.Debugger, request: _pydevd.Request) -> Any:
        thread_id = request.arguments.threadId
        if type(thread_id) is not str or not thread_id.startswith(_PREFIX):
            return original()
        if _pydevd.is_evaluating(py_db):
            _pydevd.respond_error(py_db, request, evaluating())
            return None

        def work() -> None:
            command = None
            try:
                if program_hooks.around(py_db, lambda: self._track(py_db, thread_id)):
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
        rows, self._rows = self._rows, {}

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
        user_files: Dict[str, bool] = {}
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
                    (mine if _has_user_code(py_db, activity, user_files) else others).append(activity)
        shown = (mine + others if self._settings["libraryTasks"] else mine)[:limit]
        rows = [self._row(activity, hosts[activity.thread]) for activity in shown]
        left = len(listing) - threads - failed - len(shown)
        if left > 1 or (left and len(shown) == limit):
            rows.append(_Row(f"{_PREFIX}more|{suspended[0].thread_id}", f"… {left} more tasks are not shown", None))
        self._rows = {row.pseudo_thread_id: row for row in rows}
        return [{"id": _pydevd.wire_id(row.pseudo_thread_id), "name": row.name} for row in rows]

    def _row(self, activity: Activity, host: _pydevd.SuspendedThread) -> _Row:
        text = f"{clip(activity.name)} — {activity.state}"
        if activity.waits_for is not None:
            text += f": {clip(activity.waits_for.description)}"
        elif activity.top is not None:
            text += f": {clip(activity.top.funcname)}"
        return _Row(f"{_PREFIX}{activity.id}|{host.thread_id}", text, weak_reference(activity.target))

    def _track(self, py_db: _pydevd.Debugger, pseudo_thread_id: str) -> bool:
        """Have the frames of a pseudo-thread tracked; return whether they are."""
        row = self._rows.get(pseudo_thread_id)
        target = row.target() if row is not None and row.target is not None else None
        if target is None:
            return False
        if _pydevd.frames_tracked_as(py_db, pseudo_thread_id):
            return True
        real_thread_id = pseudo_thread_id.rpartition("|")[2]
        traceback = extract(target, with_contexts=False, recurse_child_tasks=False)
        for host in _pydevd.suspended_threads(py_db):
            if host.thread_id == real_thread_id:
                return _pydevd.track_frames(py_db, host, _frames(traceback), pseudo_thread_id)
        return False


def _frames(traceback: Traceback) -> List[types.FrameType]:
    return [info.frame for info in traceback.frames[::-1]][:MAX_FRAMES]


def _has_user_code(py_db: _pydevd.Debugger, activity: Activity, user_files: Dict[str, bool]) -> bool:
    """Whether a frame of the activity is the user's, by the rules of ``justMyCode``."""
    try:
        stack = extract(activity.target, with_contexts=False, recurse_child_tasks=False)
    except TypeError:  # of a kind that has no stack
        return False
    for info in stack.frames:
        filename = info.filename
        if filename not in user_files:
            try:
                user_files[filename] = _pydevd.is_user_code(py_db, filename)
            except Exception:  # pydevd cannot make anything of the name, so it does not take it for the user's
                user_files[filename] = False
        if user_files[filename]:
            return True
    return False
