"""What an asyncio task waits for, as far as that is certain: told by the innermost functions, all of them asyncio's."""

from __future__ import annotations

import collections
import sys
import types
from typing import Callable, Dict, List, Literal, Optional, Sequence, Tuple, cast

from ..._frames import local_variable
from ..._model import Wait
from ..._objects import class_attribute, exact_str, get_field, is_a, module_field, type_name
from ..._quick import new_wait
from ..._snapshot.sets import copy_set
from ..._snapshot.source import Listing, Owner, code_of, frame_of
from .._known import Known, task_waits, variables_of
from ..threading.concurrent import QUEUED_IN_LOOP, Work
from .futures import FutureReader, Futures, closure_of
from .holders import seconds_left, sleep_left
from .streams import words_of_socket

#: The functions of asyncio that waits of tasks end in.
WAITS: Known = (
    ("asyncio.futures", "_PyFuture.__await__", ""),
    ("asyncio.locks", "Lock.acquire", "lock"),
    ("asyncio.locks", "Event.wait", "event"),
    ("asyncio.locks", "Condition.wait", "condition"),
    ("asyncio.locks", "Condition.wait_for", "condition"),
    ("asyncio.locks", "Semaphore.acquire", "semaphore"),
    ("asyncio.locks", "Barrier.wait", "barrier"),
    ("asyncio.locks", "Barrier._wait", "barrier"),
    ("asyncio.locks", "Barrier._block", "barrier"),
    ("asyncio.locks", "_ContextManagerMixin.__aenter__", ""),
    ("asyncio.locks", "Barrier.__aenter__", ""),
    ("asyncio.queues", "Queue.get", "item of a queue"),
    ("asyncio.queues", "Queue.put", "place in a queue"),
    ("asyncio.queues", "Queue.join", "end of a queue"),
    ("asyncio.tasks", "sleep", "sleep"),
    ("asyncio.tasks", "wait_for", ""),
    ("asyncio.tasks", "wait", "tasks"),
    ("asyncio.tasks", "_wait", "tasks"),
    ("asyncio.tasks", "as_completed._wait_for_one", "tasks"),
    ("asyncio.tasks", "_AsCompletedIterator._wait_for_one", "tasks"),
    ("asyncio.tasks", "_AsCompletedIterator.__anext__", "tasks"),
    ("asyncio.taskgroups", "TaskGroup.__aexit__", "tasks of a group"),
    ("asyncio.taskgroups", "TaskGroup._aexit", "tasks of a group"),
    ("asyncio.threads", "to_thread", "thread"),
    ("asyncio.streams", "StreamReader._wait_for_data", "stream data"),
    ("asyncio.streams", "StreamReader.read", "stream data"),
    ("asyncio.streams", "StreamReader.readline", "stream data"),
    ("asyncio.streams", "StreamReader.readexactly", "stream data"),
    ("asyncio.streams", "StreamReader.readuntil", "stream data"),
    ("asyncio.streams", "StreamReader.__anext__", "stream data"),
    ("asyncio.streams", "FlowControlMixin._drain_helper", "stream to drain"),
    ("asyncio.streams", "StreamWriter.drain", "stream to drain"),
    ("asyncio.streams", "StreamWriter.wait_closed", "stream to close"),
    ("asyncio.streams", "open_connection", "connection"),
    ("asyncio.base_events", "BaseEventLoop.create_connection", "connection"),
    ("asyncio.base_events", "BaseEventLoop._connect_sock", "connection"),
    ("asyncio.base_events", "BaseEventLoop._create_connection_transport", "connection"),
    ("asyncio.base_events", "BaseEventLoop.start_tls", "handshake"),
    ("asyncio.streams", "StreamWriter.start_tls", "handshake"),
    ("asyncio.streams", "open_unix_connection", "connection"),
    ("asyncio.unix_events", "_UnixSelectorEventLoop.create_unix_connection", "connection"),
    ("asyncio.base_events", "BaseEventLoop.getaddrinfo", "name resolution"),
    ("asyncio.base_events", "BaseEventLoop._ensure_resolved", "name resolution"),
    ("asyncio.base_events", "BaseEventLoop.shutdown_default_executor", "executor to end"),
    ("asyncio.base_events", "Server.serve_forever", "server to end"),
    ("asyncio.base_events", "Server.wait_closed", "server to close"),
    ("asyncio.selector_events", "BaseSelectorEventLoop.sock_recv", "socket data"),
    ("asyncio.selector_events", "BaseSelectorEventLoop.sock_recv_into", "socket data"),
    ("asyncio.selector_events", "BaseSelectorEventLoop.sock_recvfrom", "socket data"),
    ("asyncio.selector_events", "BaseSelectorEventLoop.sock_sendall", "socket to send"),
    ("asyncio.selector_events", "BaseSelectorEventLoop.sock_connect", "connection"),
    ("asyncio.selector_events", "BaseSelectorEventLoop.sock_accept", "connection"),
    ("asyncio.subprocess", "Process.wait", "process"),
    ("asyncio.subprocess", "Process.communicate", "process"),
    ("asyncio.base_subprocess", "BaseSubprocessTransport._wait", "process"),
)
#: Those that waits of its threads end in.
THREAD_WAITS: Known = (
    ("asyncio.unix_events", "ThreadedChildWatcher._do_waitpid", "process"),
    ("asyncio.unix_events", "_ThreadedChildWatcher._do_waitpid", "process"),
)
#: Of loops written in C (uvloop): whatever they run is a call from there.
THREAD_CALLS: Known = (
    ("uvloop.loop", "Loop.run_forever", "events"),
    ("uvloop.loop", "Loop.run_until_complete", "events"),
)

