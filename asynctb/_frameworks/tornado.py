"""Tornado: the generators of `tornado.gen.coroutine`, with what they wait for; its own frames are hidden.

Its native coroutines are tasks of asyncio. (``Runner`` in tornado/gen.py of Tornado 6.)
"""

from __future__ import annotations

import types
from typing import Dict, List, Optional, Sequence, Tuple

from .._model import ActivityState, Wait
from .._objects import get_field, module_field
from .._snapshot.registry import RegisteredSource
from .._snapshot.sets import imported
from .._snapshot.source import Generator, Group, Listing, Owner, ThreadRecord, call_if_found
from ._hiding import hide_package
from ._resumed import ResumedTasks
from ._room import Room
from .asyncio.futures import Futures
from .asyncio.waits import WaitTable

_GEN = "tornado.gen"


def _install(module: types.ModuleType) -> None:
    hide_package("tornado")


class TornadoTasks(ResumedTasks):
    """The source of the generators that Tornado resumes."""

    framework = "tornado"

    def __init__(self, threads: Dict[int, ThreadRecord], *, thorough: bool) -> None:
        super().__init__(threads, thorough=thorough)
        self._futures = Futures()
        self._wait_table = WaitTable(self._futures)
        #: By the identity of generators: what resumes them, which refers to them.
        self._runners: Dict[int, object] = {}
        #: Generators by the identity of the future that gets their result, and by that of the one that they wait for;
        #: the futures are kept alive.
        self._results: Dict[int, Tuple[object, object]] = {}
        self._waiting: Dict[int, Tuple[object, object]] = {}

    def groups(self) -> List[Group]:
        module = imported(_GEN)
        cls = module_field(module, "Runner") if module is not None else None
        by_loop: Dict[int, Tuple[object, List[object]]] = {}
        for runner in self.find(cls) if cls is not None else ():
            generator, result, future = (get_field(runner, name) for name in ("gen", "result_future", "future"))
            if type(generator) is not Generator or generator.gi_frame is None:  # it has ended
                continue
            self._runners[id(generator)] = runner
            self._results[id(result)] = result, generator
            self._waiting.setdefault(id(future), (future, generator))
            loop = get_field(get_field(runner, "io_loop"), "asyncio_loop")
            by_loop.setdefault(id(loop), (loop, []))[1].append(generator)
        groups = []
        for loop, members in by_loop.values():
            ident = get_field(loop, "_thread_id")
            groups.append(Group(self, ident if type(ident) is int and ident in self.threads else None, loop, members))
        return groups

    def state_of(self, task: object, coroutine: object) -> ActivityState:
        future = get_field(self._runners[id(task)], "future")
        reader = self._futures.reader_of_future(future)
        done = reader is not None and call_if_found(reader.state, future) != "PENDING"
        return "ready" if done else "suspended"

    def wait_of(self, task: object, owners: Sequence[Owner], listing: Listing) -> Optional[Wait]:
        future = get_field(self._runners[id(task)], "future")
        if id(future) in self._results:
            generator = self._results[id(future)][1]
            return Wait("task", "task " + self.name_of(generator), generator, (listing.id_of(generator, "task"),))
        return self._wait_table.describe(future, owners, listing)

    def parent_of(self, task: object, group: Group) -> Optional[object]:
        """Return the generator or the task of asyncio that waits for the result of *task*."""
        result = get_field(self._runners[id(task)], "result_future")
        if id(result) in self._waiting:
            return self._waiting[id(result)][1]
        woken = [self._futures.woken_by(callback) for callback in self._futures.callbacks_of(result)]
        return next((other for other in woken if other is not None), None)


ROOM = Room(
    {"tornado": _install},
    RegisteredSource("Coroutines of Tornado", lambda search: TornadoTasks(search.threads, thorough=search.thorough)),
)
