"""Keeps the program's garbage collector from running on our account."""

from __future__ import annotations

import functools
import gc
import os
from typing import Callable, Optional, TypeVar

T = TypeVar("T")

#: What lets collections start again, while they are put off.
_resume: Optional[Callable[[], None]] = None


def without_collections(work: Callable[[], T]) -> T:
    """Return what *work* returns, called while no garbage collection starts by itself.

    It would finalize garbage of the program: that is code of it, which would run in the debugger's thread, even during
    a pause. Snapshots of many tasks, and answers about them, consist of so many objects that they set off full
    collections, one after another.

    A threshold of 0 puts collections off (Modules/gcmodule.c, from CPython 3.13 on Python/gc.c). It is not done by
    `gc.disable`, as threads that the debugger does not hold go on meanwhile, and programs use that themselves: one that
    remembers `gc.isenabled` now and goes by it later would leave the collector off. PyPy has nothing else, though.
    """
    global _resume
    if not gc.isenabled():
        return work()
    if not hasattr(gc, "set_threshold"):
        _resume = gc.enable
        try:
            gc.disable()
            return work()
        finally:
            gc.enable()
            _resume = None
    threshold = gc.get_threshold()[0]
    if threshold == 0:  # the program wants it so, or another thread does the same at this moment
        return work()
    _resume = functools.partial(gc.set_threshold, threshold)
    try:
        gc.set_threshold(0)
        return work()
    finally:  # calls nothing written in Python, at whose beginning Ctrl-C could end it
        if gc.get_threshold()[0] == 0:  # otherwise the program has set another one
            gc.set_threshold(threshold)
        _resume = None


def _resume_in_child() -> None:
    global _resume
    if _resume is not None:
        _resume()
        _resume = None


if hasattr(os, "register_at_fork"):
    # The debugger does not hold threads that are in code of libraries, such as those of a process pool.
    os.register_at_fork(after_in_child=_resume_in_child)