#: How many callbacks of a future are looked at for the one that connects it to where its result comes from. asyncio
#: adds that first of all, before anybody can await the future; those of whoever awaits it can be very many.
FIRST_CALLBACKS = 10
#: More shields around each other than anybody makes, also by mistake in a loop.
_MAX_SHIELDS = 10_000

#: What other rooms know of waits of asyncio's tasks: each gets what the functions tell, the future that is awaited and
#: the coroutines of the stack, outermost first, and returns the whole; or None.
completions: List[Callable[[Wait, object, Sequence[Owner], Listing], Optional[Wait]]] = []


class WaitTable:
    """Describes the futures that tasks wait for."""

    def __init__(self, futures: Futures) -> None:
        self._futures = futures
        self._work = Work()
        #: Readers of the two plain classes of futures, by identity.
        self._plain: Dict[int, FutureReader] = {
            id(reader.future): reader for reader in (futures.c, futures.python) if reader is not None
        }
        #: By identity of futures, which are kept alive: what those wait for that more than one task may wait for.
        self._shared: Dict[int, Tuple[object, Wait]] = {}
        self._gathering: Optional[type] = None
        self._wait_for: Optional[types.CodeType] = None
        self._wait: Optional[types.CodeType] = None
        method = class_attribute(futures.python.future, "__await__") if futures.python is not None else None
        self._await = method.__code__ if type(method) is types.FunctionType else None
        tasks = sys.modules.get("asyncio.tasks")
        if is_a(tasks, types.ModuleType):
            self._gathering = module_field(cast(types.ModuleType, tasks), "_GatheringFuture")
            wait_for = module_field(cast(types.ModuleType, tasks), "wait_for")
            self._wait_for = wait_for.__code__ if type(wait_for) is types.FunctionType else None
            wait = module_field(cast(types.ModuleType, tasks), "_wait")
            self._wait = wait.__code__ if type(wait) is types.FunctionType else None

    def describe(self, future: object, owners: Sequence[Owner], listing: Listing) -> Wait:
        """Return what a task waits for.

        :param future: what it awaits in the end.
        :param owners: the coroutines of its stack, outermost first.
        """
        kind = type(future)
        plain = self._plain.get(id(kind))
        if plain is None:
            if self._futures.reader_of_task(future) is not None:
                return self.of_task(future, listing)
            if kind is self._gathering:
                shared = self._shared.get(id(future))
                if shared is None:
                    shared = self._shared[id(future)] = future, self._of_gathering(future, listing)
                return shared[1]
        known = task_waits.wait(owners)
        if known is not None:
            for complete in completions:
                completed = complete(known, future, owners, listing)
                if completed is not None:
                    return completed
            return self._completed(known, future, owners, listing)
        inner = self._inside_wait_for(owners, future)
        if inner is not None:
            return self.describe(inner, (), listing)
        shared = self._shared.get(id(future))
        if shared is not None:
            return shared[1]
        callbacks = plain.callbacks(future) if plain is not None else self._futures.callbacks_of(future)
        if type(callbacks) is list and len(callbacks) > 1:  # more than the one that resumes the task
            wait = self._describe_source(future, listing) or self._of_future(future, plain is not None)
            if len(callbacks) > 2:
                self._shared[id(future)] = future, wait
            return wait
        return self._of_future(future, plain is not None)

    def of_task(self, task: object, listing: Listing) -> Wait:
        """Return the wait for the end of a task."""
        return new_wait("task", "task " + self._futures.name_of(task), task, (listing.id_of(task, "task"),))

    @staticmethod
    def _of_future(future: object, is_plain: bool) -> Wait:
        return new_wait("future", "future" if is_plain else type_name(type(future)), future, ())

    def _completed(self, known: Wait, future: object, owners: Sequence[Owner], listing: Listing) -> Wait:
        """Return *known*, which is told by the functions, with what their variables tell."""
        kind, target = known.kind, known.target
        if kind == "sleep":
            frame = frame_of(owners[-1]) if owners else None
            if frame is not None and code_of(owners[-1]) is self._await and len(owners) > 1:
                frame = frame_of(owners[-2])
            seconds = sleep_left(frame) if frame is not None else None
            return Wait(kind, known.description, future, deadline=seconds)
        if kind == "group" and target is not None:
            tasks = get_field(target, "_tasks")
            ids = self._ids(copy_set(tasks), listing) if type(tasks) is set else ()
            return new_wait(kind, known.description, target, ids)
        if kind == "tasks":
            for owner in owners:
                frame = frame_of(owner)
                if frame is not None and code_of(owner) is self._wait:
                    waited = local_variable(frame, "fs")
                    ids = self._ids(copy_set(waited), listing) if type(waited) is set else ()
                    needs: Literal["all", "any"] = (
                        "all" if exact_str(local_variable(frame, "return_when")) == "ALL_COMPLETED" else "any"
                    )
                    handle = local_variable(frame, "timeout_handle")
                    seconds = seconds_left(handle) if handle is not None else None
                    return Wait(kind, known.description, future, ids, needs, (), seconds)
        if kind == "thread":
            wait = self._describe_source(future, listing)
            if wait is None or wait.kind != "executor":
                return wait or new_wait(kind, known.description, future, ())
            return Wait(kind, known.description, wait.target, wait.activities, wait.needs)
        if kind == "socket":
            known = new_wait(kind, words_of_socket(known.description, owners), target, ())
        return known if target is not None else new_wait(kind, known.description, future, ())

    def _ids(self, futures: Sequence[object], listing: Listing) -> Tuple[str, ...]:
        """Return the identifiers of the tasks among *futures* that are not done, in their order."""
        left = [task for task in [self._task_of(each) for each in futures] if task is not None]
        return tuple([listing.id_of(task, "task") for task in self._futures.in_order(left)])

    def _task_of(self, future: object) -> Optional[object]:
        """Return the task that *future* is, also inside of `asyncio.shield`, if it is not done."""
        for _ in range(_MAX_SHIELDS):
            reader = self._futures.reader_of_future(future)
            if reader is None or reader.state(future) != "PENDING":
                return None
            if self._futures.reader_of_task(future) is not None:
                return future
            callbacks = self._futures.callbacks_of(future, FIRST_CALLBACKS)
            inner = next((each for each in map(_shielded_by, callbacks) if each is not None), None)
            if inner is None:
                return None
            future = inner
        return None

    def _ids_of_all(self, futures: Sequence[object], listing: Listing) -> Optional[Tuple[str, ...]]:
        """Return the identifiers of all activities that have to end before *futures* are done, or None.

        The futures are tasks, perhaps shielded, `asyncio.gather` of these, or come from elsewhere; none is done.
        """
        found: Dict[str, None] = dict.fromkeys(self._ids(futures, listing))
        for each in futures:
            if self._task_of(each) is not None:
                continue
            if type(each) is self._gathering:
                wait = self._of_gathering(each, listing)
                ids = wait.activities
            else:
                source = concurrent_future(self._futures, each, self._futures.callbacks_of(each, FIRST_CALLBACKS))
                ids = () if source is None else self._work.source_of(source, listing)[0]
            if not ids or (type(each) is not self._gathering and len(ids) > 1):  # of several, any is enough
                return None
            found.update(dict.fromkeys(ids))
        return tuple(found)

    def _describe_source(self, future: object, listing: Listing) -> Optional[Wait]:
        """Return what a task waits for if *future* gets its result from somewhere else."""
        callbacks = self._futures.callbacks_of(future, FIRST_CALLBACKS)
        shielded = shielded_task(self._futures, callbacks)
        if shielded is not None:
            return self.describe(shielded, (), listing)
        source = concurrent_future(self._futures, future, callbacks)
        if source is None:
            return None
        task = task_behind(self._futures, source)
        if task is not None:
            return self.of_task(task, listing)
        workers, words = self._work.source_of(source, listing)
        if words == QUEUED_IN_LOOP:
            return Wait("future", words, source, workers, "any")
        return Wait("executor", words or "executor", source, workers, "any")

    def _inside_wait_for(self, owners: Sequence[Owner], waiter: object) -> Optional[object]:
        """Return the future inside `asyncio.wait_for`, which awaits one of its own before CPython 3.12."""
        if self._wait_for is None or not owners:
            return None
        code = code_of(owners[-1])
        if code is self._await and len(owners) > 1:  # of a future written in Python
            owners = owners[:-1]
            code = code_of(owners[-1])
        if code is not self._wait_for:
            return None
        for referent in variables_of(owners[-1]):
            if referent is not waiter and self._futures.reader_of_future(referent) is not None:
                return referent
        return None

    def _of_gathering(self, future: object, listing: Listing) -> Wait:
        # Its dictionary cannot be had (C futures have no __dict__), but nobody inherits from this very class.
        children = getattr(future, "_children", None)
        if type(children) is not list:
            return new_wait("tasks", "tasks", future, ())
        pending = []
        for child in tuple(children):
            reader = self._futures.reader_of_future(child)
            if reader is None or reader.state(child) == "PENDING":
                pending.append(child)
        # Other futures can be set by anybody, so that the tasks alone prove nothing.
        ids = self._ids_of_all(pending, listing) or ()
        return new_wait("tasks", f"{len(pending)} of {len(children)} tasks", future, ids)


