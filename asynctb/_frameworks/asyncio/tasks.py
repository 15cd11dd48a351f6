"""Tasks of asyncio: those of every event loop of every thread, whatever runs the loop (uvloop included).

Where they are registered:

- CPython up to 3.11 and PyPy: ``asyncio.tasks._all_tasks``, a `weakref.WeakSet` (finished ones included). CPython 3.6
  has it in C, out of reach, so that tasks are looked for among all objects.
- CPython 3.12 and 3.13: ``_scheduled_tasks``, a WeakSet (including finished ones, unless that was in their eager
  start), and ``_eager_tasks``, a set, in ``_asyncio`` and ``asyncio.tasks``, which are the same two objects unless the
  accelerator is missing.
- CPython 3.14 and later: tasks written in C are in linked lists of the thread states that ``_asyncio.all_tasks(loop)``
  goes through, from any thread; all others are in a WeakSet and a set that only the garbage collector shows
  (``module_traverse`` in Modules/_asynciomodule.c). That function calls ``done`` and ``get_loop`` of subclasses, so it
  is used only as long as no subclass exists, and needs to know the loops. The others, and finished ones, are found
  among what refers to their class, as far as the garbage collector knows it.

Finished tasks are of interest if they failed: somebody who still has one can be shown where its exception came from.
"""

from __future__ import annotations

import gc
import sys
import types
import weakref
from typing import Any, Callable, Dict, List, Optional, Sequence, Set, Tuple, cast

from ..._frames import local_variable
from ..._heap import frozen, heap_searches, instances, with_subclasses
from ..._model import Activity, ActivityKind, ActivityState, Traceback, Wait
from ..._objects import error_line, exact_str, get_field, is_a, module_field, type_name
from ..._quick import new_activity
from ..._snapshot.sets import copy_set, imported, unique
from ..._snapshot.source import (
    NOWHERE,
    Coroutine,
    Generator,
    Group,
    Listing,
    Source,
    ThreadRecord,
    await_chain,
    call_if_found,
    frame_of,
    frames_of,
    is_unstarted,
    running_state,
)
from ..._stacks.follow import thread_frames
from ..._waits.facts import refinements
from .cancelling import Cancellations
from .failures import failure_of, origin_of, tops_of_traceback
from .futures import FutureReader, Futures
from .links import TaskLinks
from .nested import nested_run
from .sleeping import oversleeps
from .waits import WaitTable

#: Where tasks are registered; later versions look like earlier ones to programs that use private names.
_WEAK_SETS = (("asyncio.tasks", "_all_tasks"), ("asyncio.tasks", "_scheduled_tasks"), ("_asyncio", "_scheduled_tasks"))
_SETS = (("asyncio.tasks", "_eager_tasks"), ("_asyncio", "_eager_tasks"))
_LOOPS_NOT_SEARCHED = "Tasks of event loops that were made after the last full search and do not run are missing."
_FROZEN = "Tasks that were made before gc.freeze() are missing if they have failed or their loop does not run."
_FROZEN_OTHERS = "Tasks that were made before gc.freeze() are missing, as there are tasks of classes of their own."

#: How many tasks a note names.
_MOST_NAMES = 3


class _Search:
    """Remembers, from one search through all objects to the next, which event loops there are."""

    def __init__(self) -> None:
        self.loops: List[weakref.ref[Any]] = []

    def run(self, classes: Sequence[type], loop_class: Optional[type]) -> List[object]:
        """Return all objects of *classes*, and remember all loops."""
        loop_classes = with_subclasses(loop_class) if loop_class is not None else []
        kinds = {id(cls) for cls in loop_classes}
        tasks, self.loops = [], []
        for found in heap_searches.run(lambda: instances([*classes, *loop_classes])):
            if id(type(found)) in kinds:
                self.loops.append(weakref.ref(found))
            else:
                tasks.append(found)
        return tasks


_search = _Search()


