"""What tasks of anyio on asyncio wait for, as far as the variables of its functions tell."""

from __future__ import annotations

import sys
import types
from typing import Callable, Optional, Sequence

from ..._frames import local_variable
from ..._model import Wait
from ..._objects import get_field, is_a, module_field, module_of_frame
from ..._snapshot.sets import copy_set
from ..._snapshot.source import Listing, Owner, code_of, frame_of
from ..._stacks.customize import Target
from ..._stacks.follow import thread_frames
from ..._waits.kinds import wait_for
from .._known import task_waits
from ..asyncio.futures import Futures

#: Modules of the functions that a worker thread of anyio runs between two pieces of work.
_IDLE = ("queue", "asyncio.base_events", "threading")


def completion(
    run_sync: types.CodeType, run: types.CodeType
) -> Callable[[Wait, object, Sequence[Owner], Listing], Optional[Wait]]:
    """Return what completes the waits of anyio's functions.

    :param run_sync: code of the function that has a thread run something.
    :param run: code of the method that this thread runs.
    """
    futures = Futures()

    def complete(wait: Wait, future: object, owners: Sequence[Owner], listing: Listing) -> Optional[Wait]:
        if wait.kind == "thread":
            for index in reversed(range(len(owners))):
                owner = owners[index]
                frame = frame_of(owner)
                if frame is not None and code_of(owner) is run_sync:
                    before = task_waits.wait(owners[index + 1 :])
                    if before is not None:  # for a token of the limiter; there is no thread yet
                        return before
                    record = listing.thread(_working_thread(frame, run))
                    return wait_for(wait.description, future, () if record is None else (record.id,))
        elif wait.description == "task to start" and wait.target is not None:
            task = _started(futures, wait.target, owners)
            return None if task is None else wait_for(wait.description, wait.target, (listing.id_of(task, "task"),))
        return None

    return complete


def _started(futures: Futures, group: object, owners: Sequence[Owner]) -> Optional[object]:
    """Return the task that a group is starting, from the variables of its method."""
    for owner in reversed(owners):
        frame = frame_of(owner)
        task = local_variable(frame, "task") if frame is not None else None
        if futures.reader_of_task(task) is not None:
            return task
        handle = local_variable(frame, "handle") if frame is not None else None
        for each in copy_set(get_field(group, "_tasks")) if handle is not None else ():
            reader = futures.reader_of_task(each)
            coroutine = reader.coroutine(each) if reader is not None else None
            inner = coroutine.cr_frame if type(coroutine) is types.CoroutineType else None
            if inner is not None and local_variable(inner, "self") is handle:
                return each
    return None


def _working_thread(frame: types.FrameType, run: types.CodeType) -> Optional[int]:
    """Return the number of the thread that works for the coroutine of *frame*, or None."""
    return get_field(local_variable(frame, "worker"), "_ident") if worker_frames(frame, run) is not None else None


def worker_frames(frame: types.FrameType, run_code: types.CodeType) -> Target:
    """Return the frames in which the thread of `anyio.to_thread.run_sync` works for the coroutine of *frame*."""
    worker = local_variable(frame, "worker")
    threading = sys.modules.get("threading")
    if worker is None or threading is None or not is_a(worker, module_field(threading, "Thread")):
        return None
    ident = get_field(worker, "_ident")
    if type(ident) is not int:
        return None
    frames = thread_frames(ident)
    for index, candidate in enumerate(frames[:-1]):
        if candidate.f_code is run_code:
            # A worker has one piece of work at a time, and this one has not been reported back.
            idle = module_of_frame(frames[index + 1]) in _IDLE
            return None if idle else tuple(frames[index:])
    return None
