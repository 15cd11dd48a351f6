"""Twisted: the coroutines and generators that wait for Deferreds, its locks, and what its reactor waits for.

Its own frames are hidden. (twisted/internet/defer.py of Twisted 21 to 26.)
"""

from __future__ import annotations

import sys
import types
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from .._frames import local_variable
from .._model import Wait
from .._objects import class_attribute, get_field, is_a, module_field, type_name
from .._snapshot.registry import RegisteredSource
from .._snapshot.sets import imported
from .._snapshot.source import Group, Listing, Owner, ThreadRecord, frames_of
from .._stacks.customize import register_elaborate_context
from .._waits.kinds import wait_for
from ._describing import describe_by, waiting_text
from ._hiding import hide_package
from ._known import Known, nested_code
from ._resumed import ResumedTasks
from ._room import Room

_DEFER = "twisted.internet.defer"
#: How far Deferreds are followed that fire each other.
_MOST_DEFERREDS = 1000
#: Methods that cancel what one waits for, and what that is.
_CANCELLERS = (
    ("DeferredLock", "_cancelAcquire", "lock"),
    ("DeferredSemaphore", "_cancelAcquire", "semaphore"),
    ("DeferredQueue", "_cancelGet", "item of a queue"),
)
_THREAD_WAITS: Known = (
    ("twisted.internet.epollreactor", "EPollReactor.doPoll", "events"),
    ("twisted.internet.pollreactor", "PollReactor.doPoll", "events"),
    ("twisted.internet.selectreactor", "SelectReactor.doSelect", "events"),
    ("twisted.internet.kqreactor", "KQueueReactor.doKEvent", "events"),
)


def _install(module: types.ModuleType) -> None:
    hide_package("twisted")


def _install_locks(module: types.ModuleType) -> None:
    register_elaborate_context(module_field(module, "DeferredLock"))(describe_by(_lock))
    register_elaborate_context(module_field(module, "DeferredSemaphore"))(describe_by(_semaphore))


def _waiting(lock: object) -> str:
    waiting = get_field(lock, "waiting")
    return waiting_text(len(waiting) if type(waiting) is list else 0)


def _lock(lock: object) -> str:
    return ("locked" if get_field(lock, "locked") is True else "not locked") + _waiting(lock)


def _semaphore(semaphore: object) -> Optional[str]:
    tokens = get_field(semaphore, "tokens")
    return f"value {tokens}{_waiting(semaphore)}" if type(tokens) is int else None


