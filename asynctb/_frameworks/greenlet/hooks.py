"""greenlet: suspended, running, dead and unstarted greenlets as roots of stacks."""

from __future__ import annotations

import sys
import types
from typing import Optional, Tuple

from ..._objects import module_field
from ..._stacks.customize import customize, register_root, register_stack_finder
from ..._stacks.follow import CallersUnknown, calling_frame, thread_frames
from .._hiding import codes_of
from ..threading.threads import number_of
from .greenlets import GreenletReader, find_greenlets, frames_outward, reader, thread_that_began, worker_thread


def install(module: types.ModuleType) -> None:
    found = reader()
    if found is None:
        return
    register_root(found.cls)(lambda greenlet: _frames_of(found, greenlet))
    register_stack_finder(lambda frame: _stack_with(found, frame))
    if sys.implementation.name == "pypy":
        for code in codes_of("greenlet"):  # written in Python there
            customize(code, skip_frame=True)


def _frames_of(reader: GreenletReader, greenlet: object) -> Optional[Tuple[object, ...]]:
    if reader.is_dead(greenlet) or not reader.is_active(greenlet):
        return None
    frame = reader.frame(greenlet)
    if frame is not None:
        return _since_start(tuple(frames_outward(frame)[::-1]))
    if greenlet is reader.current():
        return _since_start(tuple(frames_outward(calling_frame())[::-1]))
    if reader.is_switched_out(greenlet):
        return ()
    ident = _thread_of(reader, greenlet)
    frames = () if ident is None else _since_start(tuple(thread_frames(ident)))
    if not frames or reader.frame(greenlet) is not None:  # it was switched out in the meantime
        return (CallersUnknown("it is running in another thread, but it cannot be told in which"),)
    return frames


def _since_start(frames: Tuple[types.FrameType, ...]) -> Tuple[types.FrameType, ...]:
    """Leave out those of the parents, which PyPy has as the callers of what the innermost greenlet runs."""
    module = sys.modules.get("greenlet")
    start = module_field(module, "_greenlet_start") if type(module) is types.ModuleType else None
    if type(start) is types.FunctionType:
        for index in range(len(frames) - 1, -1, -1):
            if frames[index].f_code is start.__code__:
                return frames[index + 1 :]
    return frames


def _thread_of(reader: GreenletReader, greenlet: object) -> Optional[int]:
    """Return the number of the other thread that runs *greenlet*, or None if it cannot be told."""
    ident = worker_thread(greenlet)
    if ident is not None:
        return ident
    main = frames_outward(reader.frame(reader.main_of(greenlet)))
    thread = thread_that_began(main[-1]) if main else None
    return None if thread is None else number_of(thread)


def _stack_with(reader: GreenletReader, frame: types.FrameType) -> Optional[Tuple[types.FrameType, ...]]:
    """Return the stack of the suspended greenlet that has *frame* on it, up to what it has switched to."""
    greenlets = find_greenlets(reader) or []
    for greenlet in greenlets:
        try:
            frames = frames_outward(reader.frame(greenlet))[::-1]
        except Exception:  # one of a thread that has ended
            continue
        if any(candidate is frame for candidate in frames):
            for child in reader.running_below(greenlet, greenlets):
                target = _frames_of(reader, child)
                frames += [item for item in target or () if type(item) is types.FrameType]
            return tuple(frames)
    return None
