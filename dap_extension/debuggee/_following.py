"""Has the program stop where a suspended activity goes on.

A step of the debugger's ends where one frame executes a line. So the thread that runs the activity makes such a step
when it goes on, but to the frame of the activity instead of its own: others that wait at the same line are not
concerned, and no code of the program is asked. The next stop, whatever it is for, ends the step.
"""

from __future__ import annotations

import types
import weakref
from typing import Any, Callable, List, NamedTuple, Optional

from asynctb._stacks.extract import extract

from . import _pydevd
from ._call_stack import CallStack
from ._errors import RequestError
from ._rows import Row
from ._sources import SourceTable


class _Target(NamedTuple):
    """Where the program shall stop."""

    #: The debugger's id of the thread that runs the activity.
    thread_id: str
    #: The frame, as `_pydevd.hold` keeps it during this pause.
    frame: weakref.ref[Any]
    #: Whether the activity has no other frame of interest, into which this one could return.
    is_only: bool


class Following:
    """Knows what shall be followed when the program goes on.

    :param call_stack: knows what is behind the threads that are none.
    """

    def __init__(self, call_stack: CallStack) -> None:
        self._call_stack = call_stack
        self._target: Optional[_Target] = None
        #: The thread whose last step was to the only frame of interest.
        self._alone: Optional[str] = None

    def install(self) -> List[Callable[[], None]]:
        """Begin; return what ends it."""
        return [
            _pydevd.wrap_request("continue", self._continue),
            *(_pydevd.wrap_request(command, self._step) for command in ("next", "stepIn", "stepOut")),
            _pydevd.on_resume(self._resumes),
        ]

    def clear(self) -> None:
        """Follow nothing."""
        self._target = self._alone = None

    def follow(self, py_db: _pydevd.Debugger, row: Row, thread: Optional[object]) -> int:
        """Have the program stop where an activity goes on, once it is told to continue.

        :param thread: the `threading.Thread` that runs it.
        :returns: what the standard requests call this thread.
        """
        self._target = None
        if row.info["state"] in ("running", "done") or row.info["kind"] == "thread":
            raise RequestError("unknownActivity", f"this activity is {row.info['state']}: it does not wait to go on")
        obj = row.target() if row.target is not None else None
        threads = _pydevd.threads_by_id(py_db).items()
        thread_id = next((found for found, each in threads if each is thread), None)
        if obj is None or thread_id is None:
            raise RequestError("unknownActivity", "no thread that the debugger knows runs this activity")
        frames = [info.frame for info in extract(obj, with_contexts=False, recurse_child_tasks=False).frames[::-1]]
        self._target = self._to(py_db, thread_id, frames)
        if self._target is None:
            raise RequestError("unknownActivity", "the debugger would not stop in the code of this activity")
        return _pydevd.wire_id(thread_id)

    def _to(self, py_db: _pydevd.Debugger, thread_id: str, frames: List[types.FrameType]) -> Optional[_Target]:
        sources = SourceTable(py_db)
        own = [frame for frame in frames if sources.is_own(frame.f_code.co_filename)]
        if not own and _pydevd.stops_everywhere(py_db):
            own = frames
        suspended = _pydevd.suspended_threads(py_db)
        hosts = [host for host in suspended if host.thread_id == thread_id] or suspended
        held = _pydevd.hold(py_db, hosts[0], own[0]) if own and hosts else None
        return None if held is None else _Target(thread_id, held, len(own) == 1)

    # On the debugger's reader thread

    def _continue(self, original: Callable[[], Any], py_db: _pydevd.Debugger, request: _pydevd.Request) -> Any:
        target = self._target
        if target is None:
            return original()
        frame = _pydevd.held(target.frame)
        waits = any(host.thread_id == target.thread_id for host in _pydevd.suspended_threads(py_db))
        answer = original()
        # A thread that has not come to a stop has nothing to go on from.
        if not waits and isinstance(frame, types.FrameType):
            self._target = None
            self._step_to(py_db, target, frame)
        return answer

    def _step(self, original: Callable[[], Any], py_db: _pydevd.Debugger, request: _pydevd.Request) -> Any:
        self._target = None
        thread_id = request.arguments.threadId
        if type(thread_id) is str:
            frames = self._call_stack.suspended_frames(py_db, thread_id)
            self._target = self._to(py_db, thread_id.rpartition("|")[2], frames) if frames else None
        return original()

    # On the thread that goes on

    def _resumes(self, py_db: _pydevd.Debugger, thread_id: str) -> None:
        if self._alone == thread_id:
            self._alone = None
            _pydevd.step_as_usual(py_db, thread_id)
        target = self._target
        if target is None or target.thread_id != thread_id:
            return
        self._target = None
        frame = _pydevd.held(target.frame)
        if isinstance(frame, types.FrameType):
            self._step_to(py_db, target, frame)

    def _step_to(self, py_db: _pydevd.Debugger, target: _Target, frame: types.FrameType) -> None:
        if target.is_only:
            self._alone = target.thread_id
        _pydevd.step_to(py_db, target.thread_id, frame, target.is_only)
