"""trio: tasks, nurseries, cancel scopes, the threads that tasks wait for; its own frames are hidden."""

from __future__ import annotations

import collections
import math
import sys
import time
import types
from typing import Any, Callable, Iterator, List, Optional, Set, Tuple, cast

import attrs

from ..._frames import local_variable
from ..._model import ContextInfo
from ..._objects import class_attribute, exact_str, get_field, module_field
from ..._snapshot.sets import copy_set
from ..._stacks.customize import (
    Target,
    Walk,
    customize,
    names,
    register_elaborate_context,
    register_root,
    register_unwrap_context_manager,
)
from ..._stacks.follow import outward, thread_frames
from .._describing import aborted_text, describe_by, lock_text, waiting_text
from .._hiding import hide_package
from ..threading.concurrent import LoopRun, loop_runs, with_loop
from .runs import clock_offset, runners


def install(module: types.ModuleType) -> None:
    for package in ("trio", "outcome"):
        hide_package(package)
    run = sys.modules["trio._core._run"]
    register_root(module_field(run, "Task"))(_coroutine)
    names.register(module_field(run, "Task"), lambda task: exact_str(get_field(task, "name")))
    register_elaborate_context(module_field(run, "CancelScope"))(_cancel_scope)
    register_elaborate_context(module_field(run, "Nursery"))(_nursery)
    manager = module_field(run, "NurseryManager")
    register_unwrap_context_manager(manager)(lambda manager: get_field(manager, "_nursery"))
    for class_name, describe in (
        ("Lock", describe_lock),
        ("StrictFIFOLock", describe_lock),
        ("Condition", _condition),
        ("Semaphore", describe_semaphore),
        ("CapacityLimiter", describe_limiter),
    ):
        cls = module_field(module, class_name)
        if cls is not None:
            register_elaborate_context(cls)(describe_by(describe))
    function = module_field(run, "run")
    if type(function) is types.FunctionType:
        loop_runs[id(function.__code__)] = _main_task
    threads = sys.modules.get("trio._threads")
    run_sync = module_field(threads, "to_thread_run_sync") if threads is not None else None
    if threads is not None and run_sync is not None:
        _continue_in_thread(run_sync)
        _continue_in_task(threads, run_sync)


def _coroutine(task: object) -> Target:
    return cast(Target, get_field(task, "coro"))


def _main_task(frame: types.FrameType) -> Optional[LoopRun]:
    """Return the task until whose end *frame* of `trio.run` runs its loop."""
    task = get_field(local_variable(frame, "runner"), "main_task")
    coroutine = get_field(task, "coro")
    if type(coroutine) is not types.CoroutineType or coroutine.cr_frame is None:
        return None
    return LoopRun(task, coroutine)


def _nursery(context: ContextInfo, walk: Walk) -> ContextInfo:
    tasks = nursery_children(context.manager)
    description = "open_nursery(), " + ("1 task" if len(tasks) == 1 else f"{len(tasks)} tasks")
    description += aborted_text(get_field(context.manager, "_pending_excs"))
    return attrs.evolve(context, description=description, children=tuple([walk.child(task) for task in tasks]))


def nursery_children(nursery: object) -> List[object]:
    """Return the tasks of a `trio.Nursery`, oldest first."""
    tasks = copy_set(get_field(nursery, "_children"))
    tasks.sort(key=_number)
    return tasks


def _number(task: object) -> int:
    number = get_field(task, "_counter")
    return number if type(number) is int else -1


def _cancel_scope(context: ContextInfo, walk: Walk) -> ContextInfo:
    scope = context.manager
    parts: List[str] = []
    if get_field(scope, "_cancel_called") is True:
        parts.append("cancelled")
    else:
        left = _seconds_left(scope)
        if left is not None:
            parts.append(f"{left:.1f} s left" if left > 0 else "expired")
    if get_field(scope, "_shield") is True:
        parts.append("shielded")
    return attrs.evolve(context, description=", ".join(parts) or None)


def _seconds_left(scope: object) -> Optional[float]:
    deadline = get_field(scope, "_deadline")
    offset = clock_offset()
    if (type(deadline) is not float and type(deadline) is not int) or not math.isfinite(deadline) or offset is None:
        return None
    return float(deadline - (time.perf_counter() + offset))


def _parked(lock: object) -> int:
    """Return how many tasks wait in the parking lot of *lock*."""
    parked = get_field(get_field(lock, "_lot"), "_parked")
    return len(parked) if type(parked) is dict or type(parked) is collections.OrderedDict else 0


def describe_lock(lock: object, waiting: Optional[int] = None) -> Optional[str]:
    """Describe a `trio.Lock`: who has it, and how many wait (*waiting*, for something else with this lock)."""
    owner = get_field(lock, "_owner", lock)
    name = get_field(owner, "name")
    if owner is not None and type(name) is not str:
        return None
    return lock_text(name) + waiting_text(_parked(lock) if waiting is None else waiting)


