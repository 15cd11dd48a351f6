"""greenlet: suspended, running, dead and unstarted greenlets as roots of stacks."""

from __future__ import annotations

import sys
import types
from typing import Optional

from .._customize import Target, customize, register_root, register_stack_finder
from .._discovery._greenlets import GreenletReader, frames_outward, reader
from .._discovery._sets import Heap, with_subclasses
from .._stacks import calling_frame
from ._hiding import codes_of


def install(module: types.ModuleType) -> None:
    found = reader()
    if found is None:
        return
    register_root(found.cls)(lambda greenlet: _frames_of(found, greenlet))
    register_stack_finder(lambda frame: _innermost_of(found, frame))
    if sys.implementation.name == "pypy":
        for code in codes_of("greenlet"):  # written in Python there
            customize(code, skip_frame=True)


def _frames_of(reader: GreenletReader, greenlet: object) -> Target:
    if reader.is_dead(greenlet) or not reader.is_active(greenlet):
        return None
    frame = reader.frame(greenlet)
    if frame is not None:
        return tuple(frames_outward(frame)[::-1])
    if greenlet is reader.current():
        return tuple(frames_outward(calling_frame())[::-1])
    raise RuntimeError("it is running in another thread, whose stack has it")


def _innermost_of(reader: GreenletReader, frame: types.FrameType) -> Optional[types.FrameType]:
    """Return the innermost frame of the suspended greenlet that has *frame* on its stack."""
    heap = Heap()
    greenlets = heap.instances(with_subclasses(reader.cls))
    heap.drop()
    for greenlet in greenlets:
        try:
            innermost = reader.frame(greenlet)
        except Exception:  # one of a thread that has ended
            continue
        if any(candidate is frame for candidate in frames_outward(innermost)):
            return innermost
    return None
