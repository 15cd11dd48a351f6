"""asgiref: what a thread in `async_to_sync` waits for, and what `sync_to_async` runs there; its own frames are hidden.

Other threads for `sync_to_async` are those of executors, which the glue for asyncio follows.
"""

from __future__ import annotations

import sys
import types
from typing import Optional

from .._customize import Target, customize
from .._frames import local_variable
from .._objects import class_attribute, is_a, module_field
from ._hiding import hide_package
from .concurrent import codes_of_work


def install(module: types.ModuleType) -> None:
    hide_package("asgiref")
    executors = sys.modules.get("asgiref.current_thread_executor")
    if executors is None:
        return
    call = class_attribute(module_field(module, "AsyncToSync"), "__call__")
    run_until = class_attribute(module_field(executors, "CurrentThreadExecutor"), "run_until_future")
    run = class_attribute(module_field(executors, "_WorkItem"), "run")
    if type(run) is types.FunctionType:
        codes_of_work.append(run.__code__)
    if type(call) is types.FunctionType and type(run_until) is types.FunctionType:
        code = run_until.__code__
        if "work_item" in code.co_varnames:
            customize(call, get_target=lambda frame, inner: _awaited(frame, inner, code))


def _awaited(frame: types.FrameType, inner: Optional[types.FrameType], run_until: types.CodeType) -> Target:
    """Return the coroutine that *frame* waits for, unless its thread is doing work for that meanwhile."""
    if inner is None or inner.f_code is not run_until or local_variable(inner, "work_item") is not None:
        return None
    awaitable = local_variable(frame, "awaitable")
    return awaitable if is_a(awaitable, types.CoroutineType) else None
