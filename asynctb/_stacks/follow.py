"""Which frames a stack consists of: follows awaits, threads and redirections, without looking into the frames.

Everything here is a loop, so that no depth of the inspected program can exhaust our own stack.
"""

from __future__ import annotations

import gc
import sys
import types
import weakref
from typing import Container, Dict, Iterable, List, Optional, Set, Tuple, cast

from .._objects import (
    class_attribute,
    describe,
    describe_error,
    funcname_of,
    get_field,
    instance_dict,
    is_noted,
    module_of_frame,
    note_type,
    simple_type_name,
    type_name,
)
from .customize import Target, awaitables, handling_by_code, roots, stack_finders
from .registries import is_own

_PACKAGE = __name__.rpartition("._stacks.")[0] + "."
#: How often to look again when a stack changes while it is read.
_ATTEMPTS = 20
#: How many objects may be unwrapped on the way, in case that a hook makes new ones for ever.
_MAX_UNWRAPPED = 1_000_000
_DUCK_ATTRIBUTES: Tuple[Tuple[str, str, str], ...] = (
    ("cr_frame", "cr_running", "cr_await"),
    ("gi_frame", "gi_running", "gi_yieldfrom"),
    ("ag_frame", "ag_running", "ag_await"),
)
#: Types of awaitables, and the type of what they are made for.
_FOREIGN = {
    "coroutine_wrapper": "coroutine",
    "async_generator_asend": "async_generator",
    "async_generator_athrow": "async_generator",
}
_IN_COMPILED_CODE = "the callers cannot be told, because another thread is running them in compiled code"
_SWITCHED_OUT = "the callers cannot be told, because they are in a greenlet that is switched out"
#: Whether the callers of a frame in a greenlet that is switched out lead round to the frame.
_LEADS_ROUND = sys.implementation.name == "pypy"
#: Of an awaitable that always refers to what it is made for.
NO_REFERENT = "the garbage collector does not tell what it refers to"
_NOTHING_TELLS = "nothing tells what it awaits"
#: Iterators that a generator can go through by ``yield from``, and behind which there is no stack.
_ITERABLES: Tuple[Iterable[object], ...] = ((), [], {}, {}.items(), {}.values(), set(), range(0), range(1 << 70))
_ITERABLES += ("", "\u20ac", b"", bytearray())
# From CPython 3.15 on, the iterables themselves stand there: an index is kept beside them instead of an iterator.
_PLAIN_ITERATORS = frozenset(id(type(each)) for each in (*_ITERABLES, *map(iter, _ITERABLES)))
_KINDS = {
    id(types.CoroutineType): "coroutine",
    id(types.GeneratorType): "generator",
    id(types.AsyncGeneratorType): "async generator",
}
_NO_FRAME = "the frame is not running, and nothing tells what it would call"

#: A frame and the coroutine, generator or async generator (of exactly these types) that it belongs to, if known; or
#: the entry of a traceback that refers to it.
RawFrame = Tuple[types.FrameType, Optional[object]]
#: Frames, outermost first; the indices of those that are usually not of interest; the leaf; what cut the stack short.
RawStack = Tuple[List[RawFrame], Container[int], Optional[object], Optional[Exception]]


#: Types none of whose objects is a coroutine of another implementation, or has one behind it, such as that of asyncio's
#: futures, which most stacks end with.
_leaf_kinds: Dict[int, weakref.ref[type]] = {}


class CallersUnknown(RuntimeError):
    """The callers of a frame cannot be told. In a tuple of frames that a hook returns, it stands for them."""


class CannotFollow(RuntimeError):
    """What stands behind an awaitable cannot be told, and why. For hooks to raise: it is no failure of theirs."""


class Ended(RuntimeError):
    """There is no stack any more, or none yet. For hooks to raise: it is no failure of theirs."""


class Unsupported(TypeError):
    """The object that a stack was asked for is of no kind that has one."""


def own_frame(frame: Optional[types.FrameType]) -> bool:
    """Return whether *frame* belongs to the extraction itself."""
    if frame is None:
        return False
    return (module_of_frame(frame) or "").startswith(_PACKAGE)


def caller_of(frame: types.FrameType) -> Optional[types.FrameType]:
    """Return the frame that called *frame*, or None at the end.

    :raises SystemError: on PyPy ("InvalidVirtualRef"), while another thread runs *frame* in code of its JIT compiler.
    """
    return frame.f_back


def calling_frame() -> Optional[types.FrameType]:
    """Return the innermost frame of this thread that is not ours."""
    frame: Optional[types.FrameType] = sys._getframe(1)
    while frame is not None and own_frame(frame):
        frame = frame.f_back
    return frame


