"""asgiref: what a thread in `async_to_sync` waits for, and does for that meanwhile; its own frames are hidden.

Other threads for `sync_to_async` are those of executors, which the glue for asyncio follows.
"""

from __future__ import annotations

import collections
import sys
import types
from typing import List, Optional

from .._frames import local_variable
from .._objects import class_attribute, get_field, is_a, module_field
from .._stacks.customize import Target, customize
from .._stacks.follow import follow
from ._hiding import hide_package
from ._room import Room
from .threading.concurrent import codes_of_work, queued_in_loops

_QUEUED = "work queued for a thread"


def _install(module: types.ModuleType) -> None:
    hide_package("asgiref")
    executors = sys.modules.get("asgiref.current_thread_executor")
    if executors is None:
        return
    call = class_attribute(module_field(module, "AsyncToSync"), "__call__")
    run_until = class_attribute(module_field(executors, "CurrentThreadExecutor"), "run_until_future")
    run = class_attribute(module_field(executors, "_WorkItem"), "run")
    if type(run) is types.FunctionType:
        codes_of_work.append(run.__code__)
    if type(run_until) is types.FunctionType:
        queued_in_loops[id(run_until.__code__)] = _queued, _QUEUED
    if type(call) is types.FunctionType and type(run_until) is types.FunctionType:
        code = run_until.__code__
        if "work_item" in code.co_varnames:
            customize(call, get_target=lambda frame, inner: _awaited(frame, inner, code))


def _queued(frame: types.FrameType) -> List[object]:
    """Return the futures of the work that waits for the thread that *frame* of `run_until_future` runs in."""
    executor = local_variable(frame, "self")
    items = get_field(executor, "_work_items")
    if items is None:  # older versions
        items = get_field(get_field(executor, "_work_queue"), "queue")
    return [get_field(item, "future") for item in (items.copy() if type(items) is collections.deque else ())]


def _awaited(frame: types.FrameType, inner: Optional[types.FrameType], run_until: types.CodeType) -> Target:
    """Return the coroutine that *frame* waits for, if nothing that its thread does meanwhile is left out by that."""
    if inner is None or inner.f_code is not run_until:
        return None
    awaitable = local_variable(frame, "awaitable")
    if not is_a(awaitable, types.CoroutineType):
        return None
    work = local_variable(inner, "work_item")
    if work is None:
        return awaitable
    for called, _ in follow(awaitable)[0]:
        if any(called.f_code is code for code in codes_of_work) and local_variable(called, "self") is work:
            return awaitable
    return None


ROOM = Room({"asgiref.sync": _install})
