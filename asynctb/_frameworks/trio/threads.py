"""Threads that work for tasks of trio, and tasks that work for threads: who waits for whom."""

from __future__ import annotations

import collections
import sys
import types
from typing import Any, Dict, List, Optional, Set, cast

from ..._frames import local_variable
from ..._model import Wait
from ..._objects import class_attribute, get_field, module_field
from ..._snapshot.sets import imported
from ..._snapshot.source import Listing
from ..._stacks.follow import thread_frames
from ..asyncio.futures import closure_of
from ..threading.threads import waits_by_code
from .hooks import coroutine_inside, tasks_for_thread, workers_of
from .runs import runners

#: The words for what threads have the loop call.
_QUEUED, _RUNNING = "call queued in an event loop", "call that an event loop runs"


class Workers:
    """The threads in which `trio.to_thread.run_sync` runs something."""

    def __init__(self, run_sync: types.FunctionType, codes: Set[int]) -> None:
        #: Of the function itself.
        self.code = run_sync.__code__
        self._codes = codes
        #: Numbers of threads by the identity of what the task and its thread have in common.
        self._found: Dict[int, int] = {}

    def thread_for(self, register: object) -> Optional[int]:
        """Return the number of the thread that works for the task with *register*, or None."""
        ident = self._found.get(id(register))
        if ident is None or id(register) not in self._registers(ident):
            self._found = {each: number for number in sys._current_frames() for each in self._registers(number)}
            ident = self._found.get(id(register))
        return ident

    def _registers(self, ident: int) -> List[int]:
        found = [
            local_variable(frame, "task_register") for frame in thread_frames(ident) if id(frame.f_code) in self._codes
        ]
        return [id(each) for each in found if each is not None]


def workers() -> Optional[Workers]:
    """Return the threads that work for tasks, or None as long as trio cannot have any."""
    threads = imported("trio._threads")
    run_sync = module_field(threads, "to_thread_run_sync") if threads is not None else None
    return Workers(*workers_of(run_sync)) if run_sync is not None else None


def threads_of_placeholders() -> Dict[int, int]:
    """Return the numbers of threads by the identity of what has borrowed a token of a limiter for them."""
    found: Dict[int, int] = {}
    cache = imported("trio._core._thread_cache")
    worker = module_field(cache, "WorkerThread") if cache is not None else None
    handle = class_attribute(worker, "_handle_job") if worker is not None else None
    for ident in sys._current_frames() if type(handle) is types.FunctionType else ():
        for frame in thread_frames(ident):
            if frame.f_code is cast(types.FunctionType, handle).__code__:
                deliver = local_variable(frame, "deliver")
                report = _closure(deliver).get("report_back_in_trio_thread_fn")
                placeholder = _closure(report).get("placeholder")
                if placeholder is not None:
                    found[id(placeholder)] = ident
    return found


def is_placeholder(borrower: object) -> bool:
    """Return whether what has borrowed a token has done so for a thread."""
    threads = imported("trio._threads")
    return threads is not None and type(borrower) is module_field(threads, "ThreadPlaceholder")


def install(threads: types.ModuleType) -> None:
    """Register what threads wait for in `trio.from_thread.run` and ``run_sync``."""
    send = module_field(threads, "_send_message_to_trio")
    if type(send) is types.FunctionType:
        waits_by_code[id(send.__code__)] = send.__code__, lambda frame, listing: _wait_of(frame, threads, listing)


def _wait_of(frame: types.FrameType, threads: types.ModuleType, listing: Listing) -> Optional[Wait]:
    message = local_variable(frame, "message_to_trio")
    if message is None:
        return None
    run: Any = module_field(threads, "Run")
    if type(message) is run:
        methods = [class_attribute(run, name) for name in ("run", "run_system")]
        codes = tuple([method.__code__ for method in methods if type(method) is types.FunctionType])
        _, workers_codes = workers_of(module_field(threads, "to_thread_run_sync"))
        for task in tasks_for_thread(frame, workers_codes):
            if coroutine_inside(get_field(task, "coro"), codes, "self", message) is not None:
                name = get_field(task, "name")
                words = f"task {name}" if type(name) is str else "task"
                return Wait("task", words, task, (listing.id_of(task, "task"),))
    return _wait_for_loop(message, listing)


def _wait_for_loop(message: object, listing: Listing) -> Optional[Wait]:
    call = class_attribute(type(message), "run_sync")
    code = call.__code__ if type(call) is types.FunctionType else None
    for ident in sys._current_frames():
        for frame in thread_frames(ident):
            if code is not None and frame.f_code is code and local_variable(frame, "self") is message:
                return _wait_for_thread(_RUNNING, message, ident, listing)
    for runner in runners():
        queue = get_field(get_field(runner, "entry_queue"), "queue")
        for job in queue.copy() if type(queue) is collections.deque else ():
            function = job[0] if type(job) is tuple and job else None
            bound = function.__self__ if type(function) is types.MethodType else _closure(function).get("self")
            if bound is message:
                return _wait_for_thread(_QUEUED, message, _thread_of(runner), listing)
    return None


def _wait_for_thread(words: str, message: object, ident: Optional[int], listing: Listing) -> Wait:
    record = listing.thread(ident)
    return Wait("future", words, message, () if record is None else (record.id,), "any")


def _thread_of(runner: object) -> Optional[int]:
    module = imported("trio._core._run")
    run = module_field(module, "run") if module is not None else None
    for ident in sys._current_frames() if type(run) is types.FunctionType else ():
        for frame in thread_frames(ident):
            if frame.f_code is cast(types.FunctionType, run).__code__ and local_variable(frame, "runner") is runner:
                return ident
    return None


def _closure(function: object) -> Dict[str, object]:
    return closure_of(function) if type(function) is types.FunctionType else {}
