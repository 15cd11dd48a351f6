"""asyncio: tasks, futures and what their stacks go on in, task groups, timeouts, locks; its own frames are hidden."""

from __future__ import annotations

import collections
import functools
import gc
import sys
import time
import types
from typing import Any, Callable, Optional, Sequence, Tuple, cast

import attrs

from ..._frames import local_variable
from ..._model import ContextInfo
from ..._objects import class_attribute, exact_str, get_field, module_field
from ..._snapshot.sets import copy_set
from ..._snapshot.source import Listing, call_if_found, leaf_codes, leaf_types
from ..._stacks.customize import (
    Target,
    Walk,
    customize,
    names,
    register_elaborate_context,
    register_root,
    register_unwrap_awaitable,
)
from ..._stacks.follow import NO_REFERENT, CallersUnknown, CannotFollow, Ended
from .._describing import aborted_text, describe_by, waiting_text
from .._hiding import hide_package
from .._known import nested_code
from ..threading.concurrent import (
    QUEUED_IN_LOOP,
    activity_finders,
    queued_in_loops,
    source_finders,
    source_of,
)
from .failures import failure_of, origin_of, raised_in_others
from .futures import FutureReader, Futures
from .holders import is_monotonic
from .waits import FIRST_CALLBACKS, concurrent_future, queued_in_loop, shielded_task, task_behind

_LOST = "the traceback of its exception does not lead to this task (any more)"


def install(module: types.ModuleType) -> None:
    for package in ("asyncio", "selectors", "uvloop"):
        hide_package(package)
    futures = Futures()
    for reader in (futures.c, futures.python):
        if reader is not None:
            register_root(reader.task)(_stack_of(futures, reader))
            names.register(reader.task, functools.partial(_name_of, reader))
    if futures.c is not None:
        iterator = _type_of_iterator(futures.c.future)
        register_unwrap_awaitable(iterator)(lambda awaited: _awaited(futures, awaited))
        leaf_types.add(id(iterator))
    if futures.python is not None:
        await_method = class_attribute(futures.python.future, "__await__")
        if type(await_method) is types.FunctionType:  # in CPython 3.6, its tasks are of the class that is written in C
            leaf_codes.add(id(await_method.__code__))
            customize(await_method, get_target=lambda frame, inner: _awaited_by_frame(futures, frame, inner))
    source_finders.append(lambda future: task_behind(futures, future))
    activity_finders.append(lambda future, listing: _activity_behind(futures, future, listing))
    threadsafe = module_field(sys.modules["asyncio.tasks"], "run_coroutine_threadsafe")
    base = module_field(sys.modules["asyncio.base_events"], "BaseEventLoop")
    run_forever, code = class_attribute(base, "run_forever"), nested_code(threadsafe, "callback")
    if type(run_forever) is types.FunctionType and code is not None:
        queued_in_loops[id(run_forever.__code__)] = functools.partial(queued_in_loop, code), QUEUED_IN_LOOP
    wait_for = module_field(sys.modules["asyncio.tasks"], "wait_for")
    if sys.version_info < (3, 12) and type(wait_for) is types.FunctionType:
        leaf_codes.add(id(wait_for.__code__))
        customize(wait_for, get_target=lambda frame, inner: _inside_wait_for(futures, frame, inner))
    for module_name, class_name, describe in (
        ("asyncio.locks", "Lock", _lock),
        ("asyncio.locks", "Condition", _condition),
        ("asyncio.locks", "Semaphore", _semaphore),
        ("asyncio.locks", "Barrier", _barrier),
        ("asyncio.timeouts", "Timeout", _timeout),
    ):
        cls = module_field(sys.modules[module_name], class_name) if module_name in sys.modules else None
        if cls is not None:
            register_elaborate_context(cls)(describe_by(describe))
    groups = sys.modules.get("asyncio.taskgroups")
    if groups is not None:
        register_elaborate_context(module_field(groups, "TaskGroup"))(_Groups(futures))


def _activity_behind(futures: Futures, future: object, listing: Listing) -> Tuple[str, ...]:
    task = task_behind(futures, future)
    return (listing.id_of(task, "task"),) if task is not None else ()


def _name_of(reader: FutureReader, task: object) -> Optional[str]:
    return exact_str(reader.name(task))


def _stack_of(futures: Futures, reader: FutureReader) -> Callable[[object], Target]:
    coroutine_of = reader.coroutine

    def target(task: object) -> Target:
        coroutine: Any = coroutine_of(task)
        # Nearly always, and so without asking for an exception.
        if type(coroutine) is types.CoroutineType and coroutine.cr_frame is not None:
            return cast(Target, coroutine)
        exception = failure_of(reader, task)
        if exception is None:
            state = call_if_found(reader.state, task)
            if state == "CANCELLED" or state == "FINISHED":
                raise Ended("the task has ended" + (", it was cancelled" if state == "CANCELLED" else ""))
            return cast(Target, coroutine)
        origin = origin_of(reader, task, exception, lambda: raised_in_others(futures, task, exception))
        return (CallersUnknown(_LOST),) if origin is None else origin

    return target


