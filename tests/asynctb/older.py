"""What the tests use of later standard libraries, for CPython 3.6 and 3.7; `conftest` imports it there."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import types
from typing import Any, Coroutine

#: Tests that use what these interpreters lack, and what that is.
LACKING = {
    "test_equal_code_objects_have_their_own_positions": "code.replace() is new in CPython 3.8",
    "test_nothing_is_kept_alive": "code.replace() is new in CPython 3.8",
    "test_subinterpreters": "_xxsubinterpreters is new in CPython 3.8",
}
if sys.version_info < (3, 7):
    LACKING["test_under_settrace_at_every_instruction"] = "frame.f_trace_opcodes is new in CPython 3.7"
    LACKING["test_environment_variable"] = "attrs warns that this interpreter is old"


def run(main: Coroutine[Any, Any, Any], debug: bool = False) -> Any:
    """Run a coroutine as `asyncio.run` of CPython 3.7 does."""
    loop = asyncio.new_event_loop()
    try:
        asyncio.set_event_loop(loop)
        loop.set_debug(debug)
        return loop.run_until_complete(main)
    finally:
        left = asyncio.Task.all_tasks(loop)  # type: ignore[attr-defined, unused-ignore]
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, loop=loop, return_exceptions=True))  # type: ignore[call-overload]
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()


if sys.version_info < (3, 7):
    import async_exit_stack
    import async_generator

    asyncio.run = run
    asyncio.create_task = asyncio.ensure_future
    asyncio.get_running_loop = asyncio.get_event_loop
    asyncio.current_task = asyncio.Task.current_task
    asyncio.all_tasks = asyncio.Task.all_tasks
    contextlib.asynccontextmanager = async_generator.asynccontextmanager
    contextlib.AsyncExitStack = async_exit_stack.AsyncExitStack
    contextlib.nullcontext = contextlib.suppress
types.CellType = type((lambda cell: lambda: cell)(None).__closure__[0])  # type: ignore
signal.raise_signal = lambda number: os.kill(os.getpid(), number)
