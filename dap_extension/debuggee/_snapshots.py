"""Snapshots as they are remembered between requests."""

from __future__ import annotations

import time
import weakref
from typing import List

from . import _pydevd
from ._errors import RequestError
from ._summary import Activities

#: How many snapshots a client may page through at the same time; older ones are forgotten.
KEPT = 8


class StoredSnapshot:
    """A snapshot that a client may page through."""

    def __init__(self, snapshot_id: int, activities: Activities, suspended: List[_pydevd.SuspendedThread]) -> None:
        self.id = snapshot_id
        self.activities = activities
        #: Whether a thread of the program was suspended.
        self.paused = bool(suspended)
        self._trackers = [weakref.ref(thread.tracker) for thread in suspended]

    def is_stale(self, py_db: _pydevd.Debugger) -> bool:
        """Whether a thread that was suspended then has gone on since; never for one of a running program."""
        for ref in self._trackers:
            tracker = ref()
            if tracker is None or not _pydevd.is_suspended(py_db, tracker):
                return True
        return False


class SnapshotStore:
    """The snapshots of this process, newest last."""

    def __init__(self) -> None:
        self._snapshots: List[StoredSnapshot] = []
        # Not from 1: another version of the helper may have numbered snapshots in this process before.
        self._last_id = int(time.time() * 1000)

    def add(self, activities: Activities, suspended: List[_pydevd.SuspendedThread]) -> StoredSnapshot:
        """Remember a snapshot and forget one that is too old."""
        self._last_id += 1
        snapshot = StoredSnapshot(self._last_id, activities, suspended)
        self._snapshots.append(snapshot)
        if len(self._snapshots) > KEPT:
            self._forget(self._snapshots[0])
        return snapshot

    def get(self, py_db: _pydevd.Debugger, snapshot_id: int) -> StoredSnapshot:
        """Return a snapshot by its identifier.

        :raises RequestError: if it was never taken, is too old, or the program went on.
        """
        for snapshot in self._snapshots:
            if snapshot.id == snapshot_id:
                if snapshot.is_stale(py_db):
                    self._forget(snapshot)
                    break
                return snapshot
        if snapshot_id > self._last_id:
            raise RequestError("badRequest", f'no snapshot has the "snapshotId" {snapshot_id}')
        raise RequestError("staleSnapshot", "the program went on since this snapshot, or many were taken: take another")

    def _forget(self, snapshot: StoredSnapshot) -> None:
        self._snapshots.remove(snapshot)
        snapshot.activities.forget()

    def clear(self) -> None:
        """Forget all of them."""
        self._snapshots.clear()
