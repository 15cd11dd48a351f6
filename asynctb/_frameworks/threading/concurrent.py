"""concurrent.futures: where the result of a future comes from, and what an executor has to do."""

from __future__ import annotations

import sys
import types
from typing import Any, Callable, List, cast

import attrs

from ..._frames import local_variable
from ..._model import ContextInfo
from ..._objects import class_attribute, exact_str, get_field, module_field, simple_type_name
from ..._stacks.customize import Target, Walk, customize, register_elaborate_context, register_root
from ..._stacks.follow import thread_frames

#: Code of the methods in which an item of work computes its `future`.
codes_of_work: List[types.CodeType] = []
#: Each returns where the result of a `concurrent.futures.Future` that is not done comes from, or None.
source_finders: List[Callable[[object], Target]] = []


def install_futures(module: types.ModuleType) -> None:
    """Register what all executors have in common."""
    future = module_field(module, "Future")
    source_finders.append(_work_of)
    register_root(future)(source_of)
    for name in ("result", "exception"):
        method = class_attribute(future, name)
        if type(method) is types.FunctionType:
            customize(method, get_target=lambda frame, inner: source_of(local_variable(frame, "self")))


def install_pools(module: types.ModuleType) -> None:
    """Register the executor with threads, which is imported when it is used."""
    worker = module_field(module, "_worker")
    run = cast(types.FunctionType, class_attribute(module_field(module, "_WorkItem"), "run"))
    context = module_field(module, "WorkerContext")  # CPython 3.14
    for function in (worker, run, context and class_attribute(context, "run")):
        if function is not None:
            customize(cast(Callable[..., Any], function), skip_frame=True)
    codes_of_work.append(run.__code__)
    register_elaborate_context(module_field(module, "ThreadPoolExecutor"))(_thread_pool)


def source_of(future: object) -> Target:
    """Return what computes the result of a `concurrent.futures.Future`: frames or a coroutine; None if nothing does."""
    if exact_str(get_field(future, "_state")) not in ("PENDING", "RUNNING"):
        return None
    return next((found for found in [find(future) for find in source_finders] if found is not None), None)


def _work_of(future: object) -> Target:
    """Return the frames in which a thread of a pool computes *future*."""
    if exact_str(get_field(future, "_state")) != "RUNNING":
        return None
    for ident in sys._current_frames():
        frames = thread_frames(ident)
        for index, frame in enumerate(frames):
            is_known = any(frame.f_code is code for code in codes_of_work)
            if is_known or _may_be_work(frame.f_code):
                item = local_variable(frame, "self")
                is_item = item is not None and (is_known or simple_type_name(type(item)) == "_WorkItem")
                if is_item and get_field(item, "future") is future:
                    return tuple(frames[index:])
    return None


def _may_be_work(code: types.CodeType) -> bool:
    """Return whether *code* may be ``_WorkItem.run`` of an executor with a copy of the standard library's class."""
    return code.co_name == "run" and code.co_varnames[:1] == ("self",)


def _thread_pool(context: ContextInfo, walk: Walk) -> ContextInfo:
    threads, queue = get_field(context.manager, "_threads"), get_field(context.manager, "_work_queue")
    parts = []
    if type(threads) is set:
        parts.append("1 thread" if len(threads) == 1 else f"{len(threads)} threads")
    c_module = sys.modules.get("_queue")  # PyPy has none
    if get_field(context.manager, "_shutdown") is True:
        parts.append("shutting down")  # what is left in the queue then is not only work
    elif c_module is not None and type(queue) is module_field(c_module, "SimpleQueue"):
        parts.append(f"{queue.qsize()} waiting")
    name = simple_type_name(type(context.manager))
    return attrs.evolve(context, description=f"{name} with {', '.join(parts)}" if parts else None)