def concurrent_future(futures: Futures, future: object, callbacks: Sequence[object]) -> Optional[object]:
    """Return the `concurrent.futures.Future` whose result *future*, which has these *callbacks*, gets; or None."""
    for _ in range(_MAX_SHIELDS):
        if len(callbacks) < 2:  # whoever awaits it comes after what connects it
            return None
        shielded: Optional[object] = None
        for callback in callbacks:
            source = chained_source(callback)
            if source is not None and futures.reader_of_future(source) is None:
                return source
            inner = _shielded_by(callback)
            if inner is not None and inner is not future and futures.reader_of_task(inner) is None:
                shielded = inner
                break
        if shielded is None:
            return None
        future, callbacks = shielded, futures.callbacks_of(shielded, FIRST_CALLBACKS)
    return None


def shielded_task(futures: Futures, callbacks: Sequence[object]) -> Optional[object]:
    """Return the task whose result a future of `asyncio.shield` with these *callbacks* gets, or None."""
    for callback in callbacks:
        inner = _shielded_by(callback)
        if futures.reader_of_task(inner) is not None:
            return inner
    return None


def _shielded_by(callback: object) -> Optional[object]:
    """Return the future inside of the `asyncio.shield` whose outer future has *callback*, or None."""
    if type(callback) is not types.FunctionType or exact_str(callback.__code__.co_name) != "_outer_done_callback":
        return None
    return closure_of(callback).get("inner") if exact_str(callback.__module__) == "asyncio.tasks" else None


