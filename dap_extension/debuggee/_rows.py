"""What is kept of an activity between two requests: texts, numbers and weak references."""

from __future__ import annotations

import types
import weakref
from typing import Any, Callable, Dict, NamedTuple, Optional, TypeVar, cast

from asynctb._data import LocationData
from asynctb._model import Location as ModelLocation, Position

from ..protocol import ActivityInfo, Frame, Location

T = TypeVar("T")


class Top(NamedTuple):
    """A place in the code: what is left of a frame when the frame itself must not be kept."""

    code: weakref.ref[types.CodeType]
    lasti: int
    hidden: bool


class Row(NamedTuple):
    """One activity of a remembered snapshot."""

    #: All of the wire form but `top` and `innermost`.
    info: ActivityInfo
    top: Optional[Top]
    innermost: Optional[Top]
    target: Optional[weakref.ref[Any]]
    thread_ident: Optional[int]

    def to_wire(
        self, top_frame: Callable[[types.CodeType, int, bool], Frame], location: Callable[[str, Position], Location]
    ) -> ActivityInfo:
        """Return the wire form; *top_frame* makes that of frames, *location* that of other places."""
        info = self.info.copy()
        holders = info["waitsFor"].get("holders") if "waitsFor" in info else None
        if holders is not None:
            info["waitsFor"] = info["waitsFor"].copy()
            info["waitsFor"]["holders"] = [mapped(holder, location) for holder in holders]
        if "createdAt" in info:
            info["createdAt"] = mapped(info["createdAt"], location)
        code = self.top.code() if self.top is not None else None
        if self.top is not None and code is not None:
            info["top"] = top_frame(code, self.top.lasti, self.top.hidden)
        code = self.innermost.code() if self.innermost is not None else None
        if self.innermost is not None and code is not None:
            info["innermost"] = top_frame(code, self.innermost.lasti, self.innermost.hidden)
        return info


def unmapped(location: ModelLocation) -> LocationData:
    """Return a place as it is kept: by its path, which each response has another number for."""
    kept: LocationData = {"path": location.filename}
    if location.line is not None:
        kept["line"] = location.line
    return kept


def mapped(data: T, location: Callable[[str, Position], Location]) -> T:
    """Return data with a place as the client understands it, made from one with what `unmapped` returned."""
    fields = cast(Dict[str, Any], data)
    if "location" not in fields:
        return data
    kept = fields["location"]
    return cast(T, {**fields, "location": location(kept["path"], Position(kept.get("line")))})
