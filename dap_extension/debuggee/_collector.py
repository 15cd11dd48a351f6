"""Keeps the garbage collector of a paused program from running on our account."""

from __future__ import annotations

import gc
import os
from typing import Callable

#: Whether collections are put off at the moment.
_off = False


def without_collections(work: Callable[[], None]) -> None:
    """Call *work* while no garbage collection starts by itself.

    It would finalize garbage of the program: that is code of it, which would run in the debugger's thread during the
    pause. Answers about many tasks are made of so many objects that they set off full collections, one after another.
    """
    global _off
    if not gc.isenabled():
        work()
        return
    _off = True
    gc.disable()
    try:
        work()
    finally:
        gc.enable()
        _off = False


def _in_child() -> None:
    # The debugger does not hold threads that are in code of libraries, such as those of a process pool.
    global _off
    if _off:
        gc.enable()
        _off = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
