"""From the model of `asynctb` to plain JSON data that refers to nothing in the program."""

from __future__ import annotations

import time
import types
from typing import Callable, Dict, List, Mapping, Optional, Tuple, Union, cast

from asynctb._code.with_blocks import position_at
from asynctb._model import ContextInfo, FrameInfo, Position, Traceback
from asynctb._objects import address_of, describe_error, exact_str, filename_of, funcname_of
from asynctb._output.fields import LONGEST_TEXT as LONGEST_TEXT, clip as clip, context_fields, error_text, object_fields

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
        #: The shapes that are known, by what `_add_key` says of their stacks, with the objects that it mentions.
        self._known: Dict[Tuple[object, ...], Tuple[int, List[object]]] = {}
        #: Whether a code object is the debugger's, and whether it ends what is shown of a stack.
        self._codes: Dict[int, Tuple[types.CodeType, bool, bool]] = {}

    def stack(self, traceback: Traceback, begun: Mapping[int, str] = _NOTHING) -> Tuple[int, List[Value]]:
        """Return the stack of an activity: the index of its shape, and the values that the shape refers to.

        :param begun: the other activities in which the stack goes on, by the identity of the frame where that begins.
        """
        self._begun = begun
        # What stands in a key says nothing of other activities.
        has_other = begun and any(id(info.frame) in begun for info in traceback.frames)
        key = None if has_other else self._key(traceback)
        found = self._known.get(key[0]) if key is not None else None
        if found is not None:
            index = found[0]
        else:
            self._frames_left = MAX_FRAMES
            self._values = []
            left = self._budget.left
            index, is_new = self._shapes.add(self._stack(traceback, 0))
            if not is_new:
                self._budget.take_back(left)
            if key is not None:
                self._known[key[0]] = index, key[1]
        self._budget.spend(len(self._values) * _VALUE_SIZE)
        return index, self._values

    # Most stacks have a shape that is known already. To find it by what it is made of takes a tenth of the time that
    # making it once more does. So what follows adds to a key all that a shape depends on, by identity where that is
    # enough, and to the values what making it would add, in the same order. What has limits is left to that.

    def _key(self, traceback: Traceback) -> Optional[Tuple[Tuple[object, ...], List[object]]]:
        """Return what is equal only for stacks of one shape, and the objects that must live as long as it is known.

        None means that only making the shape tells.
        """
        self._frames_left = MAX_FRAMES
        self._values = []
        parts: List[object] = []
        kept: List[object] = []
        return (tuple(parts), kept) if self._add_key(traceback, parts, kept, 0) else None

    def _add_key(self, traceback: Traceback, parts: List[object], kept: List[object], nesting: int) -> bool:
        infos = traceback.frames
        self._frames_left -= len(infos)
        if self._frames_left < 0:
            return False
        shown = []
        for info in infos:
            code = info.frame.f_code
            _, is_debugger, is_tracing = self._codes.get(id(code)) or self._look_at(code)
            if is_tracing:
                break
            if not is_debugger:
                shown.append((info, code))
        parts.append(len(shown))
        for info, code in reversed(shown):
            kept.append(code)
            frame_id = self._frame_id(info.frame)
            if frame_id is not None:
                self._value(frame_id)
            unknown = _clipped(info.contexts_unknown)
            parts += (id(code), info.lasti, info.hide, frame_id is None, unknown, len(info.contexts))
            for context in info.contexts:
                if not self._add_context_key(context, parts, kept, nesting):
                    return False
        self._add_object_key(traceback.leaf, parts, kept)
        parts.append(error_text(traceback.error) if traceback.error is not None else None)
        return True

    def _look_at(self, code: types.CodeType) -> Tuple[types.CodeType, bool, bool]:
        found = code, self._sources.is_debugger_file(filename_of(code)), self._sources.is_tracing(code)
        self._codes[id(code)] = found
        return found

    def _add_context_key(self, info: ContextInfo, parts: List[object], kept: List[object], nesting: int) -> bool:
        if info.exception is not None:
            return False
        block, inner, children = info.block, info.inner, info.children
        self._add_object_key(info.manager, parts, kept)
        kept.append(block)
        parts += (id(block), info.phase, _clipped(info.description), _clipped(info.unknown))
        if inner is None and not children:
            parts.append(None)
            return True
        if nesting >= MAX_NESTING or len(children) > MAX_CHILDREN:
            return False
        parts += (inner is None, len(children))
        if inner is not None and not self._add_key(inner, parts, kept, nesting + 1):
            return False
        for child in children:
            if type(child) is ContextInfo:
                parts.append(True)
                if not self._add_context_key(child, parts, kept, nesting + 1):
                    return False
            else:
                root = cast(Traceback, child).root
                if root is None:
                    return False
                self._add_object_key(root, parts, kept)
                activity = self._activity_of(root)
                if activity is not None:
                    self._value(activity)
                parts.append(activity is None)
        return True

    def _add_object_key(self, obj: Optional[object], parts: List[object], kept: List[object]) -> None:
        if obj is None:
            parts.append(None)
        else:
            kind = type(obj)
            kept.append(kind)
            parts.append(id(kind))
            self._value(address_of(obj))

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
        for info in reversed(self._sources.program_part(traceback.frames)):
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
        elif not self._sources.is_own(info.filename):
            frame["library"] = True
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


def _clipped(text: Optional[str]) -> Optional[str]:
    return None if text is None else clip(text)


def internal_error(error: BaseException) -> RequestError:
    """Return what a defect of the helper is answered with: what failed, and where in our own code."""
    place = ""
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        place = f" in {filename_of(code).strip('<>')}:{traceback.tb_lineno} ({exact_str(code.co_name)})"
        traceback = traceback.tb_next
    return RequestError("internal", f"the helper failed: {describe_error(error)}{place}")
