"""anyio on both backends: task groups, cancel scopes, locks, worker threads; its own frames are hidden."""

from __future__ import annotations

import collections
import math
import time
import types
from typing import List, Optional, Tuple, cast

import attrs

from ..._model import ContextInfo
from ..._objects import class_attribute, exact_str, get_field, module_field
from ..._snapshot.sets import copy_set
from ..._snapshot.source import Listing
from ..._stacks.customize import (
    Target,
    Walk,
    customize,
    register_elaborate_context,
    register_unwrap_context_manager,
)
from .._describing import aborted_text, describe_by, lock_text, waiting_text
from .._hiding import hide_package
from .._known import nested_code
from ..asyncio.cancelling import requesters
from ..asyncio.futures import Futures, closure_of
from ..asyncio.holders import is_monotonic
from ..asyncio.links import parent_finders
from ..asyncio.waits import completions
from ..threading.concurrent import activity_finders, source_finders
from ..trio.hooks import (
    coroutine_inside,
    describe_limiter,
    describe_lock,
    describe_semaphore,
    limiter_text,
    nursery_children,
)
from .tasks import completion, worker_frames


def install(module: types.ModuleType) -> None:
    hide_package("anyio")


def install_locks(module: types.ModuleType) -> None:
    for class_name, describe in (
        ("Lock", _lock),
        ("Condition", _condition),
        ("Semaphore", _semaphore),
        ("CapacityLimiter", _limiter),
        ("ResourceGuard", _guard),
    ):
        cls = module_field(module, class_name)
        if cls is not None:
            register_elaborate_context(cls)(describe_by(describe))


def install_portals(module: types.ModuleType) -> None:
    """Register how threads call tasks."""
    call = class_attribute(module_field(module, "BlockingPortal"), "_call_func")
    callback = nested_code(call, "callback")
    if type(call) is types.FunctionType and callback is not None:
        code = call.__code__
        source_finders.append(lambda future: _call_of_portal(future, code, callback)[1])
        activity_finders.append(lambda future, listing: _task_of_portal(future, listing, code, callback))


def install_on_trio(module: types.ModuleType) -> None:
    group, scope = module_field(module, "TaskGroup"), module_field(module, "CancelScope")
    register_elaborate_context(group)(_trio_group)
    register_unwrap_context_manager(scope)(lambda scope: get_field(scope, "_CancelScope__original"))


def install_on_asyncio(module: types.ModuleType) -> None:
    requesters.append(lambda manager: _cancelled_by(module, manager))
    futures = Futures()
    group = module_field(module, "TaskGroup")
    register_elaborate_context(group)(lambda context, walk: _asyncio_group(futures, context, walk))
    register_elaborate_context(module_field(module, "CancelScope"))(_asyncio_scope)
    done = nested_code(class_attribute(group, "_spawn"), "task_done")
    if done is not None:
        parent_finders[id(done)] = _owner
    run_sync = class_attribute(module_field(module, "AsyncIOBackend"), "run_sync_in_worker_thread")
    function = run_sync.__func__ if isinstance(run_sync, classmethod) else None
    worker_run = class_attribute(module_field(module, "WorkerThread"), "run")
    if type(function) is types.FunctionType and type(worker_run) is types.FunctionType:
        run_code = worker_run.__code__
        customize(function, get_target=lambda frame, inner: worker_frames(frame, run_code))
        completions.append(completion(function.__code__, run_code))


def _task_of_portal(
    future: object, listing: Listing, code: types.CodeType, callback_code: types.CodeType
) -> Tuple[str, ...]:
    task, _ = _call_of_portal(future, code, callback_code)
    return () if task is None else (listing.id_of(task, "task"),)


def _call_of_portal(
    future: object, code: types.CodeType, callback_code: types.CodeType
) -> Tuple[Optional[object], Target]:
    """Return the task and the coroutine, of *code*, that a portal has made for *future*.

    It cancels itself if that is cancelled.
    """
    callbacks = get_field(future, "_done_callbacks")
    for callback in tuple(callbacks) if type(callbacks) is list else ():
        if type(callback) is types.FunctionType and callback.__code__ is callback_code:
            group = get_field(closure_of(callback).get("self"), "_task_group")
            for task in (*copy_set(get_field(group, "_tasks")), *nursery_children(get_field(group, "_nursery"))):
                call = coroutine_inside(_coroutine(task), (code,), "future", future)
                if call is not None:
                    return task, call
    return None, None


def _coroutine(task: object) -> object:
    futures = Futures()
    reader = futures.reader_of_task(task)
    return get_field(task, "coro") if reader is None else reader.coroutine(task)


