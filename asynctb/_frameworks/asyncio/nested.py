"""Threads that run an event loop until a task is done: in that task goes on what has called the loop."""

from __future__ import annotations

import functools
import types
from typing import Any, Optional, Sequence

from ..._frames import local_variable
from ..._objects import class_attribute, module_field
from ..._snapshot.sets import imported
from ..._stacks.customize import Target, customize
from ..._stacks.follow import running_frames
from ..threading.concurrent import LoopRun, is_idle, loop_runs
from .futures import Futures


def install() -> None:
    """Register the functions of asyncio that do so."""
    for module, name, method, variable in (
        ("asyncio.base_events", "BaseEventLoop", "run_until_complete", "future"),
        ("asyncio.runners", "Runner", "run", "task"),  # uvloop's loop has no frames of its own
    ):
        found = imported(module)
        cls: Any = module_field(found, name) if found is not None else None
        run = class_attribute(cls, method) if cls is not None else None
        if type(run) is types.FunctionType:
            loop_runs[id(run.__code__)] = functools.partial(_run_in, variable)


def register_nested(code: types.CodeType, variable: str) -> None:
    """Register a function that runs an event loop, inside of one that runs, until the task in a variable is done.

    :param code: of the function; it must live as long as the process.
    """
    loop_runs[id(code)] = run = functools.partial(_run_in, variable)

    def target(frame: types.FrameType, inner: Optional[types.FrameType]) -> Target:
        found = run(frame)
        # While the loop runs something, that is what the thread does.
        return found.stack if found is not None and is_idle((running_frames(frame) or [])[1:]) else None

    customize(code, get_target=target)


def _run_in(variable: str, frame: types.FrameType) -> Optional[LoopRun]:
    task = local_variable(frame, variable)
    reader = Futures().reader_of_task(task)
    if reader is None or reader.state(task) != "PENDING":
        return None
    return LoopRun(task, reader.coroutine(task))


def nested_run(outermost: types.FrameType, frames: Sequence[types.FrameType]) -> Optional[object]:
    """Return the task until whose end a loop runs that has been called by *outermost*, or by what that has called.

    :param frames: of a thread, outermost first.
    """
    is_inside = False
    for frame in frames:
        is_inside = is_inside or frame is outermost
        find = loop_runs.get(id(frame.f_code)) if is_inside else None
        run = find(frame) if find is not None else None
        if run is not None:
            return run.task
    return None
