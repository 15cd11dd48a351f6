"""Where stacks are suspended: at few places, compared with how many stacks there are."""

from __future__ import annotations

import types
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from .._model import FrameInfo
from .._objects import filename_of
from .._quick import new_frame_info
from .._stacks.customize import handling_by_code
from .._stacks.extract import is_hidden
from .source import NOWHERE, Coroutine, Generator, Owner, Tops, leaf_codes

Survey = Tuple[Tops, Optional[int], bool]


class _Place(NamedTuple):
    signature: int
    #: Index of the innermost frame of the user's own code, and of the innermost one, that are not hidden; or -1.
    own: int
    innermost: int
    #: Whether a hook for one of the functions may say that the stack goes on elsewhere.
    may_go_on: bool


class Places:
    """The places that have been seen in one listing, numbered.

    :param is_own: whether a file has code of the user's own.
    """

    def __init__(self, is_own: Callable[[str], bool]) -> None:
        self._is_own = is_own
        #: By the addresses of the code objects and the instructions, outermost first.
        self._places: Dict[Tuple[int, ...], _Place] = {}
        #: Keeps the code objects, so that their addresses stay their own.
        self._codes: Dict[int, types.CodeType] = {}

    def survey(self, owners: Sequence[Owner]) -> Survey:
        """Return where that stands what `await_chain` found, and the number of the place.

        The latter is None if there is no frame: it has ended. The third says whether a full stack may go on elsewhere.
        """
        frames: List[types.FrameType] = []
        key: List[int] = []
        owner: Any
        for owner in owners:
            kind = type(owner)
            frame = owner.cr_frame if kind is Coroutine else owner.gi_frame if kind is Generator else owner.ag_frame
            if frame is None:
                return NOWHERE, None, False
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
            return NOWHERE, None, False
        place = self._places.get(tuple(key)) or self._add(tuple(key), frames)
        innermost = self._frame(place.innermost, key, frames, owners)
        if place.own < 0 or place.own == place.innermost:
            return Tops(innermost, None), place.signature, place.may_go_on
        own = self._frame(place.own, key, frames, owners)
        return Tops(own, innermost), place.signature, place.may_go_on

    @staticmethod
    def _frame(
        index: int, key: List[int], frames: Sequence[types.FrameType], owners: Optional[Sequence[Owner]]
    ) -> Optional[FrameInfo]:
        if index < 0:
            return None
        owner = None if owners is None else owners[index]
        return new_frame_info(frames[index], key[2 * index + 1], (), False, owner, None)

    def _add(self, key: Tuple[int, ...], frames: Sequence[types.FrameType]) -> _Place:
        own, innermost, may_go_on = -1, -1, False
        for index, frame in enumerate(frames):
            code = frame.f_code
            self._codes[id(code)] = code
            handling = handling_by_code.get(id(code))
            if not is_hidden(frame):
                innermost = index
                if self._is_own(filename_of(code)):
                    own = index
            if handling is not None and handling.get_target is not None and id(code) not in leaf_codes:
                may_go_on = True
        place = self._places[key] = _Place(len(self._places) + 1, own, innermost, may_go_on)
        return place
