"""What stands behind `Traceback.of`, `since` and `until`: frames with their contexts, elaborated by the hooks."""

from __future__ import annotations

import functools
import types
from typing import Any, Callable, Container, List, Optional, Tuple, TypeVar, Union, cast

import attrs

from .._frames import frame_reader
from .._model import ContextInfo, FrameInfo, Traceback, WithBlock
from .._objects import describe, describe_error, is_a, type_name
from .._quick import new_frame_info, new_traceback
from .._refusal import refusal
from .customize import (
    NO_ROOM,
    ElaborateFrame,
    Target,
    context_managers,
    elaborators,
    frame_elaborators,
    has_manager_hooks,
    refresh_glue,
)
from .follow import (
    CallersUnknown,
    RawFrame,
    Unsupported,
    calling_frame,
    cannot_tell_running,
    follow,
    hidden_frames,
    outward,
    running_frames,
)
from .registries import plain_manager_types

#: How many stacks and contexts may be nested in each other; each costs us about six frames of our own.
_MAX_NESTING = 50
#: How many contexts, and frames of stacks, one extraction has inside of context managers: shared managers can be met
#: again and again. It is ten times as many if the stacks of child tasks are asked for, too.
_MAX_INSIDE = 10_000
_MAX_UNWRAPS = 100
_NOTHING: Tuple[None, None] = (None, None)
_CONTAINS_ITSELF = "contains itself"
_NOT_RUNNING = "the frame that the stack should begin at is not running"
_NO_ROOM = "the recursion limit leaves no room to read the stack"
_NOT_RECORDED = "the traceback of an exception does not record context managers"


class Room:
    """What the stacks and contexts inside of context managers may still take; shared by all of one extraction."""

    __slots__ = ("left", "levels")

    def __init__(self, left: int, levels: int) -> None:
        self.left = left
        self.levels = levels


def _room(recurse_child_tasks: bool, levels: Optional[int] = None) -> Room:
    return Room(_MAX_INSIDE * 10 if recurse_child_tasks else _MAX_INSIDE, _MAX_NESTING if levels is None else levels)


