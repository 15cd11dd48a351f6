"""Keeps the program's garbage collector from running on our account."""

from __future__ import annotations

import functools
import gc
import os
from typing import Callable, Optional

#: What lets collections start again, while they are put off.
_resume: Optional[Callable[[], None]] = None


def without_collections(work: Callable[[], None]) -> None:
    """Call *work* while no garbage collection starts by itself.

    It would finalize garbage of the program: that is code of it, which would run in the debugger's thread, even during
    a pause. Answers about many tasks are made of so many objects that they set off full collections, one after another.

    A threshold of 0 puts collections off (Modules/gcmodule.c, from CPython 3.13 on Python/gc.c). It is not done by
    `gc.disable`, as threads that the debugger does not hold go on meanwhile, and programs use that themselves: one that
    remembers `gc.isenabled` now and goes by it later would leave the collector off. PyPy has nothing else, though.
    """
    global _resume
    if not gc.isenabled():
        work()
        return
    if hasattr(gc, "set_threshold"):
        _resume = functools.partial(_set_threshold, gc.get_threshold()[0])
        gc.set_threshold(0)
    else:
        _resume = gc.enable
        gc.disable()
    try:
        work()
    finally:
        _end()


def _set_threshold(threshold: int) -> None:
    if gc.get_threshold()[0] == 0:  # otherwise the program has set another one
        gc.set_threshold(threshold)


def _end() -> None:
    global _resume
    if _resume is not None:
        _resume()
    _resume = None


if hasattr(os, "register_at_fork"):
    # The debugger does not hold threads that are in code of libraries, such as those of a process pool.
    os.register_at_fork(after_in_child=_end)
