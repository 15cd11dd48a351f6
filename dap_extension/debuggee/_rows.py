"""What is kept of an activity between two requests: texts, numbers and weak references."""

from __future__ import annotations

import types
import weakref
from typing import Any, Callable, NamedTuple, Optional

from ..protocol import ActivityInfo, Frame


class Top(NamedTuple):
    """A place in the code: what is left of a frame when the frame itself must not be kept."""

    code: weakref.ref[types.CodeType]
    lasti: int
    hidden: bool


class Row(NamedTuple):
    """One activity of a remembered snapshot."""

    #: All of the wire form but `top`.
    info: ActivityInfo
    top: Optional[Top]
    target: Optional[weakref.ref[Any]]
    thread_ident: Optional[int]

    def to_wire(self, top_frame: Callable[[types.CodeType, int, bool], Frame]) -> ActivityInfo:
        """Return the wire form; *top_frame* makes that of the top frame."""
        info = self.info.copy()
        if self.top is not None:
            code = self.top.code()
            if code is not None:
                info["top"] = top_frame(code, self.top.lasti, self.top.hidden)
        return info
