"""Which reader can be trusted on this interpreter."""

from __future__ import annotations

import struct
import sys
from typing import Callable, List, NamedTuple, Optional, Tuple

from . import _fallback
from ._selftest import problem_of
from ._types import MODES, LocalReader, Mode, Reader

_FIRST_VERSION, _LAST_VERSION = (3, 6), (3, 15)


class Choice(NamedTuple):
    """A reader, and why no better one was chosen."""

    mode: Mode
    reader: Reader
    #: None where only ``f_locals`` tells the variables of a frame, or does no harm.
    read_local: Optional[LocalReader]
    notes: Tuple[str, ...]


def choose(best: Mode) -> Choice:
    """Return the most exact reader that works, but none more exact than *best*."""
    notes: List[str] = []
    for mode in MODES[MODES.index(best) :]:
        try:
            reader, problem = _TRIALS[mode]()
        except Exception as error:
            reader, problem = None, f"{type(error).__name__}: {error}"
        if reader is not None and problem is None:
            return Choice(mode, reader, _local_reader() if mode == "full" else None, tuple(notes))
        notes.append(f"the reader {mode!r} cannot be used: {problem}")
    return Choice("off", _fallback.read_nothing, None, tuple(notes))


Trial = Tuple[Optional[Reader], Optional[str]]


def _full() -> Trial:
    version = sys.version_info[:2]
    if sys.implementation.name == "pypy":
        from ._pypy import read as read_pypy

        return read_pypy, problem_of(read_pypy, reads_running=True)
    if sys.implementation.name != "cpython":
        return None, f"the interpreter is {sys.implementation.name}"
    if not _FIRST_VERSION <= version <= _LAST_VERSION:
        return None, f"CPython {version[0]}.{version[1]} is not known"
    if version >= (3, 13) and getattr(object, "__basicsize__", 0) != 2 * struct.calcsize("P"):
        # More than a reference count and a type (PyObject in Include/object.h). It does not matter whether the lock is
        # in use. The build's configuration would say so, too, but takes long to import.
        return None, "the interpreter is built without the global interpreter lock"
    if not _in_main_interpreter():
        return None, "this is a subinterpreter"
    reader: Reader
    problem: Callable[[], Optional[str]]
    if version >= (3, 11):
        from ._cpython_311 import layout_problem as problem, read as reader
    else:
        from ._cpython_38 import layout_problem as problem, read as reader
    return reader, problem() or problem_of(reader, reads_running=True)


def _local_reader() -> Optional[LocalReader]:
    """Return what to use in place of ``f_locals``, which is a copy that the frame keeps before CPython 3.13."""
    if sys.implementation.name == "pypy" or sys.version_info >= (3, 13):
        return None
    if sys.version_info >= (3, 11):
        from ._cpython_311 import read_local
    else:
        from ._cpython_38 import read_local
    return read_local


def _in_main_interpreter() -> bool:
    """Return whether this is the interpreter that the process began with, on CPython."""
    # Where it cannot be imported, as in isolated interpreters, the reader fails its trial. No other reader needs it.
    from ctypes import PYFUNCTYPE, c_void_p, pythonapi

    if sys.version_info < (3, 8):
        # The list has the newest first: if there is but one, it is the main one, which is never ended before others.
        # Which one is the current has no name yet.
        head = PYFUNCTYPE(c_void_p)(("PyInterpreterState_Head", pythonapi))()
        return PYFUNCTYPE(c_void_p, c_void_p)(("PyInterpreterState_Next", pythonapi))(head) is None
    get = "_PyInterpreterState_Get" if sys.version_info < (3, 9) else "PyInterpreterState_Get"
    current, main = [PYFUNCTYPE(c_void_p)((name, pythonapi))() for name in (get, "PyInterpreterState_Main")]
    return bool(current == main)


def _gc_only() -> Trial:
    if sys.implementation.name == "pypy":
        return _full()
    return _fallback.read_through_gc, problem_of(_fallback.read_through_gc, reads_running=False)


def _static_only() -> Trial:
    if sys.implementation.name not in ("cpython", "pypy") or not sys.version_info[:2] >= _FIRST_VERSION:
        return None, "the bytecode is not known"
    return _fallback.read_static, problem_of(_fallback.read_static, finds_managers=False, reads_running=False)


def _off() -> Trial:
    return _fallback.read_nothing, None


_TRIALS = {"full": _full, "gc-only": _gc_only, "static-only": _static_only, "off": _off}