def _condition(condition: object) -> Optional[str]:
    return describe_lock(get_field(condition, "_lock"), _parked(condition))


def describe_semaphore(semaphore: object) -> Optional[str]:
    """Describe a `trio.Semaphore`: its value, and how many wait."""
    value = get_field(semaphore, "_value")
    return f"value {value}{waiting_text(_parked(semaphore))}" if type(value) is int else None


def describe_limiter(limiter: object) -> Optional[str]:
    """Describe a `trio.CapacityLimiter`: how many of its tokens are borrowed, and how many wait for one."""
    return limiter_text(limiter, _parked(limiter))


def limiter_text(limiter: object, waiting: int) -> Optional[str]:
    """Describe a limiter of trio or anyio that *waiting* tasks wait for."""
    borrowers, total = get_field(limiter, "_borrowers"), get_field(limiter, "_total_tokens")
    if type(borrowers) is not set:
        return None
    count = len(borrowers)
    of_all = f" of {total}" if type(total) is int else ""  # there may be no limit
    return f"{count}{of_all} token{'s' if of_all or count != 1 else ''} borrowed{waiting_text(waiting)}"


def workers_of(run_sync: Callable[..., object]) -> Tuple[types.FunctionType, Set[int]]:
    """Return the function `trio.to_thread.run_sync`, and the addresses of the code of those inside it."""
    plain = cast(types.FunctionType, vars(run_sync).get("__wrapped__", run_sync))
    return plain, {id(code) for code in plain.__code__.co_consts if type(code) is types.CodeType}


def _continue_in_thread(run_sync: Callable[..., object]) -> None:
    """Let the stack of a task that waits for `trio.to_thread.run_sync` go on in that thread."""
    plain, workers = workers_of(run_sync)

    def worker_frames(frame: types.FrameType, inner: Optional[types.FrameType]) -> Target:
        register = local_variable(frame, "task_register")
        if register is None:
            return None
        for ident in sys._current_frames():
            frames = thread_frames(ident)
            for index, candidate in enumerate(frames):
                if id(candidate.f_code) in workers and local_variable(candidate, "task_register") is register:
                    return with_loop(frames, index)
        return None

    customize(plain, get_target=worker_frames)


def _continue_in_task(threads: types.ModuleType, run_sync: Callable[..., object]) -> None:
    """Let the stack of a thread that waits for `trio.from_thread.run` go on in the task that runs the function."""
    _, workers = workers_of(run_sync)
    run, run_sync_ = module_field(threads, "Run"), module_field(threads, "RunSync")
    methods = [class_attribute(run, name) for name in ("run", "run_system")]
    codes = tuple([method.__code__ for method in methods if type(method) is types.FunctionType])
    call = class_attribute(run_sync_, "run_sync") if run_sync_ is not None else None
    code_of_call = call.__code__ if type(call) is types.FunctionType else None

    def coroutine(frame: types.FrameType, inner: Optional[types.FrameType]) -> Target:
        message = local_variable(frame, "message_to_trio")
        if message is None or (type(message) is not run and type(message) is not run_sync_):
            return None
        for ident in sys._current_frames():
            frames = thread_frames(ident)
            for index, candidate in enumerate(frames):
                code = candidate.f_code
                may_be = code is code_of_call or any(code is each for each in codes)
                if may_be and local_variable(candidate, "self") is message:
                    return tuple(frames[index:])  # it runs at the moment
        for task in tasks_for_thread(frame, workers):
            found = coroutine_inside(get_field(task, "coro"), codes, "self", message)
            if found is not None:
                return found
        return None

    send = module_field(threads, "_send_message_to_trio")
    if type(send) is types.FunctionType:
        customize(send, get_target=coroutine)


def tasks_for_thread(frame: types.FrameType, workers: Set[int]) -> Iterator[object]:
    """Yield the tasks that may run something for the thread of *frame*: the one that waits for it, system tasks."""
    for caller in outward(frame):
        if id(caller.f_code) in workers:
            register = local_variable(caller, "task_register")
            if type(register) is list:
                yield from register
    for runner in runners():
        yield from nursery_children(get_field(runner, "system_nursery"))


def coroutine_inside(
    coroutine: object, codes: Tuple[types.CodeType, ...], name: str, value: object
) -> Optional[types.CoroutineType[Any, Any, Any]]:
    """Return *coroutine*, or the first it awaits, that executes one of *codes* with *value* in the variable *name*."""
    while type(coroutine) is types.CoroutineType:
        frame = coroutine.cr_frame
        if frame is not None and any(frame.f_code is code for code in codes) and local_variable(frame, name) is value:
            return coroutine
        coroutine = coroutine.cr_await
    return None
