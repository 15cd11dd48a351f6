"""Keeps the garbage collector of a paused program from running on our account."""

from __future__ import annotations

import gc
from typing import Callable


def without_collections(work: Callable[[], None]) -> None:
    """Call *work* while no garbage collection starts by itself.

    It would finalize garbage of the program: that is code of it, which would run in the debugger's thread during the
    pause. Answers about many tasks are made of so many objects that they set off full collections, one after another.
    """
    if not gc.isenabled():
        work()
        return
    gc.disable()
    try:
        work()
    finally:
        gc.enable()
