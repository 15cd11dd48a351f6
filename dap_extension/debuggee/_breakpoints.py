"""Has breakpoints hit in what was suspended when they were set.

On CPython 3.12 and later the debugger decides whether the lines of a function are traced when a call of it begins, and
for the functions that threads are in when breakpoints change. What began earlier and is suspended is neither (up to
debugpy 1.8.22, which watches no ``PY_RESUME``): its breakpoints are said to be verified, and never hit. With greenlets
it is so on every CPython.
"""

from __future__ import annotations

import types
from itertools import chain
from typing import Any, Callable, Dict, List

from asynctb._frameworks.greenlet.greenlets import find_greenlets, frames_outward, reader
from asynctb._heap import instances
from asynctb._objects import filename_of
from asynctb._snapshot.source import AsyncGenerator, Coroutine, Generator, frame_of

from . import _pydevd


class Breakpoints:
    """Completes what the debugger does when breakpoints are set."""

    def install(self) -> List[Callable[[], None]]:
        """Begin; return what ends it."""
        return [_pydevd.wrap_request("setBreakpoints", self._set)]

    def _set(self, original: Callable[[], Any], py_db: _pydevd.Debugger, request: _pydevd.Request) -> Any:
        answer = original()
        # What waits for the end of an evaluation shall not keep the client waiting, too.
        sends_later = not _pydevd.is_evaluating(py_db)

        def work() -> None:
            trace_suspended(py_db)
            if sends_later:
                _pydevd.send_command(py_db, answer)

        if answer is None:
            return None
        # The answer comes afterwards, so that the client does not let the program go on before.
        _pydevd.post(py_db, work)
        return None if sends_later else answer


def trace_suspended(py_db: _pydevd.Debugger) -> None:
    """Have the debugger trace the lines of everything suspended in files that have breakpoints."""
    try:
        _trace_suspended(py_db)
    except Exception:
        return  # then they are missed, as without us


def _trace_suspended(py_db: _pydevd.Debugger) -> None:
    if not _pydevd.has_breakpoints(py_db):
        return
    known: Dict[str, bool] = {}

    def is_of_interest(code: types.CodeType) -> bool:
        filename = filename_of(code)
        if filename not in known:
            known[filename] = _pydevd.has_breakpoints(py_db, filename)
        return known[filename]

    frames = _of_greenlets(is_of_interest)
    if _pydevd.traces_all_threads():
        frames += _of_coroutines(is_of_interest)
    _pydevd.trace_frames(py_db, frames)


def _of_greenlets(is_of_interest: Callable[[types.CodeType], bool]) -> List[types.FrameType]:
    found = reader()
    greenlets = find_greenlets(found) if found is not None else None
    if found is None or greenlets is None:
        return []
    frames = chain.from_iterable(frames_outward(found.frame(greenlet)) for greenlet in greenlets)
    return [frame for frame in frames if is_of_interest(frame.f_code)]


def _of_coroutines(is_of_interest: Callable[[types.CodeType], bool]) -> List[types.FrameType]:
    """Return one frame of each function: for the others of thousands, Python would have to make objects."""
    frames: Dict[int, types.FrameType] = {}
    for owner in instances((Coroutine, Generator, AsyncGenerator)):
        code = _code_of(owner)
        # The callers of one that runs are another thread's, or those of a thread that a fork has not copied.
        if id(code) not in frames and _is_suspended(owner) and is_of_interest(code):
            frame = frame_of(owner)
            if frame is not None:
                frames[id(code)] = frame
    return list(frames.values())


def _code_of(owner: Any) -> types.CodeType:
    kind = type(owner)
    code: types.CodeType = owner.cr_code if kind is Coroutine else owner.gi_code if kind is Generator else owner.ag_code
    return code


def _is_suspended(owner: Any) -> bool:
    """Return whether it is, which CPython 3.12 and later tell of all three."""
    kind = type(owner)
    found: bool = (
        owner.cr_suspended if kind is Coroutine else owner.gi_suspended if kind is Generator else owner.ag_suspended
    )
    return found
