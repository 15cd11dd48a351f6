"""Thread pools: where the work of a future runs, and what an executor has to do."""

from __future__ import annotations

import sys
import types
from typing import Any, Callable, List, cast

import attrs

from .._customize import Target, Walk, customize, register_elaborate_context, register_root
from .._frames import local_variable
from .._model import ContextInfo
from .._objects import class_attribute, get_field, module_field, simple_type_name
from .._stacks import thread_frames

#: Code of the methods in which an item of work computes its `future`.
codes_of_work: List[types.CodeType] = []


def install(module: types.ModuleType) -> None:
    worker = module_field(module, "_worker")
    run = cast(types.FunctionType, class_attribute(module_field(module, "_WorkItem"), "run"))
    context = module_field(module, "WorkerContext")  # CPython 3.14
    for function in (worker, run, context and class_attribute(context, "run")):
        if function is not None:
            customize(cast(Callable[..., Any], function), skip_frame=True)
    codes_of_work.append(run.__code__)
    # The class is a local name here: importing it could import more of concurrent.futures than the program has.
    future = module_field(cast(types.ModuleType, module_field(module, "_base")), "Future")
    register_root(future)(work_of_future)
    register_elaborate_context(module_field(module, "ThreadPoolExecutor"))(_thread_pool)


def work_of_future(future: object) -> Target:
    """Return the frames in which a thread of a pool computes a `concurrent.futures.Future`; None if none does."""
    for ident in sys._current_frames():
        frames = thread_frames(ident)
        for index, frame in enumerate(frames):
            if any(frame.f_code is code for code in codes_of_work):
                item = local_variable(frame, "self")
                if item is not None and get_field(item, "future") is future:
                    return tuple(frames[index:])
    return None


def _thread_pool(context: ContextInfo, walk: Walk) -> ContextInfo:
    threads, queue = get_field(context.manager, "_threads"), get_field(context.manager, "_work_queue")
    parts = []
    if type(threads) is set:
        parts.append("1 thread" if len(threads) == 1 else f"{len(threads)} threads")
    c_module = sys.modules.get("_queue")  # PyPy has none
    if c_module is not None and type(queue) is module_field(c_module, "SimpleQueue"):
        parts.append(f"{queue.qsize()} waiting")
    name = simple_type_name(type(context.manager))
    return attrs.evolve(context, description=f"{name} with {', '.join(parts)}" if parts else None)