class Walker:
    """One extraction with its options, at one level of nesting; it is what hooks get as a `Walk`.

    :param hooks: whether they may change what is found.
    :param room: None for that of an extraction that has not met a manager with hooks (yet).
    :param manager: what it is inside of, and *outer* the walker of the level around that.
    """

    __slots__ = ("hooks", "manager", "nesting", "outer", "recurse_child_tasks", "room", "with_contexts")

    def __init__(
        self,
        with_contexts: bool,
        recurse_child_tasks: bool,
        room: Optional[Room] = None,
        manager: object = None,
        outer: Optional[Walker] = None,
        hooks: bool = True,
    ) -> None:
        self.hooks = hooks
        self.with_contexts = with_contexts
        self.recurse_child_tasks = recurse_child_tasks
        self.room = room
        self.manager = manager
        self.outer = outer
        self.nesting: int = 0 if outer is None else outer.nesting + 1

    def stack(self, root: object) -> Traceback:
        problem = self.problem()
        return self.traceback(root, root) if problem is None else Traceback((), root, None, RuntimeError(problem))

    def child(self, task: object) -> Traceback:
        if self.recurse_child_tasks:
            return self.stack(task)
        # Those of managers in the stack itself are as many as the program has; further inside they can be met again.
        if self.room is not None and self.nesting > 1:
            self.room.left -= 1
        return Traceback((), task)

    def context(self, manager: object, *, is_async: bool = False, description: Optional[str] = None) -> ContextInfo:
        problem = self.problem()
        if problem is not None:
            return ContextInfo(manager, WithBlock(is_async), description=description, unknown=problem)
        if self.room is not None:
            self.room.left -= 1
        context = self.elaborate(ContextInfo(manager, WithBlock(is_async)))
        return context if description is None else attrs.evolve(context, description=description)

    def problem(self) -> Optional[str]:
        """Return why nothing more may be inside of this manager, or None."""
        room = self.room
        if room is None:
            return None
        if self.nesting > room.levels:
            return f"more than {room.levels} levels inside each other"
        return NO_ROOM if room.left <= 0 else None

    def is_inside(self, manager: object) -> bool:
        """Return whether this is somewhere inside of *manager*."""
        walker: Optional[Walker] = self
        while walker is not None:
            if walker.manager is manager:
                return True
            walker = walker.outer
        return False

    def traceback(self, root: Optional[object], target: Target) -> Traceback:
        """Return the stack of *target*; raises `Unsupported` only at the outermost level."""
        try:
            frames, hidden, leaf, error = follow(target, hooks=self.hooks)
            if self.room is not None and self.nesting:
                self.room.left -= max(1, len(frames))
            return new_traceback(self.frame_infos(frames, hidden), root, leaf, error)
        except Unsupported as unsupported:
            if self.nesting == 0:
                raise
            return Traceback((), root, None, unsupported.with_traceback(None))
        except RecursionError:  # the caller of the extraction is already near the limit
            return Traceback((), root, None, RuntimeError(_NO_ROOM))

    def frame_infos(self, frames: List[RawFrame], hidden: Container[int]) -> Tuple[FrameInfo, ...]:
        if frames and type(frames[-1][1]) is types.TracebackType:
            return self.frame_infos_at_exception(frames, hidden)
        infos = []
        if not self.with_contexts:
            for index, (frame, owner) in enumerate(frames):
                infos.append(new_frame_info(frame, frame.f_lasti, (), index in hidden, owner, None))
            if frame_elaborators and self.hooks:
                self.call_frame_hooks(infos)
            return tuple(infos)
        read_frame = frame_reader()
        with_hooks: List[int] = []
        plain_kind: Optional[type] = None  # the last type without hooks: managers of a kind tend to come together
        for index, ((frame, owner), (callee, _)) in enumerate(zip(frames, (*frames[1:], _NOTHING))):
            try:
                lasti, contexts, unknown = read_frame(frame, owner, callee)
            except RecursionError:
                raise
            except Exception as error:  # a defect of ours, which must not cost the rest of the stack
                lasti, contexts, unknown = frame.f_lasti, (), f"the frame reader failed: {describe_error(error)}"
            for context in contexts:
                kind = type(context.manager)
                if kind is plain_kind:
                    continue
                plain = plain_manager_types.get(id(kind))
                if (plain is None or plain() is not kind) and has_manager_hooks(kind):
                    with_hooks.append(index)
                    break
                plain_kind = kind
            infos.append(new_frame_info(frame, lasti, contexts, index in hidden, owner, unknown))
        if with_hooks and self.hooks:
            self.elaborate_contexts(infos, with_hooks)
        if frame_elaborators and self.hooks:
            self.call_frame_hooks(infos)
        return tuple(infos)

    def with_room(self) -> Walker:
        """Return a walker that limits what is inside of managers."""
        if self.room is not None:
            return self
        return Walker(self.with_contexts, self.recurse_child_tasks, _room(self.recurse_child_tasks))

    def call_frame_hooks(self, infos: List[FrameInfo]) -> None:
        """Have the frames *infos* completed by the hooks for their functions."""
        for index in range(len(infos) - 1, -1, -1):
            hook = frame_elaborators.get(id(infos[index].frame.f_code))
            if hook is not None:
                infos[index] = self.with_room().elaborate_frame(infos[index], hook)

    def elaborate_frame(self, info: FrameInfo, hook: ElaborateFrame) -> FrameInfo:
        """Return *info* as a hook for its function completes it."""
        try:
            result = hook(info, Walker(self.with_contexts, self.recurse_child_tasks, self.room, None, self))
            if result is None:
                return info
            _check_frame(result, info.frame)
            return attrs.evolve(
                info, hide=result.hide, contexts=result.contexts, contexts_unknown=result.contexts_unknown
            )
        except Exception as error:  # RecursionError included
            failure = f"the hook for {info.funcname} failed: {describe_error(error)}"
            known = "" if info.contexts_unknown is None else f"{info.contexts_unknown}; "
            return attrs.evolve(info, contexts_unknown=known + failure)

    def elaborate_contexts(self, infos: List[FrameInfo], indexes: List[int]) -> None:
        """Elaborate the contexts of some of the frames *infos*."""
        walker = self.with_room()
        for index in reversed(indexes):  # if the room does not suffice, the innermost frames are of the most interest
            info = infos[index]
            contexts = tuple([walker.elaborate(context) for context in info.contexts])
            infos[index] = new_frame_info(
                info.frame, info.lasti, contexts, info.hide, info.owner, info.contexts_unknown
            )

    def frame_infos_at_exception(self, frames: List[RawFrame], hidden: Container[int]) -> Tuple[FrameInfo, ...]:
        """Do the same for frames that end with those of a traceback, which tells where each was then."""
        unknown = _NOT_RECORDED if self.with_contexts else None
        infos: List[FrameInfo] = []
        for index in range(len(frames) - 1, -1, -1):
            frame, entry = frames[index]
            if type(entry) is not types.TracebackType:
                return self.frame_infos(frames[: index + 1], hidden) + tuple(infos[::-1])
            infos.append(FrameInfo(frame, entry.tb_lasti, (), index in hidden, None, unknown))
        return tuple(infos[::-1])

    def elaborate(self, context: ContextInfo) -> ContextInfo:
        """Return *context* as the hooks for the type of its manager complete it."""
        if context.manager is None:
            return context
        try:
            for _ in range(_MAX_UNWRAPS):
                unwrap = context_managers.find(type(context.manager))
                manager = None if unwrap is None else unwrap(context.manager)
                if manager is None or manager is context.manager:
                    break
                context = attrs.evolve(context, manager=manager)
            elaborate = elaborators.find(type(context.manager))
            if elaborate is None:
                return context
            if self.is_inside(context.manager):
                return attrs.evolve(context, unknown=_CONTAINS_ITSELF)
            inside = Walker(self.with_contexts, self.recurse_child_tasks, self.room, context.manager, self)
            result = elaborate(context, inside)
            if result is not None:
                _check(result)
            return context if result is None else _with_state_inside(result)
        except Exception as error:  # RecursionError included
            kind = type_name(type(context.manager))
            return attrs.evolve(context, unknown=f"looking into a {kind} failed: {describe_error(error)}")


