"""From the model of `asynctb` to plain JSON data that refers to nothing in the program."""

from __future__ import annotations

import time
import types
from typing import Callable, Dict, List, Mapping, Optional, Tuple, Union, cast

from asynctb._code.with_blocks import position_at
from asynctb._model import ContextInfo, FrameInfo, Position, Traceback
from asynctb._objects import describe_error, exact_str, filename_of, funcname_of
from asynctb._output.fields import context_fields, error_text, object_fields

from ..protocol import (
    ContextChildShape,
    ContextShape,
    Frame,
    FrameShape,
    Location,
    ObjectShape,
    StackShape,
    TaskChildShape,
    Value,
)
from ._errors import RequestError
from ._shapes import ShapeTable
from ._sources import SourceTable, is_starter

#: Longest name or description, in characters. Programs put whole requests into the names of tasks.
LONGEST_TEXT = 500
#: Most frames of one activity, those inside context managers included, and most children of one context manager.
MAX_FRAMES = 3000
MAX_CHILDREN = 1000
#: How many stacks may stand inside each other through context managers; JSON parsers limit the depth, too.
MAX_NESTING = 15
#: Rough size of a frame and of a context in JSON without its texts, and of a value, in bytes.
_FRAME_SIZE = 200
_CONTEXT_SIZE = 250
_VALUE_SIZE = 20


class Budget:
    """What one response may cost.

    :param seconds: time, from now. The adapter forwards no other request meanwhile.
    :param size: bytes. The adapter takes a message of 16 MB or more for a broken connection.
    """

    def __init__(self, seconds: float, size: int) -> None:
        self._deadline = time.monotonic() + seconds
        self._size = self._left = size

    def spend(self, size: int) -> None:
        """Count *size* bytes of the response."""
        self._left -= size

    @property
    def left(self) -> int:
        """How many bytes may still be spent; negative if it was too many."""
        return self._left

    def take_back(self, left: int) -> None:
        """Forget what was spent since *left* bytes were left: it is not sent after all."""
        self._left = left

    @property
    def used_up(self) -> bool:
        """Whether to stop and answer with what there is."""
        return self._left <= 0 or time.monotonic() > self._deadline

    @property
    def overdrawn(self) -> bool:
        """Whether one activity alone has taken so much that the rest of it must be left out."""
        return self._left <= -self._size


_NOTHING: Mapping[int, str] = {}