def outward(
    frame: Optional[types.FrameType],
    last: Optional[types.FrameType] = None,
    problems: Optional[List[CallersUnknown]] = None,
) -> List[types.FrameType]:
    """Return *frame*, its caller, and so on; up to and including *last*, if it is among them.

    :param problems: gets why there are not all of them, if that is so.
    """
    frames: List[types.FrameType] = []
    seen: Set[int] = set()
    while frame is not None:
        if _LEADS_ROUND:
            if id(frame) in seen:
                del frames[1:]  # nothing tells which of them is the outermost
                if problems is not None:
                    problems[:] = [CallersUnknown(_SWITCHED_OUT)]
                break
            seen.add(id(frame))
        frames.append(frame)
        if frame is last:
            break
        try:
            frame = caller_of(frame)
        except SystemError:
            if problems is not None:
                problems[:] = [CallersUnknown(_IN_COMPILED_CODE)]
            break
    return frames


def this_thread() -> Optional[int]:
    """Return the number of this thread, as `sys._current_frames` has it."""
    # Not threading.get_ident, which gevent replaces by one that tells greenlets apart.
    # By address: a variable that refers to its own frame makes a circle, which keeps the frames of our callers alive.
    idents = {id(frame): ident for ident, frame in sys._current_frames().items()}
    return idents.get(id(sys._getframe()))


def innermost_frame(thread_ident: int) -> Optional[types.FrameType]:
    """Return the frame that a thread is executing (if it is this thread: outside of asynctb), or None."""
    own = id(sys._getframe())
    found = sys._current_frames().get(thread_ident)
    if id(found) != own:
        return found
    del found  # see `this_thread`
    return calling_frame()


def thread_frames(thread_ident: int, problems: Optional[List[CallersUnknown]] = None) -> List[types.FrameType]:
    """Return the frames of a running thread, outermost first; none if there is no such thread.

    :param problems: gets why there are not all of them, if that is so.
    """
    cut: List[CallersUnknown] = []
    frames: List[types.FrameType] = []
    for _ in range(_ATTEMPTS):
        cut.clear()
        found = outward(innermost_frame(thread_ident), None, cut)
        # A generator that was suspended while its thread was walked has no caller any more: the chain breaks off.
        # Two walks that begin at the same outermost frame have not met one.
        settled = not found or (frames and found[-1] is frames[-1])
        frames = found
        if settled:
            break
    if problems is not None:
        problems += cut
    return frames[::-1]


def cannot_tell_running(error: Exception) -> Exception:
    """Return what to report when an audit hook has raised *error* where the interpreter was asked for its frames."""
    return RuntimeError(f"the interpreter does not tell what is running: {describe_error(error)}")


def running_frames(
    frame: types.FrameType, failures: Optional[List[Exception]] = None, *, hooks: bool = True
) -> Optional[List[types.FrameType]]:
    """Return *frame* and what it calls, innermost last, or None if it runs in no thread and no known greenlet.

    :param failures: gets what went wrong in hooks.
    :param hooks: whether those of others than asynctb itself are asked, too.
    """
    others: List[types.FrameType] = []
    try:
        frames = outward(calling_frame(), frame)
        if frames and frames[-1] is frame:
            return frames[::-1]
        own_ident = this_thread()
        # A variable of this function that refers to its own frame would keep alive all that our callers refer to.
        others = [innermost for ident, innermost in sys._current_frames().items() if ident != own_ident]
    except RecursionError:
        raise
    except Exception as error:
        if failures is not None:
            failures.append(cannot_tell_running(error))
    for innermost in others:
        frames = outward(innermost, frame)
        if frames[-1] is frame:
            return frames[::-1]
    for find in tuple(stack_finders):
        if not hooks and not is_own(find):
            continue
        try:
            found = find(frame)
            if found is not None and type(found) is not types.FrameType and not _are_frames(found):
                raise TypeError(f"it returned {describe(found)}")
        except RecursionError:
            raise
        except Exception as error:
            if failures is not None:
                failures.append(RuntimeError(f"a hook that finds stacks failed: {describe_error(error)}"))
            continue
        frames = outward(found, frame)[::-1] if type(found) is types.FrameType else list(found or ())
        for index, candidate in enumerate(frames):
            if candidate is frame:
                return frames[index:]
    return None


def _are_frames(found: object) -> bool:
    return type(found) is tuple and all(type(item) is types.FrameType for item in found)