def _with_state_inside(context: ContextInfo) -> ContextInfo:
    """Add the state of the only manager inside *context*, whose frames are all hidden: fail_after() by a cancel scope.

    Those frames are a library's, so that the program knows their manager by the function that it has called.
    """
    stack, description = context.inner, context.description
    if stack is None or description is None or not stack.frames or not all(info.hide for info in stack.frames):
        return context
    inside = [inner for info in stack.frames for inner in info.contexts]
    if len(inside) != 1 or inside[0].description is None:
        return context
    _, ends, state = inside[0].description.rpartition("), ")  # "fail_at(), 2.5 s left"
    if state == "" or (not ends and state.endswith(")")):
        return context
    return attrs.evolve(context, description=f"{description}, {state}")


def _has_description_only(result: Any) -> bool:
    return (
        type(result.block) is WithBlock
        and type(result.phase) is str
        and (result.description is None or type(result.description) is str)
        and result.inner is None
        and result.unknown is None
        and result.exception is None
        and type(result.children) is tuple
        and not result.children
    )


def _check(result: object) -> None:
    """Raise TypeError if *result*, which a hook returned, is not what it should be, down to what it consists of."""
    if type(result) is not ContextInfo:
        raise TypeError(f"the hook returned {describe(result)}")
    if _has_description_only(result):  # most are like that, and this is quicker than what follows
        return
    children = result.children if type(result.children) is tuple else (result.children,)
    parts: Tuple[Tuple[str, object, Tuple[type, ...]], ...] = (
        ("block", result.block, (WithBlock,)),
        ("phase", result.phase, (str,)),
        ("description", result.description, (str, type(None))),
        ("inner", result.inner, (Traceback, type(None))),
        ("unknown", result.unknown, (str, type(None))),
        *[("children", child, (ContextInfo, Traceback)) for child in children],
    )
    for name, value, kinds in parts:
        if not any(type(value) is kind for kind in kinds):
            raise TypeError(f"the hook returned {describe(value)} in {name}")
    if result.exception is not None and not is_a(result.exception, BaseException):
        raise TypeError(f"the hook returned {describe(result.exception)} in exception")


def _check_frame(result: object, frame: types.FrameType) -> None:
    """Raise TypeError if *result*, which a hook returned for *frame*, is not what it should be."""
    if type(result) is not FrameInfo:
        raise TypeError(f"the hook returned {describe(result)}")
    if result.frame is not frame:
        raise TypeError("the hook returned another frame")
    if type(result.hide) is not bool or type(result.contexts) is not tuple:
        raise TypeError("the hook returned a frame with something else than a bool in hide, or a tuple in contexts")
    if result.contexts_unknown is not None and type(result.contexts_unknown) is not str:
        raise TypeError(f"the hook returned {describe(result.contexts_unknown)} in contexts_unknown")
    for context in result.contexts:
        _check(context)


#: With the default options. A walker is never changed.
_DEFAULT = Walker(True, False)

_F = TypeVar("_F", bound=Callable[..., Traceback])


def _extraction(function: _F) -> _F:
    """Make a function begin with installing glue for what was imported since, and report too deep a recursion."""

    @functools.wraps(function)
    def wrapper(root: Optional[object], *args: Any, **options: Any) -> Traceback:
        reason = refusal()
        if reason is not None:
            return Traceback((), root, None, RuntimeError(reason))
        try:
            for refresh in refresh_glue:
                refresh()
            return function(root, *args, **options)
        except RecursionError:
            return Traceback((), root, None, RuntimeError(_NO_ROOM))

    return cast(_F, wrapper)