class _NoLoop:
    """As much of an event loop as a future needs that is only made for its type."""

    def get_debug(self) -> bool:
        return False


def _type_of_iterator(future: Callable[..., Any]) -> type:
    return type(future(loop=_NoLoop()).__await__())


def _awaited(futures: Futures, iterator: object) -> Target:
    # Modules/_asynciomodule.c: FutureIter_traverse() visits the future.
    for referent in gc.get_referents(iterator):
        if futures.reader_of_future(referent) is not None:
            return _source_of(futures, referent)
    raise CannotFollow(NO_REFERENT)


def _source_of(futures: Futures, future: object) -> Target:
    """Return what computes the result of *future*, or that itself."""
    callbacks = futures.callbacks_of(future, FIRST_CALLBACKS)
    if len(callbacks) < 2:  # none but the one that resumes who awaits it
        return future
    return _first(shielded_task(futures, callbacks), _beyond(futures, future, callbacks), future)


def _first(*targets: Target) -> Target:
    """Return the first of *targets* that there is. Not by ``or``, which asks an object whether it is true."""
    return next((target for target in targets if target is not None), None)


def _inside_wait_for(futures: Futures, frame: types.FrameType, inner: Optional[types.FrameType]) -> Target:
    """Return what `asyncio.wait_for` waits for, by a future of its own before CPython 3.12."""
    if inner is not None and inner.f_code is not _await_code(futures):
        return None
    future = local_variable(frame, "fut")
    if local_variable(frame, "waiter") is None or futures.reader_of_future(future) is None:
        return None
    return _source_of(futures, future)


def _await_code(futures: Futures) -> Optional[types.CodeType]:
    method = class_attribute(futures.python.future, "__await__") if futures.python is not None else None
    return method.__code__ if type(method) is types.FunctionType else None


def _awaited_by_frame(futures: Futures, frame: types.FrameType, inner: Optional[types.FrameType]) -> Target:
    future = next((ref for ref in gc.get_referents(frame) if futures.reader_of_future(ref) is not None), None)
    if future is None or futures.reader_of_task(future) is not None:  # the root hook would lead into the task
        return None
    return _source_of(futures, future)


def _beyond(futures: Futures, future: object, callbacks: Sequence[object]) -> Target:
    """Return what computes the result of *future*, such as frames of a thread of a pool (`asyncio.to_thread`, ...)."""
    source = concurrent_future(futures, future, callbacks)
    return None if source is None else source_of(source)


class _Groups:
    """The tasks of an `asyncio.TaskGroup`."""

    def __init__(self, futures: Futures) -> None:
        self._futures = futures

    def __call__(self, context: ContextInfo, walk: Walk) -> ContextInfo:
        tasks = copy_set(get_field(context.manager, "_tasks"))
        description = "1 task" if len(tasks) == 1 else f"{len(tasks)} tasks"
        description += aborted_text(get_field(context.manager, "_errors"))
        children = tuple([walk.child(task) for task in self._futures.in_order(tasks)])
        return attrs.evolve(context, description=description, children=children)


def _waiting(lock: object) -> str:
    waiters = get_field(lock, "_waiters")
    return waiting_text(len(waiters) if type(waiters) is collections.deque else 0)


def _lock(lock: object) -> str:
    return ("locked" if get_field(lock, "_locked") is True else "not locked") + _waiting(lock)


def _condition(condition: object) -> str:
    lock = get_field(condition, "_lock")
    return ("locked" if get_field(lock, "_locked") is True else "not locked") + _waiting(condition)


def _semaphore(semaphore: object) -> Optional[str]:
    value = get_field(semaphore, "_value")
    return f"value {value}{_waiting(semaphore)}" if type(value) is int else None


def _barrier(barrier: object) -> Optional[str]:
    count, parties = get_field(barrier, "_count"), get_field(barrier, "_parties")
    if type(count) is not int or type(parties) is not int:
        return None
    state = exact_str(get_field(get_field(barrier, "_state"), "_value_"))
    return f"{count} of {parties} waiting" if state == "filling" else state


def _timeout(timeout: object) -> Optional[str]:
    # Once it has fired, there is no handler to tell the loop by.
    if exact_str(get_field(get_field(timeout, "_state"), "_value_")) in ("expiring", "expired"):
        return "expired"
    when = get_field(timeout, "_when")
    if when is None:
        return "no deadline"
    handler = get_field(timeout, "_timeout_handler")
    loop = get_field(handler, "_loop") if handler is not None else None
    if (type(when) is not float and type(when) is not int) or not is_monotonic(loop):
        return None
    left = when - time.monotonic()
    return f"{left:.1f} s left" if left > 0 else "expired"