def _owner(task_done: types.FunctionType) -> Optional[object]:
    """Return the task that has entered the task group whose child calls *task_done*."""
    scope = get_field(closure_of(task_done).get("self"), "cancel_scope")
    return cast(Optional[object], get_field(scope, "_host_task"))


def _count(tasks: List[object]) -> str:
    return "1 task" if len(tasks) == 1 else f"{len(tasks)} tasks"


def _asyncio_group(futures: Futures, context: ContextInfo, walk: Walk) -> ContextInfo:
    tasks = copy_set(get_field(context.manager, "_tasks"))
    children = tuple([walk.child(task) for task in futures.in_order(tasks)])
    description = _count(tasks) + aborted_text(get_field(context.manager, "_exceptions"))
    return attrs.evolve(context, description=description, children=children)


def _trio_group(context: ContextInfo, walk: Walk) -> ContextInfo:
    nursery = get_field(context.manager, "_nursery")
    tasks = nursery_children(nursery)
    description = _count(tasks) + aborted_text(get_field(nursery, "_pending_excs"))
    return attrs.evolve(context, description=description, children=tuple([walk.child(task) for task in tasks]))


def behind(obj: object, adapter_field: str, class_name: str) -> object:
    """Return what *obj* hands on to: trio's own object, or what an adapter has made once there was a backend."""
    made_later = get_field(obj, adapter_field)
    if made_later is not None:
        obj = made_later
    original = get_field(obj, f"_{class_name}__original")
    return obj if original is None else cast(object, original)


def _lock(lock: object) -> Optional[str]:
    lock = behind(lock, "_internal_lock", "Lock")
    waiters = get_field(lock, "_waiters")
    if type(waiters) is not collections.deque:
        return describe_lock(lock)
    return lock_text(_holder(lock)) + waiting_text(len(waiters))


def _holder(lock: object) -> Optional[str]:
    owner = get_field(lock, "_owner_task")
    return None if owner is None else Futures().name_of(owner)


def _condition(condition: object) -> Optional[str]:
    waiters = get_field(condition, "_waiters")
    lock = behind(get_field(condition, "_lock"), "_internal_lock", "Lock")
    if type(waiters) is not collections.deque:
        return None
    if type(get_field(lock, "_waiters")) is collections.deque:
        return lock_text(_holder(lock)) + waiting_text(len(waiters))
    return describe_lock(lock, len(waiters))


def _semaphore(semaphore: object) -> Optional[str]:
    semaphore = behind(semaphore, "_internal_semaphore", "Semaphore")
    waiters = get_field(semaphore, "_waiters")
    if type(waiters) is not collections.deque:
        return describe_semaphore(semaphore)
    value = get_field(semaphore, "_value")
    return f"value {value}{waiting_text(len(waiters))}" if type(value) is int else None


def _limiter(limiter: object) -> Optional[str]:
    limiter = behind(limiter, "_internal_limiter", "CapacityLimiter")
    waiters = get_field(limiter, "_wait_queue")
    if type(waiters) is not collections.OrderedDict:
        return describe_limiter(limiter)
    return limiter_text(limiter, len(waiters))


def _guard(guard: object) -> Optional[str]:
    action = exact_str(get_field(guard, "action"))
    return None if action is None else f"ResourceGuard({action!r})"


def _asyncio_scope(context: ContextInfo, walk: Walk) -> ContextInfo:
    scope = context.manager
    deadline = get_field(scope, "_deadline")
    handle = get_field(scope, "_timeout_handle")
    parts: List[str] = []
    if get_field(scope, "_cancel_called") is True:
        parts.append("cancelled")
    elif type(deadline) is float and math.isfinite(deadline) and is_monotonic(get_field(handle, "_loop")):
        left = deadline - time.monotonic()
        parts.append(f"{left:.1f} s left" if left > 0 else "expired")
    if get_field(scope, "_shield") is True:
        parts.append("shielded")
    return attrs.evolve(context, description=", ".join(parts) or None)


def _cancelled_by(module: types.ModuleType, manager: object) -> Optional[str]:
    """Return that a cancel scope, or a task group, which has one, is what has cancelled a task; or None."""
    group, scope = module_field(module, "TaskGroup"), module_field(module, "CancelScope")
    if type(manager) is group and get_field(get_field(manager, "cancel_scope"), "_cancel_called") is True:
        return "a task group"
    return "a cancel scope" if type(manager) is scope and get_field(manager, "_cancel_called") is True else None