def follow(root: Target, *, hooks: bool = True) -> RawStack:
    """Return the stack that begins at *root*.

    :param hooks: whether hooks may change it. Without, it is what asynctb itself knows about tasks and awaitables.
    :raises Unsupported: if nothing of the type of *root* has a stack.
    :raises RecursionError: if the caller is near the limit.

    Whatever else goes wrong is in the result.
    """
    frames: List[RawFrame] = []
    redirected: Set[int] = set()
    target: Target = root
    #: What cut the stack short, and the first failure of a hook that should have redirected it.
    error: Optional[Exception] = None
    failure: Optional[Exception] = None
    while True:
        leaf, end_error = _follow_to_end(target, frames, strict=target is root and not redirected, hooks=hooks)
        error = error or end_error
        if not hooks:
            return frames, (), leaf, error
        for frame, _ in frames:
            if id(frame.f_code) in handling_by_code:
                break
        else:
            return frames, (), leaf, failure or error
        # What the frames of a traceback do now (some may still run) is not what they did then.
        special = [
            index
            for index, (frame, owner) in enumerate(frames)
            if id(frame.f_code) in handling_by_code and type(owner) is not types.TracebackType
        ]
        for index in special:
            frame = frames[index][0]
            handling = handling_by_code[id(frame.f_code)]
            if handling.get_target is not None and id(frame) not in redirected:
                redirected.add(id(frame))
                inner = frames[index + 1][0] if index + 1 < len(frames) else None
                try:
                    target = handling.get_target(frame, inner)
                except RecursionError:
                    raise
                except Exception as exc:
                    target, failure = None, failure or _hook_error("get_target", funcname_of(handling.code), exc)
                if target is not None:
                    del frames[index + 1 :]
                    break
            if handling.skip_callees:
                del frames[index + 1 :]
                cut = error if type(error) is CallersUnknown else None
                return frames, hidden_frames(frames), None, failure or cut
        else:
            return frames, hidden_frames(frames), leaf, failure or error
        if type(error) is not CallersUnknown:
            error = None  # what cut the old callees short does not matter any more


def hidden_frames(frames: List[RawFrame]) -> Set[int]:
    """Return the indices of the frames that `customize` says are usually not of interest."""
    hidden = set()
    for index, (frame, _) in enumerate(frames):
        handling = handling_by_code.get(id(frame.f_code))
        if handling is not None and handling.skip_frame:
            hidden.add(index)
    return hidden


def _hook_error(hook: str, name: str, error: BaseException) -> Exception:
    # Not the error itself: its traceback and what it refers to would keep objects of the program alive.
    return RuntimeError(f"the {hook} hook for {name} failed: {describe_error(error)}")


def _follow_to_end(
    target: Target, frames: List[RawFrame], *, strict: bool, hooks: bool
) -> Tuple[Optional[object], Optional[Exception]]:
    """Append the frames of *target* and all that it awaits to *frames*, without redirections.

    Returns the leaf, and what cut the stack short.
    """
    # Whether it was asked for or comes from a hook, and whether it may be an object with a stack of its own.
    explicit = is_root = True
    attempts = 0
    find_root, find_awaitable = (roots.find, awaitables.find) if hooks else (roots.find_own, awaitables.find_own)
    # What was unwrapped, by identity, kept alive so that no identity is used twice.
    unwrapped: Dict[int, object] = {}
    while target is not None:
        kind = type(target)
        is_foreign = False
        # In the order of frequency. Each reads what is awaited before whether it runs: if it was resumed in another
        # thread between the two, it is found running.
        if kind is types.CoroutineType:
            awaited, running, frame = target.cr_await, target.cr_running, target.cr_frame  # type: ignore[attr-defined]
        elif kind is types.GeneratorType:
            awaited, running, frame = target.gi_yieldfrom, target.gi_running, target.gi_frame  # type: ignore[attr-defined]
        elif kind is types.AsyncGeneratorType:
            awaited, running, frame = target.ag_await, target.ag_running, target.ag_frame  # type: ignore[attr-defined]
            # ag_running tells that an asend() or the like is under way, which may itself be suspended at an await.
            running = running and awaited is None
        elif kind is types.FrameType:
            failures: List[Exception] = []
            inner = running_frames(cast(types.FrameType, target), failures, hooks=hooks)
            if inner is not None:
                frames.extend([(frame, None) for frame in inner])
                return None, None
            generator = getattr(target, "f_generator", None)  # CPython 3.14
            if generator is None:
                frames.append((cast(types.FrameType, target), None))
                return None, failures[0] if failures else RuntimeError(_NO_FRAME) if strict else None
            target = generator
            continue
        elif kind is tuple and explicit:
            target, error = _take_tuple(cast(Tuple[object, ...], target), frames)
            if error is not None:
                return None, error
            is_root = strict = False
            continue
        elif kind is types.TracebackType and explicit:
            entry = cast(Optional[types.TracebackType], target)
            while entry is not None:
                frames.append((entry.tb_frame, entry))
                entry = entry.tb_next
            return None, None
        else:
            if id(target) in unwrapped or len(unwrapped) == _MAX_UNWRAPPED:
                return target, RuntimeError("what is awaited leads round in a circle")
            unwrapped[id(target)] = target
            root_hook = find_root(kind) if is_root else None
            hook = root_hook or find_awaitable(kind)
            if hook is not None:
                try:
                    result = hook(target)
                except RecursionError:
                    raise
                except CannotFollow as exc:
                    return target, CannotFollow(*exc.args)
                except Ended as exc:
                    return None, Ended(*exc.args)
                except Exception as exc:
                    return target, _hook_error("unwrapping", type_name(kind), exc)
                if result is None:
                    return (None if root_hook is not None else target), None
                target, explicit, is_root, strict = result, True, root_hook is not None, False
                continue
            is_leaf = is_noted(_leaf_kinds, kind)
            duck = None if is_leaf else duck_typed(target)
            if duck is None:
                behind = None if is_leaf else _behind_foreign(target)
                if behind is not None:
                    target, is_root, strict = behind, False, False
                    continue
                if strict and class_attribute(kind, "__await__") is None:
                    raise Unsupported(f"{describe(target)} has no stack")
                # What a hook has led to is known, unless it is a mere step on the way: an iterator.
                is_known = explicit and not strict and class_attribute(kind, "__next__") is None
                is_end = is_known or id(kind) in _PLAIN_ITERATORS
                return target, None if is_end else CannotFollow(_NOTHING_TELLS)
            awaited, running, frame = duck
            is_foreign = True
        explicit = is_root = strict = False
        if frame is None:
            return None, None if frames else Ended(f"the {_KINDS.get(id(kind), 'awaitable')} has ended")
        # A frame reader may look into an owner, so it must be one whose layout is known.
        owner = None if is_foreign else target
        if running:
            failures = []
            inner = running_frames(frame, failures, hooks=hooks)
            if inner is not None:
                frames.append((frame, owner))
                frames.extend([(frame, None) for frame in inner[1:]])
                return None, None
            attempts += 1
            if attempts < _ATTEMPTS:  # it may have been suspended in the meantime
                unwrapped.pop(id(target), None)
                continue
            frames.append((frame, owner))
            if failures:
                return None, failures[0]
            if kind is types.AsyncGeneratorType:
                return None, None
            return None, RuntimeError("it is running, but in no thread or greenlet that could be found")
        frames.append((frame, owner))
        target = awaited
    return None, None