def extract(
    root: object,
    *,
    with_contexts: bool = True,
    recurse_child_tasks: bool = False,
    hooks: bool = True,
    levels: Optional[int] = None,
    refreshed: bool = False,
) -> Traceback:
    """Return the stack of *root*, see `Traceback.of`.

    :param levels: how many stacks and contexts may be nested in each other, if that is not as many as usual.
    :param refreshed: whether the glue has been installed for what was imported, by an extraction just before.
    """
    reason = refusal()
    if reason is not None:
        return Traceback((), root, None, RuntimeError(reason))
    try:
        if not refreshed:
            for refresh in refresh_glue:
                refresh()
        if root is None or type(root) is tuple:  # both mean something else when they come from a hook
            raise TypeError(f"{describe(root)} has no stack")
        walker = _DEFAULT
        if not with_contexts or recurse_child_tasks or not hooks or levels is not None:
            room = _room(recurse_child_tasks, levels)
            walker = Walker(with_contexts, recurse_child_tasks, room, hooks=hooks)
        return walker.traceback(root, root)
    except RecursionError:
        return Traceback((), root, None, RuntimeError(_NO_ROOM))


@_extraction
def extract_since(
    outer_frame: Optional[types.FrameType], *, with_contexts: bool = True, hooks: bool = True
) -> Traceback:
    """Return the frames from *outer_frame* to our caller, or to the end of its thread, see `Traceback.since`."""
    if outer_frame is not None and type(outer_frame) is not types.FrameType:
        raise TypeError(f"expected a frame or None, not {describe(outer_frame)}")
    failures: List[Exception] = []
    error: Optional[Exception] = None
    frames: Optional[List[types.FrameType]]
    if outer_frame is None:
        try:
            frames = outward(calling_frame())[::-1]
        except RecursionError:
            raise
        except Exception as failure:
            frames, error = [], cannot_tell_running(failure)
    else:
        frames = running_frames(outer_frame, failures, hooks=hooks)
        if frames is None:
            frames, error = [outer_frame], failures[0] if failures else RuntimeError(_NOT_RUNNING)
    result = Walker(with_contexts, False, hooks=hooks).traceback(None, tuple(frames))
    return result if error is None else attrs.evolve(result, error=error)


@_extraction
def extract_until(
    inner_frame: types.FrameType,
    limit: Union[int, types.FrameType, None] = None,
    *,
    with_contexts: bool = True,
    hooks: bool = True,
    levels: Optional[int] = None,
    goes_on: bool = False,
) -> Traceback:
    """Return the frames that led to *inner_frame*, see `Traceback.until` and, for *levels*, `extract`.

    :param goes_on: whether to add what hooks say that the stack goes on in.
    """
    if type(inner_frame) is not types.FrameType:
        raise TypeError(f"expected a frame, not {describe(inner_frame)}")
    if limit is not None and type(limit) is not int and type(limit) is not types.FrameType:
        raise TypeError(f"the limit must be a number of frames, a frame or None, not {describe(limit)}")
    problems: List[CallersUnknown] = []
    frames = outward(inner_frame, limit if type(limit) is types.FrameType else None, problems)
    if type(limit) is int:
        if limit < 0:
            raise ValueError(f"the limit must not be negative: {limit}")
        if limit < len(frames):
            problems.clear()
        del frames[limit + 1 :]
    elif limit is not None and frames[-1] is not limit and not problems:
        raise ValueError("the limit is not a caller of the inner frame")
    walker = Walker(with_contexts, False, _room(False, levels), hooks=hooks)
    if goes_on:
        return walker.traceback(None, (*problems, *frames[::-1]))
    raw: List[RawFrame] = [(frame, None) for frame in reversed(frames)]
    infos = walker.frame_infos(raw, hidden_frames(raw) if hooks else ())
    return Traceback(infos, error=problems[0] if problems else None)


@_extraction
def top_frame(root: object) -> Traceback:
    """Return the stack of *root* with its innermost frame alone (that is not hidden, if there is one), no contexts.

    For summaries of many activities: it costs little more than following the awaits.

    :raises TypeError: if *root* has no stack.
    """
    frames, hidden, leaf, error = follow(root)
    if not frames:
        return Traceback((), root, leaf, error)
    index = len(frames) - 1
    while index in hidden:
        index -= 1
    (info,) = Walker(False, False).frame_infos([frames[index]], (0,) if index < 0 else ())  # all are hidden: the last
    return new_traceback((info,), root, leaf, error)
