"""concurrent.futures: where the result of a future comes from, and what an executor has to do."""

from __future__ import annotations

import collections
import gc
import sys
import types
import weakref
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple, cast

import attrs

from ..._frames import local_variable
from ..._model import ContextInfo
from ..._objects import class_attribute, exact_str, get_field, is_a, module_field, simple_type_name
from ..._snapshot.sets import copy_set
from ..._snapshot.source import Listing
from ..._stacks.customize import (
    Target,
    Walk,
    customize,
    handling_by_code,
    register_elaborate_context,
    register_root,
)
from ..._stacks.follow import thread_frames

#: Code of the methods in which an item of work computes its `future`.
codes_of_work: List[types.CodeType] = []
#: Fields in which items of work keep their future.
_FIELDS = ("future", "_future", "fut")
#: Code of the functions in which the threads of pools work.
codes_of_workers: List[types.CodeType] = []


class LoopRun(NamedTuple):
    """Why a thread runs an event loop."""

    #: The task until whose end it does, and where the stack of that begins.
    task: object
    stack: Target


#: By the identity of code that lives as long as the process, in which threads run an event loop until a task is done:
#: returns that task from a frame of it, if it is not done.
loop_runs: Dict[int, Callable[[types.FrameType], Optional[LoopRun]]] = {}
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
    codes_of_workers.append(cast(types.FunctionType, worker).__code__)
    register_elaborate_context(module_field(module, "ThreadPoolExecutor"))(_thread_pool)


def source_of(future: object) -> Target:
    """Return what computes the result of a `concurrent.futures.Future`: frames or a coroutine; None if nothing does."""
    if not is_pending(future):
        return None
    return next((found for found in [find(future) for find in source_finders] if found is not None), None)


def _work_of(future: object) -> Target:
    """Return the frames in which a thread of a pool computes *future*."""
    is_running = exact_str(get_field(future, "_state")) == "RUNNING"
    for ident in sys._current_frames():
        frames = thread_frames(ident)
        for index, frame in enumerate(frames):
            is_known = any(frame.f_code is code for code in codes_of_work)
            if _sets_results(frame.f_code) and any(each is future for each in _futures_in(frame)):
                return with_loop(frames, index)
            if is_running and (is_known or _may_be_work(frame.f_code)):
                item = local_variable(frame, "self")
                is_item = item is not None and (is_known or simple_type_name(type(item)) == "_WorkItem")
                if is_item and get_field(item, "future") is future:
                    return with_loop(frames, index)
    return None


def with_loop(frames: Sequence[types.FrameType], index: int) -> Target:
    """Return the *frames* of a thread from *index* on, and what goes on in an event loop that is idle there."""
    end, run = loop_run_by(frames)
    return tuple(frames[index:]) if run is None else (*frames[index:end], run.stack)


def _sets_results(code: types.CodeType) -> bool:
    """Return whether *code* may be that of an executor that has no items of work as the standard library's have."""
    return "set_result" in code.co_names and not any(code is known for known in codes_of_work)


def _futures_in(frame: types.FrameType) -> List[object]:
    """Return the futures that are not done that *frame* has in a variable, or in an object in one."""
    module = sys.modules.get("concurrent.futures._base")
    future: Any = module_field(module, "Future") if module is not None else None
    if not is_a(future, type):
        return []
    values = [local_variable(frame, name) for name in frame.f_code.co_varnames]
    found = values + [get_field(value, name) for value in values if value is not None for name in _FIELDS]
    return [each for each in found if is_a(each, future) and is_pending(each)]


def is_pending(future: object) -> bool:
    """Return whether a `concurrent.futures.Future` is not done."""
    return exact_str(get_field(future, "_state")) in ("PENDING", "RUNNING")


def loop_run_by(frames: Sequence[types.FrameType]) -> Tuple[int, Optional[LoopRun]]:
    """Return how many of the *frames* of a thread lead to an event loop that is idle there, and what it is run for."""
    for index in range(len(frames) - 1, -1, -1):
        find = loop_runs.get(id(frames[index].f_code))
        if find is not None:
            return index + 1, find(frames[index]) if is_idle(frames[index + 1 :]) else None
    return 0, None


def is_idle(frames: Sequence[types.FrameType]) -> bool:
    """Return whether *frames*, of what a function of an event loop calls, are only the loop's own."""
    handlings = [handling_by_code.get(id(frame.f_code)) for frame in frames]
    return all(handling is not None and handling.skip_frame for handling in handlings)


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


