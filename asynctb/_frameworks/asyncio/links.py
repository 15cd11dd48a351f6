"""Which asyncio task belongs to which other one: the owner of its task group, or the one task that awaits it.

All of it stands in the callbacks that a task calls when it is done. They are functions of asyncio (or of a library on
top of it) that have what they notify in their closure.
"""

from __future__ import annotations

import collections
import functools
import sys
import types
from typing import Callable, Dict, Iterator, List, Optional, Set, Tuple, cast

from ..._objects import class_attribute, get_field, is_a, module_field
from ..._snapshot.sets import imported
from .._known import nested_code
from .futures import Futures, closure_of

#: Functions of asyncio that are called back, the functions around them, and which of their variables is notified.
_CALLBACKS = (
    ("gather", "_done_callback", "outer"),
    ("_gather", "_done_callback", "outer"),  # 3.9
    ("shield", "_inner_done_callback", "outer"),
    ("_wait", "_on_completion", "waiter"),
    ("staggered_race", "task_done", "on_completed_fut"),  # in later patch releases of 3.12 and 3.13, and from 3.14 on
    ("as_completed", "_on_completion", "done"),  # before 3.13; a queue
)
#: More futures between two tasks than anybody chains.
_MAX_CHAIN = 100

#: Gets a function that a task calls back, and returns the task that owns it, or None.
ParentFinder = Callable[[types.FunctionType], Optional[object]]
#: By the identity of the function's code object, which must live as long as the process.
parent_finders: Dict[int, ParentFinder] = {}


class TaskLinks:
    """Parents of tasks; each is determined once."""

    def __init__(self, futures: Futures) -> None:
        self._futures = futures
        self._parents: Dict[int, Tuple[object, Optional[object]]] = {}
        #: By identity of futures, which are kept alive: the tasks and the futures that go on when it is done.
        self._called: Dict[int, Tuple[object, List[object], List[object]]] = {}
        self._notified: Dict[int, str] = {}
        self._release_waiter: Optional[object] = None
        self._group_done: Optional[object] = None
        self._completed: Optional[object] = None
        tasks = sys.modules.get("asyncio.tasks")
        if is_a(tasks, types.ModuleType):
            module = cast(types.ModuleType, tasks)
            staggered = imported("asyncio.staggered")
            for outer, inner, variable in _CALLBACKS:
                holder = staggered if outer == "staggered_race" else module
                code = nested_code(module_field(holder, outer), inner) if holder is not None else None
                if code is not None:
                    self._notified[id(code)] = variable
            self._release_waiter = module_field(module, "_release_waiter")
            iterator = module_field(module, "_AsCompletedIterator")  # CPython 3.13
            if iterator is not None:
                self._completed = class_attribute(iterator, "_handle_completion")
        groups = sys.modules.get("asyncio.taskgroups")  # CPython 3.11
        if is_a(groups, types.ModuleType):
            group = module_field(cast(types.ModuleType, groups), "TaskGroup")
            self._group_done = vars(group).get("_on_task_done") if group is not None else None

    def parent_of(self, task: object) -> Optional[object]:
        """Return the task that owns *task* or is the only one that awaits it, or None. Parents form no circles."""
        known = self._parents.get(id(task))
        if known is not None:
            return known[1]
        if not self._futures.callbacks_of(task):
            return None
        path: List[object] = []
        on_path: Set[int] = set()
        current: Optional[object] = task
        while current is not None and id(current) not in self._parents and id(current) not in on_path:
            path.append(current)
            on_path.add(id(current))
            current = self._direct_parent(current)
        parents = [*path[1:], current]
        if current is not None and id(current) in on_path:
            # Tasks that await each other in a circle: one of them, always the same one, is taken for the first.
            circle = next(index for index, member in enumerate(path) if member is current)
            first = min(range(circle, len(path)), key=lambda index: id(path[index]))
            parents[first] = None
        for member, parent in zip(path, parents):
            self._parents[id(member)] = member, parent
        return self._parents[id(task)][1]

    def _direct_parent(self, task: object) -> Optional[object]:
        callbacks = self._futures.callbacks_of(task)
        if not callbacks:
            return None
        awaiters: Dict[int, object] = {}
        for callback in callbacks:
            if type(callback) is types.MethodType:
                if self._group_done is not None and callback.__func__ is self._group_done:
                    owner = get_field(callback.__self__, "_parent_task")
                    if self._futures.reader_of_task(owner) is not None:
                        return cast(object, owner)
            elif type(callback) is types.FunctionType:
                find = parent_finders.get(id(callback.__code__))
                owner = find(callback) if find is not None else None
                if owner is not None:
                    return owner
        for awaiter in self._awaiters_of(task):
            awaiters[id(awaiter)] = awaiter
            if len(awaiters) > 1:
                return None
        return awaiters.popitem()[1] if len(awaiters) == 1 else None

    def _awaiters_of(self, future: object) -> Iterator[object]:
        """Yield the tasks that go on when *future* is done, also those that await it through other futures."""
        todo = [future]
        for _ in range(_MAX_CHAIN):
            if not todo:
                break
            tasks, futures = self._called_by(todo.pop())
            yield from tasks
            todo += futures

    def _called_by(self, future: object) -> Tuple[List[object], List[object]]:
        known = self._called.get(id(future))
        if known is not None:
            return known[1], known[2]
        tasks: List[object] = []
        futures: List[object] = []
        callbacks = self._futures.callbacks_of(future)
        for callback in callbacks:
            task = self._futures.woken_by(callback)
            if task is not None:
                tasks.append(task)
                continue
            notified = self._notified_by(callback)
            getters = get_field(notified, "_getters")  # of the queue between `as_completed` and who awaits that
            if type(getters) is collections.deque:
                futures += tuple(getters)
            elif notified is not None:
                futures.append(notified)
        if len(callbacks) > 1:  # the future of a gather() is come to from each of its tasks
            self._called[id(future)] = future, tasks, futures
        return tasks, futures

    def _notified_by(self, callback: object) -> Optional[object]:
        if type(callback) is types.FunctionType:
            variable = self._notified.get(id(callback.__code__))
            return closure_of(callback).get(variable) if variable is not None else None
        if type(callback) is functools.partial:  # wait_for() of CPython 3.8 to 3.11
            partial = cast("functools.partial[object]", callback)
            if self._release_waiter is not None and partial.func is self._release_waiter and partial.args:
                return cast(object, partial.args[0])
        if type(callback) is types.MethodType and callback.__func__ is self._completed:
            return cast(object, get_field(callback.__self__, "_done"))
        return None