class Serializer:
    """Turns parts of the model into their wire form, for one response.

    :param sources: collects the sources referred to.
    :param shapes: collects the shapes of stacks.
    :param budget: what the response may cost; counted here, checked by the caller between activities.
    :param activity_of: returns the id of the activity that an object is in this snapshot, or None.
    :param frame_id: returns the id by which a client may refer to a frame, or None.
    """

    def __init__(
        self,
        sources: SourceTable,
        shapes: ShapeTable,
        budget: Budget,
        activity_of: Callable[[object], Optional[str]],
        frame_id: Callable[[types.FrameType], Optional[int]],
    ) -> None:
        self._sources = sources
        self._shapes = shapes
        self._budget = budget
        self._activity_of = activity_of
        self._frame_id = frame_id
        self._frames_left = MAX_FRAMES
        self._begun = _NOTHING
        #: Those of the current stack.
        self._values: List[Value] = []
        # Tasks mostly wait at the same few places. The code object is kept so that its address stays its own; it is no
        # key itself, because comparing two of them compares their constants.
        self._locations: Dict[Tuple[int, int], Tuple[types.CodeType, Location]] = {}
        #: The same for with-blocks, whose positions are shared by all frames of a code object.
        self._places: Dict[int, Tuple[Position, Location]] = {}

    def stack(self, traceback: Traceback, begun: Mapping[int, str] = _NOTHING) -> Tuple[int, List[Value]]:
        """Return the stack of an activity: the index of its shape, and the values that the shape refers to.

        :param begun: the other activities whose stacks begin at a frame, by the identity of that frame.
        """
        self._begun = begun
        self._frames_left = MAX_FRAMES
        self._values = []
        left = self._budget.left
        index, is_new = self._shapes.add(self._stack(traceback, 0))
        if not is_new:
            self._budget.take_back(left)
        self._budget.spend(len(self._values) * _VALUE_SIZE)
        return index, self._values

    def top(self, code: types.CodeType, lasti: int, hidden: bool) -> Frame:
        """Return a frame of which only the code and the instruction are known."""
        name = clip(funcname_of(code))
        self._budget.spend(_FRAME_SIZE + len(name))
        frame: Frame = {"name": name, "location": self._location(code, lasti, None)}
        if hidden:
            frame["hidden"] = True
        return frame

    def _value(self, value: Value) -> int:
        """Return the index that stands for a value in the shape.

        Equal values get different ones: whether two managers are the same object does not make another shape.
        """
        self._values.append(value)
        return len(self._values) - 1

    def _object(self, obj: object) -> ObjectShape:
        ref = object_fields(obj, clip)
        return {"type": ref["type"], "address": self._value(ref["address"])}

    def _stack(self, traceback: Traceback, nesting: int) -> StackShape:
        frames = []
        left_out = 0
        infos = traceback.frames
        for index, info in enumerate(infos):
            if self._sources.is_tracing(info.frame.f_code):
                infos = infos[:index]
                break
        for info in reversed(infos):
            if self._sources.is_debugger_file(info.filename):
                continue
            if self._frames_left <= 0 or self._budget.overdrawn:
                left_out += 1
                continue
            self._frames_left -= 1
            frames.append(self._frame(info, nesting))
        stack: StackShape = {"frames": frames}
        if traceback.leaf is not None:
            stack["leaf"] = self._object(traceback.leaf)
        error = error_text(traceback.error) if traceback.error is not None else None
        if left_out:
            error = f"{left_out} more outer frames are left out" + (f"; {error}" if error else "")
        if error:
            stack["error"] = clip(error)
            self._budget.spend(len(stack["error"]))
        return stack

    def _frame(self, info: FrameInfo, nesting: int) -> FrameShape:
        code = info.frame.f_code
        frame_id = self._frame_id(info.frame)
        name = clip(info.funcname)
        self._budget.spend(_FRAME_SIZE + len(name))
        location = self._location(code, info.lasti, info.frame if frame_id else None)
        frame: FrameShape = {"name": name, "location": location}
        if info.hide or is_starter(info.filename):
            frame["hidden"] = True
        if frame_id is not None:
            frame["frameId"] = self._value(frame_id)
        other = self._begun.get(id(info.frame)) if nesting == 0 else None
        if other is not None:
            frame["activityId"] = self._value(other)
        if info.contexts:
            frame["contexts"] = [self._context(context, info.filename, nesting) for context in info.contexts]
        if info.contexts_unknown is not None:
            frame["contextsUnknown"] = clip(info.contexts_unknown)
        return frame

    def _location(self, code: types.CodeType, lasti: int, frame: Optional[types.FrameType]) -> Location:
        key = id(code), lasti
        found = self._locations.get(key)
        if found is None:
            frame_id = id(frame) if frame is not None else None
            location = self._sources.location(filename_of(code), position_at(code, lasti), frame_id)
            found = self._locations[key] = code, location
        return found[1]

    def _place(self, filename: str, position: Position) -> Location:
        found = self._places.get(id(position))
        if found is None:
            found = self._places[id(position)] = position, self._sources.location(filename, position)
        return found[1]

    def _context(self, info: ContextInfo, filename: str, nesting: int) -> ContextShape:
        manager = self._object(info.manager) if info.manager is not None else None
        context = cast(ContextShape, context_fields(info, manager, clip))
        self._budget.spend(_CONTEXT_SIZE + len(info.description or "") + len(context.get("exception", "")))
        unknown = info.unknown
        if info.block.position is not None:
            context["location"] = self._place(filename, info.block.position)
        if nesting >= MAX_NESTING:
            if info.inner is not None or info.children:
                unknown = "what is inside is left out, it is nested too deeply"
        else:
            if info.inner is not None:
                context["inner"] = self._stack(info.inner, nesting + 1)
            if info.children:
                children = context["children"] = []
                for child in info.children[:MAX_CHILDREN]:
                    if self._budget.overdrawn:
                        break
                    children.append(self._child(child, filename, nesting + 1))
                if len(children) < len(info.children):
                    left_out = f"{len(info.children) - len(children)} more children are left out"
                    unknown = left_out if unknown is None else f"{left_out}; {unknown}"
        if unknown is not None:
            context["unknown"] = clip(unknown)
        return context

    def _child(
        self, child: Union[ContextInfo, Traceback], filename: str, nesting: int
    ) -> Union[ContextChildShape, TaskChildShape]:
        if type(child) is ContextInfo:
            return {"kind": "context", "context": self._context(child, filename, nesting)}
        assert type(child) is Traceback
        task: TaskChildShape = {"kind": "task", "object": self._object(child.root)}
        self._budget.spend(_CONTEXT_SIZE)
        activity = self._activity_of(child.root)
        if activity is not None:
            task["activityId"] = self._value(activity)
        return task


def clip(text: str) -> str:
    """Return *text* as an exact `str` of a bounded length."""
    exact = exact_str(text) or ""
    return exact if len(exact) <= LONGEST_TEXT else exact[: LONGEST_TEXT - 1] + "…"


def internal_error(error: BaseException) -> RequestError:
    """Return what a defect of the helper is answered with: what failed, and where in our own code."""
    place = ""
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        place = f" in {filename_of(code).strip('<>')}:{traceback.tb_lineno} ({exact_str(code.co_name)})"
        traceback = traceback.tb_next
    return RequestError("internal", f"the helper failed: {describe_error(error)}{place}")
