"""Interpreters on which nothing is read, because reading alone could crash the program."""

from __future__ import annotations

import sys
from typing import Optional

#: CPython 3.13 without the global interpreter lock: a frame that another thread executes is released while it is read
#: (``sys._current_frames`` and ``frame.f_back`` take no reference in time), which was mended in 3.14 only.
_IS_AFFECTED = sys.implementation.name == "cpython" and sys.version_info[:2] == (3, 13)
_REASON = (
    "CPython 3.13 without the global interpreter lock does not let stacks be read safely: use CPython 3.14 or later, "
    "or start the program with PYTHON_GIL=1"
)


def refusal() -> Optional[str]:
    """Return why nothing may be read in this process, or None. The lock can be switched on while a program runs."""
    is_enabled = getattr(sys, "_is_gil_enabled", None) if _IS_AFFECTED else None
    return _REASON if is_enabled is not None and not is_enabled() else None
