"""Which files are the user's own, by the rules of ``justMyCode``, whether that is set or not."""

from __future__ import annotations

from typing import Dict, Optional

from asynctb._model import FrameInfo, Traceback
from asynctb._objects import exact_str

from . import _pydevd


class UserFiles:
    """What is known of the files that one response refers to."""

    def __init__(self, py_db: _pydevd.Debugger) -> None:
        self._py_db = py_db
        self._known: Dict[str, bool] = {}

    def has(self, filename: str) -> bool:
        """Whether a code object's file is part of the user's project."""
        filename = exact_str(filename) or ""
        known = self._known.get(filename)
        if known is None:
            try:
                known = _pydevd.is_user_code(self._py_db, filename)
            except Exception:  # pydevd cannot make anything of the name, so it does not take it for the user's
                known = False
            self._known[filename] = known
        return known

    def innermost(self, stack: Traceback) -> Optional[FrameInfo]:
        """Return the innermost frame of the user's code, or None."""
        for info in reversed(stack.frames):
            if not info.hide and self.has(info.filename):
                return info
        return None
