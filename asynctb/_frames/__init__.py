"""Readers of frames: which context managers a frame is in, found in its memory or through the garbage collector.

This is the only place that depends on how an interpreter lays out its frames. The reader is chosen and tried at the
first use, so that importing costs nothing; where no reader can be trusted, a less exact one takes its place:

``full``
    Everything is read: suspended frames, and those that this or another thread is executing.
``gc-only``
    Suspended coroutines and generators are read through the garbage collector. Of other frames, the with-blocks are
    known, but not their managers.
``static-only``
    The with-blocks are known, but not their managers.
``off``
    Nothing is known.

The environment variable ``ASYNCTB_READER`` and `set_reader_mode` force a mode.
"""

from __future__ import annotations

import gc
import os
import sys
import warnings
from inspect import CO_OPTIMIZED
from types import FrameType
from typing import List, Optional, Tuple, cast

from .._code.bytecode import slot_of_variable
from .._model import InspectionWarning
from .._objects import CellType
from ._types import MODES, FrameRead, LocalReader, Mode, Reader

_VARIABLE = "ASYNCTB_READER"
#: Whether ``f_locals`` of a function is no copy.
_LOCALS_ARE_A_VIEW = sys.implementation.name == "cpython" and sys.version_info >= (3, 13)
_NO_REFERENTS = "gc.get_referents does not tell what objects refer to, so stacks may be cut"

_reader: Optional[Reader] = None
_read_local: Optional[LocalReader] = None
_mode: Mode = "off"
_notes: Tuple[str, ...] = ()
_warned = False
#: How often a reader has been chosen, and how often at most before a choice that is not the best is kept.
_tries = 0
_MAX_TRIES = 5


def read_frame(frame: FrameType, *, owner: Optional[object] = None, callee: Optional[FrameType] = None) -> FrameRead:
    """Return where *frame* is and which with-blocks it is in. Never raises for the state of the program.

    :param owner: the coroutine, generator or async generator that *frame* belongs to, if it is known.
    :param callee: the frame that *frame* called or awaits, if it is known.
    """
    return FrameRead._make((_reader or _choose())(frame, owner, callee))


def frame_reader() -> Reader:
    """Return what `read_frame` calls: for those who read many frames at once."""
    return _reader or _read_first


def _read_first(frame: FrameType, owner: Optional[object], callee: Optional[FrameType]) -> FrameRead:
    return read_frame(frame, owner=owner, callee=callee)


def local_variable(frame: FrameType, name: str) -> Optional[object]:
    """Return a local variable of a frame of library code, or None. For hooks.

    Not for frames of the program: where no memory is read, and on PyPy, it takes ``frame.f_locals``. Before CPython
    3.13 that is a copy, which the frame keeps, and making it anew can undo what a debugger has just written there.

    :param frame: the frame of a function.
    :param name: the name of the variable.
    """
    if _reader is None:
        _choose()
    if _read_local is None or not frame.f_code.co_flags & CO_OPTIMIZED:
        return cast(Optional[object], frame.f_locals.get(name))
    code = frame.f_code
    slot = slot_of_variable(code, name)
    value = _read_local(frame, slot) if slot >= 0 else None
    if type(value) is CellType and (name in code.co_cellvars or name in code.co_freevars):
        try:
            return cast(object, value.cell_contents)
        except ValueError:  # not bound (yet)
            return None
    return value


def variable_of_program(frame: FrameType, name: str) -> Optional[object]:
    """Return a local variable of any frame, or None, also where it cannot be read without a trace."""
    if _reader is None:
        _choose()
    if not frame.f_code.co_flags & CO_OPTIMIZED or (_read_local is None and not _LOCALS_ARE_A_VIEW):
        return None
    return local_variable(frame, name)


def reader_mode() -> Mode:
    """Return the mode of the reader in use."""
    if _reader is None:
        _choose()
    return _mode


def reader_notes() -> Tuple[str, ...]:
    """Return why the reader in use is not the full one, and why stacks may be cut; or nothing."""
    if _reader is None:
        _choose()
    probe = object()
    try:
        tells = any(referent is probe for referent in gc.get_referents([probe]))
    except Exception:  # the program has put something else in its place
        tells = False
    return _notes if tells else (*_notes, _NO_REFERENTS)


def set_reader_mode(mode: Optional[Mode]) -> None:
    """Use no better reader than *mode* from now on; None stands for the best that can be trusted.

    :raises ValueError: if there is no such mode.
    """
    if mode is not None and mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, or None")
    _choose(mode)


def _choose(forced: Optional[Mode] = None) -> Reader:
    """Choose the best reader that works, but none better than *forced*, or than the environment variable says."""
    global _reader, _read_local, _mode, _notes, _warned, _tries
    from ._choice import choose

    notes: List[str] = []
    asked = forced or os.environ.get(_VARIABLE)
    wanted: Optional[Mode] = None
    if asked:
        wanted = next((mode for mode in MODES if mode == asked), None)
        if wanted is not None:
            source = "the program" if forced is not None else f"the environment variable {_VARIABLE}"
            if wanted != "full":
                notes.append(f"{source} asked for the reader {asked!r}")
        else:
            notes.append(f"the environment variable {_VARIABLE} is none of {', '.join(MODES)}")
    chosen = choose(wanted or "full")
    _notes = (*notes, *chosen.notes)
    _mode, _read_local, _reader = chosen.mode, chosen.read_local, chosen.reader
    _tries += 1
    if chosen.notes and forced is None and _tries < _MAX_TRIES:
        # A signal handler that raises, a stack that is nearly full or a module that is just being imported can have
        # been in the way: look again next time.
        _reader = None
    if chosen.notes and not _warned:
        _warned = True
        text = f"context managers are found by the reader {_mode!r} only: {'; '.join(chosen.notes)}"
        warnings.warn(text, InspectionWarning, stacklevel=3)
    return chosen.reader
