"""Which exception a task of asyncio ended with, and where that came from."""

from __future__ import annotations

import builtins
import sys
import types
from typing import Callable, Optional, cast

from .._customize import handling_by_code
from .._model import FrameInfo
from .._objects import describe_error, is_a
from ._futures import FutureReader
from ._source import Coroutine, Generator, call_if_found, code_of

#: Programs put whole responses and queries into their messages.
_LONGEST_TEXT = 200
_GROUP: Optional[type] = getattr(builtins, "BaseExceptionGroup", None) if sys.version_info >= (3, 11) else None
# Not by attribute access, and not as a field: a subclass can have a property or a slot of that name.
_exceptions_of: Optional[Callable[[object], object]] = None if _GROUP is None else vars(_GROUP)["exceptions"].__get__
_traceback_of = cast(
    Callable[[BaseException], Optional[types.TracebackType]], BaseException.__dict__["__traceback__"].__get__
)


def failure_of(reader: FutureReader, task: object) -> Optional[BaseException]:
    """Return the exception that *task* ended with; None if it is not done, was cancelled or has a result."""
    exception = call_if_found(reader.exception, task)
    return cast(BaseException, exception) if is_a(exception, BaseException) else None


def origin_of(reader: FutureReader, task: object, exception: BaseException) -> Optional[types.TracebackType]:
    """Return where the *exception* of *task* came from: its traceback, from the coroutine of the task inward.

    Outside of that stand the frames of everybody whom the exception was raised in since, by awaiting the task. None if
    they are all that is left: from CPython 3.10 on, a task written in C hands its traceback out once
    (``future_get_result`` in Modules/_asynciomodule.c), and awaiting it again begins a new one.
    """
    entry = _traceback_of(exception)
    coroutine = call_if_found(reader.coroutine, task)
    if type(coroutine) is not Coroutine and type(coroutine) is not Generator:
        return entry  # nothing tells which frames are its own
    code = code_of(coroutine)
    while entry is not None and entry.tb_frame.f_code is not code:
        entry = entry.tb_next
    return entry


def top_of_traceback(entry: Optional[types.TracebackType]) -> Optional[FrameInfo]:
    """Return the innermost frame of a traceback that is not hidden."""
    top = None
    while entry is not None:
        handling = handling_by_code.get(id(entry.tb_frame.f_code))
        if handling is None or not handling.skip_frame:
            top = entry
        entry = entry.tb_next
    return None if top is None else FrameInfo(top.tb_frame, top.tb_lasti)


def describe_failure(exception: BaseException) -> str:
    """Return the type and message of *exception* in one line, without running its code."""
    text, line_break, _ = describe_error(exception).partition("\n")
    if line_break or len(text) > _LONGEST_TEXT:
        text = text[:_LONGEST_TEXT] + "…"
    if _GROUP is not None and _exceptions_of is not None and is_a(exception, _GROUP):
        exceptions = _exceptions_of(exception)
        if type(exceptions) is not tuple:
            return text
        count = len(exceptions)
        text += f" ({count} sub-exception{'' if count == 1 else 's'})"  # as its __str__ does
    return text
