"""Reads full stacks of the activities of a snapshot."""

from __future__ import annotations

import sys
import types
from typing import Dict, Optional

from asynctb._frameworks.greenlet.greenlets import reader
from asynctb._model import Traceback
from asynctb._objects import describe_error, filename_of
from asynctb._snapshot import registry
from asynctb._snapshot.owners import handovers
from asynctb._snapshot.source import caller_of
from asynctb._stacks.extract import extract, extract_until
from asynctb._stacks.follow import innermost_frame

from ..protocol import ActivityStack
from . import _pydevd
from ._errors import RequestError
from ._frame_ids import FrameIds
from ._owners import FrameOwners
from ._rows import Row
from ._serialize import MAX_NESTING, Budget, Serializer
from ._shapes import ShapeTable
from ._snapshots import StoredSnapshot
from ._sources import SourceTable
from ._threads import python_loop_codes

_ENDED = "this activity has ended"


class StackReader:
    """Reads stacks for one response.

    :param sources: collects the sources that the stacks refer to.
    :param shapes: collects the shapes that the stacks have.
    :param budget: what the response may cost.
    :param frame_ids: whether clients want to look into the frames.
    :param hooks: whether hooks may change the stacks.
    """

    def __init__(
        self,
        py_db: _pydevd.Debugger,
        snapshot: StoredSnapshot,
        sources: SourceTable,
        shapes: ShapeTable,
        budget: Budget,
        *,
        frame_ids: bool = True,
        hooks: bool = True,
    ) -> None:
        registry.frameworks.refresh()
        self._hooks = hooks
        self._py_db = py_db
        self._activities = snapshot.activities
        self._sources = sources
        self._suspended = _pydevd.suspended_threads(py_db)
        self._frame_ids = FrameIds(py_db)
        self._wants_frame_ids = frame_ids
        self._owners = FrameOwners(snapshot.activities)
        self._serializer = Serializer(sources, shapes, budget, self._activities.id_of, self._frame_ids.id_of)

    def read(self, activity_id: str) -> ActivityStack:
        """Return the stack of an activity, or why there is none.

        :raises RequestError: if the program went on meanwhile, or looking for the activity takes too long.
        """
        row = self._activities.find(activity_id)
        if row is None:
            return _no_stack(activity_id, RequestError("unknownActivity", "this snapshot has no such activity"))
        try:
            traceback = self._traceback(row)
        except RequestError:
            raise
        except Exception as error:  # one activity that cannot be read must not cost the others
            return _no_stack(activity_id, RequestError("internal", f"reading it failed: {describe_error(error)}"))
        if traceback is None:
            return _no_stack(activity_id, RequestError("unknownActivity", _ENDED))
        self._frame_ids.begin(self.host(row) if self._wants_frame_ids else None)
        try:
            shape, values = self._serializer.stack(traceback, self._handovers(row, traceback))
        except RequestError:
            raise
        except Exception as error:
            self._frame_ids.begin(None)
            return _no_stack(activity_id, RequestError("internal", f"describing it failed: {describe_error(error)}"))
        self._frame_ids.end()
        return {"activityId": activity_id, "shape": shape, "values": values}

    def _handovers(self, row: Row, traceback: Traceback) -> Dict[int, str]:
        """Return the activities in which a stack goes on, by the identity of the frame from which on it does."""
        owners = self._owners.of(row, [info.frame for info in traceback.frames])
        if not owners:
            return {}
        frames = [info.frame for info in self._sources.program_part(traceback.frames)]
        return {id(frames[index]): other for index, other in handovers(row.info["id"], frames, owners).items()}

    def _traceback(self, row: Row) -> Optional[Traceback]:
        if row.thread_ident is not None:
            frame = innermost_frame(row.thread_ident)
            if frame is None or (row.target is not None and row.target() is None):
                return None
            return self._post_mortem(row) or self._until(frame)
        target = row.target() if row.target is not None else None
        if target is None:
            return None
        frame = self._innermost_of_greenlet(row, target)
        if frame is not None:
            return self._until(frame)
        return extract(target, hooks=self._hooks, levels=MAX_NESTING, refreshed=True)

    def _until(self, frame: types.FrameType) -> Traceback:
        """Return the stack of a thread, up to its innermost frame that is the program's."""
        innermost = self._sources.program_frame(frame)
        if innermost is None:
            return Traceback(())
        return extract_until(innermost, None, with_contexts=True, hooks=self._hooks, levels=MAX_NESTING, goes_on=True)

    def _innermost_of_greenlet(self, row: Row, target: object) -> Optional[types.FrameType]:
        """Return the innermost frame of the thread that executes a greenlet, None if none does or it is not known."""
        greenlets = reader() if row.info["kind"] == "greenlet" else None
        thread_row = self._activities.find(row.info.get("threadId") or "")
        if greenlets is None or thread_row is None or thread_row.thread_ident is None:
            return None
        try:
            is_running = greenlets.is_running(target)
        except Exception:  # one of a thread that has ended
            return None
        # On PyPy, the frames of all greenlets of a thread are in one chain.
        if not is_running or sys.implementation.name == "pypy":
            return None
        return innermost_frame(thread_row.thread_ident)

    def _post_mortem(self, row: Row) -> Optional[Traceback]:
        """Return where an exception came from that a thread has stopped at after leaving those frames, or None."""
        host = self.host(row)
        if host is None or host.traceback is None or not host.frames:
            return None
        frame: Optional[types.FrameType] = innermost_frame(row.thread_ident) if row.thread_ident is not None else None
        while frame is not None:
            if frame is host.frames[0]:
                return None
            frame = frame.f_back
        return extract(host.traceback, hooks=self._hooks, levels=MAX_NESTING)

    def host(self, row: Row) -> Optional[_pydevd.SuspendedThread]:
        """Return the suspended thread in which clients may look into the frames of an activity, or None."""
        thread_id = row.info.get("threadId")
        if thread_id is None:
            return self._suspended[0] if self._suspended else None
        thread_row = self._activities.find(thread_id)
        thread = thread_row.target() if thread_row is not None and thread_row.target is not None else None
        for suspended in self._suspended:
            if suspended.thread is not None and suspended.thread is thread:
                return suspended
        ident = thread_row.thread_ident if thread_row is not None else None
        if self._suspended and row.info["kind"] == "task" and ident is not None and self._stays(thread, ident):
            return self._suspended[0]
        return None

    def _stays(self, thread: object, ident: int) -> bool:
        """Whether none of the tasks of a thread that is not suspended can run before it is.

        The loop must be written in Python, so that it runs code of its own before it resumes a task; and the debugger
        must stop at such code: it must trace the thread, and not have ``justMyCode``. Otherwise the loop would go on,
        and resume tasks. Then a client's change of a variable could overwrite others with old values (before 3.13 all
        locals are written back), and what a task that ends meanwhile held would be kept, and destroyed by another
        thread.
        """
        if not _pydevd.stops_everywhere(self._py_db) or not _pydevd.is_to_stop(thread):
            return False
        codes = {id(code) for code in python_loop_codes()}
        has_loop, is_traced = False, _pydevd.traces_all_threads()
        frame = innermost_frame(ident)
        while frame is not None:
            has_loop = has_loop or id(frame.f_code) in codes
            # The debugger has started the thread, or the program in it.
            is_traced = is_traced or self._sources.is_debugger_file(filename_of(frame.f_code))
            frame = caller_of(frame)
        return has_loop and is_traced


def _no_stack(activity_id: str, error: RequestError) -> ActivityStack:
    return {"activityId": activity_id, "error": error.details()}
