"""Makes threads stop whose event loops are idle.

The debugger stops a thread when it next executes Python code; with ``justMyCode``, only when that is the user's. A loop
that waits for the system in ``select()`` does neither, so that pausing an idle program would show no effect until
something happens to it.
"""

from __future__ import annotations

import itertools
import sys
import types
from typing import Callable, Iterator, List, cast

from asynctb._objects import class_attribute, exact_str, get_field, instance_dict, type_name

from . import _pydevd
from ._threads import code_of, library_local, thread_stacks

#: What `asyncio.BaseEventLoop.call_soon_threadsafe` calls on the loop (base_events.py and its subclasses).
_METHODS = ("call_soon_threadsafe", "_check_closed", "_check_callback", "_call_soon", "_write_to_self", "get_debug")


def wake_loops(py_db: _pydevd.Debugger) -> None:
    """Have every loop of asyncio, uvloop and trio that runs in a thread call `_suspend_here`.

    Runs no code of the program. A thread that executes Python code that the debugger stops at has stopped before, and
    then nothing happens.
    """
    for wake in _wakers():
        try:
            wake(_suspend_here, py_db)
        except Exception:  # the loop has just been closed
            continue


def _suspend_loop_thread(py_db: _pydevd.Debugger) -> None:
    try:
        _pydevd.suspend_this_thread(py_db, sys._getframe(1))
    except Exception:  # the loop would end, or report it as an error of the program's
        return


#: Under a file name that the debugger ignores: nobody shall step into this function.
_suspend_here = types.FunctionType(
    _suspend_loop_thread.__code__.replace(co_filename=_pydevd.IGNORED_FILE), globals(), "asynctb_pause"
)


def _wakers() -> List[Callable[..., object]]:
    run_forever = code_of("asyncio.base_events", "BaseEventLoop", "run_forever")
    run = code_of("asyncio.runners", "Runner", "run")
    # While trio waits, its generator `unrolled_run` is suspended, and only what drives that is on the stack.
    trio_run = code_of("trio._core._run", None, "run")
    found: List[Callable[..., object]] = []
    for frame in itertools.chain.from_iterable(thread_stacks()):
        code = frame.f_code
        if code is run_forever:
            found += _waker_of(library_local(frame, "self"))
        elif code is run:  # uvloop has no frames of its own
            loop = get_field(library_local(frame, "self"), "_loop")
            if loop is not None and type_name(type(loop)) == "uvloop.Loop" and _has_plain_attributes(loop):
                found.append(loop.call_soon_threadsafe)
        elif code is trio_run and "runner" in frame.f_locals:
            found.append(library_local(frame, "runner").entry_queue.run_sync_soon)
    return found


def _waker_of(loop: object) -> Iterator[Callable[..., object]]:
    if not _has_plain_attributes(loop):
        return
    methods = [class_attribute(type(loop), name) for name in _METHODS]
    for method in methods:
        # Not by its __module__: what wraps a function often has that of the function.
        if type(method) is not types.FunctionType or not _is_of_asyncio(method):
            return  # overridden: the program's own code
    yield types.MethodType(cast(types.FunctionType, methods[0]), loop)


def _is_of_asyncio(function: types.FunctionType) -> bool:
    return (exact_str(dict.get(function.__globals__, "__name__")) or "").startswith("asyncio.")


def _has_plain_attributes(loop: object) -> bool:
    """Whether *loop* has the methods of its class, and looking them up runs no code of the program."""
    if class_attribute(type(loop), "__getattribute__") is not vars(object)["__getattribute__"]:
        return False
    attributes = instance_dict(loop)
    if attributes is None:
        return True
    if type(attributes) is not dict:
        return False
    return not any(type(name) is not str or name in _METHODS for name in tuple(attributes))