def _take_tuple(items: Tuple[object, ...], frames: List[RawFrame]) -> Tuple[Target, Optional[Exception]]:
    """Append the frames that *items* begins with, and return what to go on with, and what is wrong with *items*."""
    cut: Optional[CallersUnknown] = None
    for index, item in enumerate(items):
        if type(item) is types.FrameType:
            frames.append((item, None))
        elif type(item) is CallersUnknown:
            cut = item
        elif index == len(items) - 1:
            return item, None
        else:
            return None, RuntimeError(f"a hook returned {describe(item)} where only a frame may stand")
    return None, cut


def duck_typed(target: object) -> Optional[Tuple[Target, bool, Optional[types.FrameType]]]:
    """Return what a coroutine or generator of another implementation awaits, whether it runs, and its frame.

    Cython's coroutines have the attributes of the built-in ones, computed by C code. None if *target* is nothing
    like that.
    """
    for frame_name, running_name, awaited_name in _DUCK_ATTRIBUTES:
        frame = get_field(target, frame_name)
        if type(frame) is types.FrameType:
            return get_field(target, awaited_name), get_field(target, running_name) is True, frame
    return None


def is_foreign(awaitable: object) -> bool:
    """Return whether *awaitable* is, or is made for, a coroutine or generator of another implementation."""
    kind = type(awaitable)
    if is_noted(_leaf_kinds, kind):
        return False
    name = simple_type_name(kind)
    return name in _FOREIGN or name in _FOREIGN.values() or duck_typed(awaitable) is not None


def _behind_foreign(awaitable: object) -> Target:
    """Return the coroutine or asynchronous generator behind an awaitable of another implementation, or None.

    Cython calls its types like CPython's, in a module of its own (Cython/Utility/Coroutine.c and AsyncGen.c). Its
    asynchronous generators have no frame, so the stack goes on with what they await.
    """
    name = simple_type_name(type(awaitable))
    if name == "async_generator":
        return cast(Target, get_field(awaitable, "ag_await"))
    wanted = _FOREIGN.get(name)
    if wanted is None:
        _note_leaf_kind(awaitable)
        return None
    return next((ref for ref in gc.get_referents(awaitable) if simple_type_name(type(ref)) == wanted), None)


def _note_leaf_kind(awaitable: object) -> None:
    kind = type(awaitable)
    attributes = [class_attribute(kind, names[0]) for names in _DUCK_ATTRIBUTES]
    if instance_dict(awaitable) is None and all(attribute is None for attribute in attributes):
        note_type(_leaf_kinds, kind)
