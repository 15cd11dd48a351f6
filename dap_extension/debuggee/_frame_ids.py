"""Makes frames of suspended activities known to the debugger, so that clients can look into them.

The debugger drops them when the thread that it holds goes on; nothing is kept here.
"""

from __future__ import annotations

import itertools
import types
from typing import Dict, Optional, Set

from . import _pydevd
from ._errors import RequestError
from ._threads import thread_stacks

_serials = itertools.count(1)


class FrameIds:
    """Gives out the ids of frames for one response.

    Only frames that do not run get one, and only if the thread that would run them is suspended, or will be before it
    can run them: the others change under the client's eyes, and the debugger cannot evaluate anything in them.
    """

    def __init__(self, py_db: _pydevd.Debugger) -> None:
        self._py_db = py_db
        self._host: Optional[_pydevd.SuspendedThread] = None
        #: Frames that this response refers to and that the debugger does not know yet, by their ``id()``.
        self._new: Dict[int, types.FrameType] = {}
        self._running: Optional[Set[int]] = None
        self._wire_id = _pydevd.wire_ids()

    def begin(self, host: Optional[_pydevd.SuspendedThread]) -> None:
        """Begin an activity, and forget one that was begun and not ended.

        :param host: the suspended thread that runs it, or, for one that no thread can run now, any suspended thread;
            None if there is no such thread.
        """
        self._host = host
        self._new.clear()

    def id_of(self, frame: types.FrameType) -> Optional[int]:
        """Return the id by which a client may refer to *frame*, or None."""
        if self._host is None:
            return None
        address = id(frame)
        if address not in self._new and not _pydevd.tracked_frame(self._py_db, frame):
            if address in self._running_frames():
                return None
            self._new[address] = frame
        return self._wire_id(address)

    def end(self) -> None:
        """End the activity.

        :raises RequestError: if the program went on meanwhile.
        """
        host, frames = self._host, list(self._new.values())
        self._host = None
        self._new.clear()
        if host is not None and frames:
            pseudo_thread_id = f"__frame__:asynctb-frames-{next(_serials)}|{host.thread_id}"
            if not _pydevd.track_frames(self._py_db, host, frames, pseudo_thread_id):
                raise RequestError("staleSnapshot", "the program went on while the stacks were read")

    def _running_frames(self) -> Set[int]:
        if self._running is None:
            self._running = {id(frame) for stack in thread_stacks() for frame in stack}
        return self._running