class AsyncioTasks(Source):
    """The source of asyncio's tasks.

    :param thorough: whether a search through all objects of the process may be made although there is a quick way,
        for the sake of event loops that do not run.
    """

    kind: ActivityKind = "task"
    framework = "asyncio"

    def __init__(self, threads: Dict[int, ThreadRecord], *, thorough: bool) -> None:
        super().__init__()
        self._threads = threads
        #: By the identity of loops, which the groups keep alive.
        self._loop_ids: Dict[int, str] = {}
        self._futures = Futures()
        self._links = TaskLinks(self._futures)
        self._waits = WaitTable(self._futures)
        self._cancellations = Cancellations(self._futures)
        self._thorough = thorough

    # Finding them

    def groups(self) -> List[Group]:
        # Not kept here: groups refer to their source, and a circle would keep the tasks alive until it is collected.
        tasks = self._find() if imported("asyncio.tasks") is not None else []
        return self._group(tasks)

    def _find(self) -> List[object]:
        registered: List[object] = []
        for name, attribute in (*_WEAK_SETS, *_SETS):
            module = imported(name)
            if module is not None:
                registered += copy_set(module_field(module, attribute))
        if sys.version_info < (3, 7):
            readers = [reader for reader in (self._futures.c, self._futures.python) if reader is not None]
            registered += instances(with_subclasses(*[reader.task for reader in readers]))
        accelerator = imported("_asyncio")
        if accelerator is not None and self._futures.c is not None:
            registered += self._find_in_lists(accelerator, self._futures.c)
        return unique(registered)

    def _find_in_lists(self, accelerator: types.ModuleType, reader: FutureReader) -> List[object]:
        """Find what CPython 3.14 and later register."""
        if module_field(accelerator, "_scheduled_tasks") is not None or module_field(accelerator, "all_tasks") is None:
            return []
        others = [
            task
            for referent in gc.get_referents(accelerator)
            if type(referent) is set or type(referent) is weakref.WeakSet
            for task in copy_set(referent)
            if not is_a(task, type)  # it also keeps a set of the types that it has found to be coroutines
        ]
        classes = with_subclasses(reader.task)
        events = imported("asyncio.events")
        loop_class = module_field(events, "AbstractEventLoop") if events is not None else None
        has_others = bool(others) or len(classes) > 1
        if has_others or self._thorough or heap_searches.due():
            others += _search.run(classes, loop_class)
            if frozen():  # nor does a search find what the collector is kept from
                self.notes.append(_FROZEN_OTHERS if has_others else _FROZEN)
        else:
            self.notes.append(_LOOPS_NOT_SEARCHED)
        if has_others:
            return others
        loops = [loop for loop in [ref() for ref in _search.loops] if loop is not None]
        loops += [loop for loop, _ in self._running_loops()]
        all_tasks = cast(Callable[[object], Set[object]], module_field(accelerator, "all_tasks"))
        return others + [task for loop in unique(loops) for task in list(all_tasks(loop))]

    def _running_loops(self) -> List[Tuple[object, int]]:
        """Return the loops that run in a frame of a thread, with its number."""
        found: List[Tuple[object, int]] = []
        base_events, runners = imported("asyncio.base_events"), imported("asyncio.runners")
        if base_events is not None:
            base = module_field(base_events, "BaseEventLoop")
            for ident, frame in frames_of(self._threads, vars(base)["run_forever"].__code__):
                found.append((local_variable(frame, "self"), ident))
        # uvloop has no frames of its own.
        runner = module_field(runners, "Runner") if runners is not None else None
        if runner is not None:
            for ident, frame in frames_of(self._threads, vars(runner)["run"].__code__):
                found.append((get_field(local_variable(frame, "self"), "_loop"), ident))
        elif runners is not None:
            for ident, frame in frames_of(self._threads, module_field(runners, "run").__code__):
                found.append((local_variable(frame, "loop"), ident))
        return [(loop, ident) for loop, ident in found if loop is not None]

    def _group(self, tasks: Sequence[object]) -> List[Group]:
        """Return the tasks that are not done or have failed, by loop."""
        by_loop: Dict[int, Tuple[object, List[object]]] = {}
        # By the identity of their type: they are mostly of one, and live as long as this list.
        readers: Dict[int, Optional[FutureReader]] = {}
        odd = 0
        for task in tasks:
            kind = id(type(task))
            if kind not in readers:
                readers[kind] = self._futures.reader_of_task(task)
            reader = readers[kind]
            if reader is None:
                odd += 1
                continue
            try:
                state = reader.state(task)
            except RuntimeError:  # __init__ has not run
                continue
            if state != "PENDING" and failure_of(reader, task) is None:
                continue
            try:
                loop = reader.loop(task)
            except (AttributeError, RuntimeError):
                loop = None
            entry = by_loop.get(id(loop))
            if entry is None:
                entry = by_loop[id(loop)] = loop, []
            entry[1].append(task)
        if odd:
            self.notes.append(f"{odd} tasks of a class of their own, that is none of asyncio's, cannot be described.")
        threads: Optional[Dict[int, int]] = None
        groups = []
        for loop, members in by_loop.values():
            ident = self._thread_of(loop)
            if ident is None:  # it does not run, or it is one of uvloop, which does not tell
                if threads is None:
                    threads = {id(running): number for running, number in self._running_loops()}
                ident = threads.get(id(loop))
            if ident is None:
                ident = self._thread_of_running(members)
            if ident is None and self._threads:
                self._note_standstill(loop, members)
            if ident is not None and oversleeps(loop, ident, self._threads):
                self._note_oversleeping(members)
            groups.append(Group(self, ident, loop, self._futures.in_order(members)))
        return groups

    def _note_standstill(self, loop: object, members: Sequence[object]) -> None:
        """Note that nothing runs *loop*, if that is certain and something waits for it."""
        base_events = imported("asyncio.base_events")
        base: Any = module_field(base_events, "BaseEventLoop") if base_events is not None else None
        if not is_a(base, type) or not is_a(loop, base):  # uvloop's do not tell
            return
        names = []
        for task in members:
            reader = self._futures.reader_of_task(task)
            if reader is not None and reader.state(task) == "PENDING":
                names.append(self._futures.name_of(task))
        if names:
            why = "that is closed" if get_field(loop, "_closed") is True else "that no thread runs"
            count = "1 task belongs" if len(names) == 1 else f"{len(names)} tasks belong"
            self.notes.append(f"{count} to an event loop {why}: {_some(names)}")

    def _note_oversleeping(self, members: Sequence[object]) -> None:
        readers = [(task, self._futures.reader_of_task(task)) for task in members]
        names = [
            self._futures.name_of(task)
            for task, reader in readers
            if reader is not None
            and reader.state(task) == "PENDING"
            and self._state(reader, task, None, call_if_found(reader.waiter, task)) == "ready"
        ]
        self.notes.append(
            "An event loop sleeps although it has calls to make: another thread has scheduled them, or woken a task, "
            f"without call_soon_threadsafe().{f' Ready: {_some(names)}' if names else ''}"
        )

    def _thread_of_running(self, tasks: Sequence[object]) -> Optional[int]:
        """Return the number of the thread that has one of *tasks*, all of one loop, on its stack."""
        for task in tasks:
            reader = self._futures.reader_of_task(task)
            coroutine: Any = call_if_found(reader.coroutine, task) if reader is not None else None
            if type(coroutine) is Coroutine and coroutine.cr_running:
                found = frames_of(self._threads, coroutine.cr_code)
                frame = coroutine.cr_frame
                return next((ident for ident, candidate in found if candidate is frame), None)
        return None

    def _thread_of(self, loop: object) -> Optional[int]:
        ident = get_field(loop, "_thread_id")
        return ident if type(ident) is int and ident in self._threads else None

    # Describing them

    def moment_of(self, obj: object) -> Optional[object]:
        reader = self._futures.reader_of_task(obj)
        return call_if_found(reader.waiter, obj) if reader is not None else None

    def root_of(self, obj: object) -> Optional[object]:
        reader = self._futures.reader_of_task(obj)
        return call_if_found(reader.coroutine, obj) if reader is not None else None

    def name_of(self, obj: object) -> str:
        return self._futures.name_of(obj)

    def describe(self, obj: object, group: Group, listing: Listing, traceback: Optional[Traceback]) -> Activity:
        reader = self._futures.reader_of_task(obj)
        assert reader is not None
        name = reader.name(obj)
        coroutine: Any = call_if_found(reader.coroutine, obj)
        waiter = call_if_found(reader.waiter, obj)
        kind = type(coroutine)
        thread = listing.thread(group.thread)
        tops = NOWHERE
        signature: Optional[int] = None
        wait: Optional[Wait] = None
        failure: Optional[str] = None
        state: ActivityState
        if reader.state(obj) != "PENDING":
            state = "done"
            exception = failure_of(reader, obj)
            if exception is not None:
                failure = error_line(exception)
                # Whether others have ended with it takes too long to find out for each: the full stack tells more.
                tops = tops_of_traceback(origin_of(reader, obj, exception, lambda: True), listing.is_own)
        elif (kind is Coroutine and coroutine.cr_running) or (kind is Generator and coroutine.gi_running):
            state, tops = running_state(coroutine, listing)
            if state == "running":
                wait = self._nested_wait(coroutine, group, listing)
        elif kind is not Coroutine and kind is not Generator and self._is_current(obj, group.loop):
            # Such as the asend() of an async generator, which does not tell whether it runs.
            awaiting, _ = await_chain(coroutine)
            state, tops = running_state(awaiting[0], listing) if awaiting else ("running", NOWHERE)
        else:
            owners, tops, signature = listing.survey(coroutine)
            state = self._state(reader, obj, coroutine, waiter)
            if waiter is not None and state != "ready":
                wait = self._waits.describe(waiter, owners, listing)
                for refine in refinements:
                    wait = refine(wait, owners) or wait
        callbacks = reader.callbacks(obj)
        parent = self._links.parent_of(obj) if type(callbacks) is list and callbacks else None
        if state != "running" and state != "done":
            requests = reader.cancelling(obj)
            if state == "cancelling" or reader.must_cancel(obj) is True:
                wait = self._cancellations.wait_of(obj, parent)
                state = "cancelling"
            elif type(requests) is int and requests > 0:
                state = "cancelling"
        thread_id = thread.id if thread is not None else None
        loop_id = self._loop_ids.get(id(group.loop))
        if loop_id is None and group.loop is not None:
            loop_id = self._loop_ids[id(group.loop)] = listing.id_of(group.loop, "loop")
        return new_activity(
            "task",
            "asyncio",
            listing.id_of(obj, "task"),
            name if type(name) is str else type_name(type(obj)),
            state,
            obj,
            listing.id_of(parent, "task") if parent is not None else thread_id,
            thread_id,
            loop_id,
            wait,
            tops.top,
            traceback,
            None,
            signature,
            failure,
            tops.innermost,
            None,
        )

    def _nested_wait(self, coroutine: Any, group: Group, listing: Listing) -> Optional[Wait]:
        """Return the task until whose end a task runs its event loop, if it does."""
        frame = frame_of(coroutine)
        if frame is None or group.thread is None:
            return None
        task = nested_run(frame, thread_frames(group.thread))
        if task is None or self._futures.reader_of_task(task) is not None:
            return None if task is None else self._waits.of_task(task, listing)
        name = exact_str(get_field(task, "name"))  # of trio
        return Wait("task", "task" if name is None else f"task {name}", task, (listing.id_of(task, "task"),))

    def _is_current(self, task: object, loop: object) -> bool:
        """Return whether *loop* executes a step of *task* now."""
        accelerator, tasks = imported("_asyncio"), imported("asyncio.tasks")
        for module in (accelerator, tasks):
            current: Any = module_field(module, "_current_tasks") if module is not None else None
            if type(current) is dict and any(task is other for other in list(current.values())):
                return True
        if accelerator is None or module_field(accelerator, "_scheduled_tasks") is not None or loop is None:
            return False
        # CPython 3.14 and later; before, it would hash the loop.
        current_task: Any = module_field(accelerator, "current_task")
        return current_task is not None and current_task(loop) is task

    def _state(self, reader: FutureReader, task: object, coroutine: object, waiter: object) -> ActivityState:
        if waiter is None:
            return "created" if is_unstarted(coroutine) else "ready"
        future = self._futures.reader_of_future(waiter)
        if future is None:
            return "suspended"
        state = future.state(waiter)
        # The task has not been told yet. If it is cancelled, a CancelledError is on its way into the coroutine.
        return "suspended" if state == "PENDING" else "cancelling" if state == "CANCELLED" else "ready"


def _some(names: Sequence[str]) -> str:
    return ", ".join(sorted(names)[:_MOST_NAMES]) + (", ..." if len(names) > _MOST_NAMES else "")
