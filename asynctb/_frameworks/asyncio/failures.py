"""Which exception a task of asyncio ended with, and where that came from."""

from __future__ import annotations

import sys
import types
from typing import Callable, Optional, cast

from ..._heap import referrers, with_subclasses
from ..._model import FrameInfo
from ..._objects import filename_of, is_a
from ..._snapshot.source import Coroutine, Generator, Tops, call_if_found, code_of
from ..._stacks.customize import handling_by_code
from .futures import FutureReader, Futures

#: Whether a future keeps the traceback that its exception had.
KEEPS_TRACEBACK = sys.version_info >= (3, 10)
#: Whether the collector tells which tasks refer to an object; in CPython 3.10 and 3.11 it was seen not to.
_FINDS_TASKS = sys.version_info >= (3, 12)
_traceback_of = cast(
    Callable[[BaseException], Optional[types.TracebackType]], BaseException.__dict__["__traceback__"].__get__
)


def failure_of(reader: FutureReader, task: object) -> Optional[BaseException]:
    """Return the exception that *task* ended with; None if it is not done, was cancelled or has a result.

    A `StopAsyncIteration` is none: it is the end of an async iterator whose steps are taken in tasks.
    """
    exception = call_if_found(reader.exception, task)
    is_failure = is_a(exception, BaseException) and type(exception) is not StopAsyncIteration
    return cast(BaseException, exception) if is_failure else None


def origin_of(
    reader: FutureReader, task: object, exception: BaseException, is_shared: Callable[[], bool]
) -> Optional[types.TracebackType]:
    """Return where the *exception* of *task* came from: its traceback, from the coroutine of the task inward.

    None if that cannot be told. From CPython 3.10 on, a task keeps the traceback that its exception had, but one that
    is written in C hands it out once, to whoever awaits it (``future_get_result`` in Modules/_asynciomodule.c). Then
    there is what the exception has itself: the frames of all tasks that it was raised in (before 3.10) or those of the
    last one, of which only the function tells which are the task's.

    :param is_shared: tells whether another task has ended with this exception, too.
    """
    coroutine = call_if_found(reader.coroutine, task)
    is_known = type(coroutine) is Coroutine or type(coroutine) is Generator
    code = code_of(coroutine) if is_known else None
    kept = reader.exception_traceback(task)
    found = []
    entry = kept or _traceback_of(exception)
    while entry is not None:
        # Where nothing tells the function, as of a task that failed in its eager start, all that was kept is its own.
        if entry.tb_frame.f_code is code or (code is None and kept is not None):
            found.append(entry)
        entry = entry.tb_next
    if kept is None and (len(found) != 1 or (KEEPS_TRACEBACK and is_shared())):
        return None
    return found[0] if found else None


def raised_in_others(futures: Futures, task: object, exception: BaseException) -> bool:
    """Return whether another task than *task* may have ended with this very *exception*, which several can await."""
    classes = [reader.task for reader in (futures.c, futures.python) if reader is not None]
    return not _FINDS_TASKS or any(other is not task for other in referrers((exception,), with_subclasses(*classes)))


def tops_of_traceback(entry: Optional[types.TracebackType], is_own: Callable[[str], bool]) -> Tops:
    """Return where the frames of a traceback stood."""
    top = innermost = None
    while entry is not None:
        code = entry.tb_frame.f_code
        handling = handling_by_code.get(id(code))
        if handling is None or not handling.skip_frame:
            innermost = FrameInfo(entry.tb_frame, entry.tb_lasti)
            if is_own(filename_of(code)):
                top = innermost
        entry = entry.tb_next
    return Tops(innermost, None) if top is None or top is innermost else Tops(top, innermost)