class TwistedTasks(ResumedTasks):
    """The source of the coroutines and generators that Twisted resumes."""

    framework = "twisted"

    def __init__(self, threads: Dict[int, ThreadRecord], *, thorough: bool) -> None:
        super().__init__(threads, thorough=thorough)
        #: By the identity of coroutines: what knows the Deferred that it waits for, and the one with its own result.
        self._statuses: Dict[int, object] = {}
        #: Coroutines by the identity of the Deferred with their result, which is kept alive.
        self._results: Dict[int, Tuple[object, object]] = {}
        module = imported(_DEFER)
        self._module = module
        self._deferred: Any = module_field(module, "Deferred") if module is not None else None
        self._resume = module_field(module, "_gotResultInlineCallbacks") if module is not None else None

    def groups(self) -> List[Group]:
        cls = module_field(self._module, "_CancellationStatus") if self._module is not None else None
        if cls is None or self._deferred is None or self._module is None:
            return []
        members: Dict[int, object] = {}
        seen: Dict[int, object] = {}  # many can wait for one
        for status in self.find(cls):
            waited_for = get_field(status, "waitingOn")
            if id(waited_for) in seen:
                continue
            seen[id(waited_for)] = waited_for
            for callback, arguments in self._callbacks_of(waited_for):
                if callback is self._resume and len(arguments) > 2 and type(arguments[2]) is cls:
                    self._add(members, arguments[1], arguments[2])
        step = module_field(self._module, "_inlineCallbacks")
        for _, frame in frames_of(self.threads, step.__code__) if type(step) is types.FunctionType else ():
            self._add(members, local_variable(frame, "gen"), local_variable(frame, "status"))
        return [Group(self, *self._reactor(), list(members.values()))] if members else []

    def _add(self, members: Dict[int, object], coroutine: object, status: object) -> None:
        deferred = get_field(status, "deferred")
        if coroutine is not None and deferred is not None:
            members[id(coroutine)] = coroutine
            self._statuses[id(coroutine)] = status
            self._results[id(deferred)] = deferred, coroutine

    def _reactor(self) -> Tuple[Optional[int], Optional[object]]:
        """Return the number of the thread that the reactor runs in, if it runs, and the reactor."""
        reactor: Optional[object] = sys.modules.get("twisted.internet.reactor")  # it is in the place of the module
        threads = imported("twisted.python.threadable")
        if threads is None or get_field(reactor, "_started") is not True:
            return None, reactor
        ident = module_field(threads, "ioThread")
        return ident if type(ident) is int and ident in self.threads else None, reactor

    def _callbacks_of(self, deferred: object) -> Iterator[Tuple[object, Tuple[object, ...]]]:
        """Yield what a Deferred calls with its result, and the arguments."""
        entries = get_field(deferred, "_callbacks") if is_a(deferred, self._deferred) else None
        if entries is None and is_a(deferred, self._deferred):
            entries = get_field(deferred, "callbacks")  # before Twisted 25.5
        for entry in tuple(entries) if type(entries) is list else ():
            call = entry[0] if type(entry) is tuple and entry else None
            if type(call) is tuple and len(call) == 3:
                yield call[0], call[1] if type(call[1]) is tuple else ()

    def parent_of(self, task: object, group: Group) -> Optional[object]:
        """Return the first that waits for the result of *task*, also together with that of others."""
        todo = [get_field(self._statuses[id(task)], "deferred")]
        for deferred in todo:
            for callback, arguments in self._callbacks_of(deferred):
                if callback is self._resume and len(arguments) > 1:
                    return arguments[1]
                # That of a list, that of `chainDeferred`, or one whose callback has returned this one.
                fired = callback.__self__ if type(callback) is types.MethodType else None
                for other in (fired, *arguments[:1]):
                    if is_a(other, self._deferred) and len(todo) < _MOST_DEFERREDS:
                        todo.append(other)
        return None

    def wait_of(self, task: object, owners: Sequence[Owner], listing: Listing) -> Optional[Wait]:
        deferred = get_field(self._statuses[id(task)], "waitingOn")
        for _ in range(_MOST_DEFERREDS):
            if id(deferred) in self._results:
                coroutine = self._results[id(deferred)][1]
                return Wait("task", "task " + self.name_of(coroutine), coroutine, (listing.id_of(coroutine, "task"),))
            behind = get_field(deferred, "_chainedTo")
            if behind is None:
                break
            deferred = behind
        return self._known_wait(get_field(deferred, "_canceller")) or wait_for(self._kind_of(deferred), deferred)

    def _known_wait(self, canceller: Any) -> Optional[Wait]:
        """Return what is waited for by the Deferred that *canceller* cancels, if that is known."""
        if type(canceller) is types.MethodType and self._module is not None:
            for class_name, method, description in _CANCELLERS:
                cls = module_field(self._module, class_name)
                if cls is not None and canceller.__func__ is class_attribute(cls, method):
                    return wait_for(description, canceller.__self__)
        tasks = imported("twisted.internet.task")
        later = module_field(tasks, "deferLater") if tasks is not None else None
        if type(canceller) is types.FunctionType and canceller.__code__ is nested_code(later, "deferLaterCancel"):
            return wait_for("sleep")
        return None

    def _kind_of(self, deferred: object) -> str:
        if self._module is not None and type(deferred) is module_field(self._module, "DeferredList"):
            return "Deferreds"
        return "Deferred" if type(deferred) is self._deferred else type_name(type(deferred))


ROOM = Room(
    {"twisted": _install, _DEFER: _install_locks},
    RegisteredSource("Coroutines of Twisted", lambda search: TwistedTasks(search.threads, thorough=search.thorough)),
    thread_waits=_THREAD_WAITS,
)