def task_behind(futures: Futures, source: object) -> Optional[object]:
    """Return the task whose result a `concurrent.futures.Future` gets (`run_coroutine_threadsafe`), or None."""
    callbacks = get_field(source, "_done_callbacks")
    for callback in callbacks[:FIRST_CALLBACKS] if type(callbacks) is list else ():
        task = chained_source(callback)
        if futures.reader_of_task(task) is not None:
            return task
    return None


def queued_in_loop(code: types.CodeType, frame: types.FrameType) -> List[object]:
    """Return the concurrent futures of `run_coroutine_threadsafe` that the loop that runs in *frame* has not begun.

    :param code: of what that function has the loop call.
    """
    ready = get_field(local_variable(frame, "self"), "_ready")
    found = []
    for handle in ready.copy() if type(ready) is collections.deque else ():
        callback = get_field(handle, "_callback")
        if type(callback) is types.FunctionType and callback.__code__ is code:
            found.append(closure_of(callback).get("future"))
    return [each for each in found if each is not None]


def chained_source(callback: object) -> Optional[object]:
    """Return the future whose result goes to another one that has *callback*; None if *callback* is something else."""
    if type(callback) is not types.FunctionType or exact_str(callback.__code__.co_name) != "_call_check_cancel":
        return None
    return closure_of(callback).get("source") if exact_str(callback.__module__) == "asyncio.futures" else None