#: Each returns the activities that compute the result of a `concurrent.futures.Future`, or nothing.
activity_finders: List[Callable[[object, Listing], Tuple[str, ...]]] = []
#: By the identity of code that lives as long as the process, in which threads run what others ask for: returns from a
#: frame of it the futures whose results it has not begun to compute; and the words for that.
queued_in_loops: Dict[int, Tuple[Callable[[types.FrameType], Iterable[object]], str]] = {}

RUNNING = "result of work that runs in a pool"
QUEUED_IN_LOOP = "coroutine queued in an event loop"


class _Pool(NamedTuple):
    """A pool, as far as its threads tell."""

    queue: object
    executor: object
    #: The numbers of its threads, and of those that compute something.
    threads: List[int]
    busy: List[int]


class Work:
    """What the threads of pools compute, and what is queued for them, found when it is first asked for."""

    def __init__(self) -> None:
        #: By the identity of futures: the threads that compute it, or one of which will, and what to say of that.
        self._threads: Optional[Dict[int, Tuple[Tuple[int, ...], str]]] = None
        #: By the number of threads: the task until whose end it runs an event loop.
        self._tasks: Dict[int, object] = {}

    def source_of(self, future: object, listing: Listing) -> Tuple[Tuple[str, ...], Optional[str]]:
        """Return the activities of which any will end *future*, as far as they are known, and what to say of that."""
        for find in activity_finders:
            found = find(future, listing)
            if found:
                return found, None
        if self._threads is None:
            self._threads = self._find()
        idents, words = self._threads.get(id(future), ((), None))
        if words == RUNNING and idents[0] in self._tasks:
            return (listing.id_of(self._tasks[idents[0]], "task"),), words
        records = [listing.thread(ident) for ident in idents]
        return tuple([record.id for record in records if record is not None]), words

    def source_of_any(self, futures: Sequence[object], listing: Listing) -> Tuple[str, ...]:
        """Return the activities that will end any of *futures*; none if that is not known of each."""
        found: Dict[str, None] = {}
        for future in futures:
            activities, _ = self.source_of(future, listing)
            if not activities:
                return ()
            found.update(dict.fromkeys(activities))
        return tuple(found)

    def _find(self) -> Dict[int, Tuple[Tuple[int, ...], str]]:
        found: Dict[int, Tuple[Tuple[int, ...], str]] = {}
        pools: Dict[int, _Pool] = {}
        for ident in sys._current_frames():
            pool: Optional[_Pool] = None
            frames = thread_frames(ident)
            _, run = loop_run_by(frames)
            if run is not None:
                self._tasks[ident] = run.task
            for frame in frames:
                in_loop = queued_in_loops.get(id(frame.f_code))
                if in_loop is not None:
                    find, words = in_loop
                    for future in find(frame):
                        found[id(future)] = (ident,), words
                elif _sets_results(frame.f_code):
                    for future in _futures_in(frame):
                        found[id(future)] = (ident,), RUNNING
                elif any(frame.f_code is code for code in codes_of_work) or _may_be_work(frame.f_code):
                    item = local_variable(frame, "self")
                    if item is not None and simple_type_name(type(item)) == "_WorkItem":
                        found[id(get_field(item, "future"))] = (ident,), RUNNING
                        if pool is not None and ident not in pool.busy:
                            pool.busy.append(ident)
                elif any(frame.f_code is code for code in codes_of_workers):
                    queue = local_variable(frame, "work_queue")
                    if queue is not None:
                        pool = pools.setdefault(id(queue), _Pool(queue, _executor_of(frame), [], []))
                        pool.threads.append(ident)
        for pool in pools.values():
            most = get_field(pool.executor, "_max_workers")
            if type(most) is not int or most > len(pool.threads):
                continue  # it may get another thread, which takes what is queued
            words = f"result of work queued in a pool ({len(pool.busy)} of {most} threads busy)"
            for item in _queued(pool.queue):
                if simple_type_name(type(item)) == "_WorkItem":
                    found.setdefault(id(get_field(item, "future")), (tuple(pool.threads), words))
        return found


def _queued(queue: object) -> List[object]:
    """Return what is in a `queue.SimpleQueue`: in a list or deque, or in an array of C from CPython 3.13 on."""
    found: List[object] = []
    for referent in gc.get_referents(queue):
        if type(referent) is list or type(referent) is collections.deque:
            found += referent.copy()
        else:
            found.append(referent)
    return found


def _executor_of(frame: types.FrameType) -> object:
    reference = local_variable(frame, "executor_reference")
    return reference() if type(reference) is weakref.ref else None


def pending(futures: object) -> List[object]:
    """Return those of a set of `concurrent.futures.Future` that are not done."""
    if type(futures) is not set:
        return []
    return [each for each in copy_set(futures) if is_pending(each)]
