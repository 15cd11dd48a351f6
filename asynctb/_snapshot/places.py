"""Where stacks are suspended: at few places, compared with how many stacks there are."""

from __future__ import annotations

import types
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from .._model import FrameInfo
from .._quick import new_frame_info
from .._stacks.customize import handling_by_code
from .source import Coroutine, Generator, Owner, leaf_codes

Survey = Tuple[Optional[FrameInfo], Optional[int], bool]


class _Place(NamedTuple):
    signature: int
    #: Index of the innermost frame that is not hidden, or -1.
    top: int
    #: Whether a hook for one of the functions may say that the stack goes on elsewhere.
    may_go_on: bool


class Places:
    """The places that have been seen in one listing, numbered."""

    def __init__(self) -> None:
        #: By the addresses of the code objects and the instructions, outermost first.
        self._places: Dict[Tuple[int, ...], _Place] = {}
        #: Keeps the code objects, so that their addresses stay their own.
        self._codes: Dict[int, types.CodeType] = {}

    def survey(self, owners: Sequence[Owner]) -> Survey:
        """Return the innermost frame that is not hidden of what `await_chain` found, and the number of the place.

        The latter is None if there is no frame: it has ended. The third says whether a full stack may go on elsewhere.
        """
        frames: List[types.FrameType] = []
        key: List[int] = []
        owner: Any
        for owner in owners:
            kind = type(owner)
            frame = owner.cr_frame if kind is Coroutine else owner.gi_frame if kind is Generator else owner.ag_frame
            if frame is None:
                return None, None, False
            frames.append(frame)
            key.append(id(frame.f_code))
            key.append(frame.f_lasti)
        return self._find(key, frames, owners)

    def survey_frames(self, frames: Sequence[types.FrameType]) -> Survey:
        """Return the same for the frames of a suspended stack, outermost first."""
        key = [number for frame in frames for number in (id(frame.f_code), frame.f_lasti)]
        return self._find(key, frames, None)

    def _find(self, key: List[int], frames: Sequence[types.FrameType], owners: Optional[Sequence[Owner]]) -> Survey:
        if not frames:
            return None, None, False
        place = self._places.get(tuple(key)) or self._add(tuple(key), frames)
        top = place.top
        if top < 0:
            return None, place.signature, place.may_go_on
        owner = None if owners is None else owners[top]
        return new_frame_info(frames[top], key[2 * top + 1], (), False, owner, None), place.signature, place.may_go_on

    def _add(self, key: Tuple[int, ...], frames: Sequence[types.FrameType]) -> _Place:
        top, may_go_on = -1, False
        for index, frame in enumerate(frames):
            code = frame.f_code
            self._codes[id(code)] = code
            handling = handling_by_code.get(id(code))
            if handling is None or not handling.skip_frame:
                top = index
            if handling is not None and handling.get_target is not None and id(code) not in leaf_codes:
                may_go_on = True
        place = self._places[key] = _Place(len(self._places) + 1, top, may_go_on)
        return place
