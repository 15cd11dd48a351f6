"""What greenlets of gevent wait for.

Functions that Cython has compiled have no frames: which of them a greenlet is in is told by what its innermost frame
calls, and with what. That a greenlet waits for an object is certain if the object has it in its list.
"""

from __future__ import annotations

import types
from typing import Iterator, List, Optional, Sequence, Tuple, cast

import attrs

from ..._frames import variable_of_program
from ..._model import Wait
from ..._objects import get_field, is_a
from ..._snapshot.sets import copy_set
from ..._snapshot.source import Listing
from ..._waits.kinds import LOCK_OF_CONDITION, add_words, wait_for
from .._calls import UNKNOWN, Calls, KnownCall, KnownCalls
from .._known import Known, KnownFunctions
from ..greenlet.greenlets import GreenletReader, GreenletWaits, greenlet_waits, name_of_greenlet, reader
from ..threading.waits import THREAD_WAITS, lock_taken_again
from . import links
from .links import Links, near

#: Where classes share a function, the last of them is whose method it is taken for.
_QUEUES = ("Channel", "LifoQueue", "PriorityQueue", "UnboundQueue", "JoinableQueue", "Queue", "SimpleQueue")
_READING = ("recv", "recv_into", "recvfrom", "recvfrom_into", "recvmsg", "recvmsg_into", "read")
_WRITING = ("send", "sendall", "sendto", "sendmsg", "sendfile", "write")
#: Functions, compiled or not.
WAITS: Known = (
    ("gevent.hub", "sleep", "sleep"),
    ("gevent.hub", "idle", "idle event loop"),
    ("gevent.hub", "Hub.wait", "events"),
    ("gevent.hub", "Hub.join", "end of an event loop"),
    ("gevent.hub", "Waiter.get", "another greenlet to switch to it"),
    ("gevent.event", "Event.wait", "event"),
    ("gevent.event", "AsyncResult.get", "result"),
    ("gevent.event", "AsyncResult.wait", "result"),
    *[
        (module, f"{cls}.{name}", "semaphore")
        for module in ("gevent.lock", "gevent._semaphore")
        for cls in ("BoundedSemaphore", "Semaphore")
        for name in ("acquire", "__enter__", "wait")
    ],
    *[("gevent.lock", f"RLock.{name}", "lock") for name in ("acquire", "__enter__")],
    ("gevent.thread", "LockType.acquire", "lock"),
    ("threading", "_RLock.acquire", "lock"),  # which gevent puts in the place of the one that is written in C
    *[
        ("gevent.queue", f"{cls}.{name}", words)
        for cls in _QUEUES
        for name, words in (
            ("get", "item of a queue"),
            ("peek", "item of a queue"),
            ("__next__", "item of a queue"),
            ("next", "item of a queue"),
            ("put", "place in a queue"),
            ("join", "end of a queue"),
        )
    ],
    *[("gevent.greenlet", f"Greenlet.{name}", "greenlet to end") for name in ("join", "get", "kill")],
    ("gevent.greenlet", "joinall", "greenlets to end"),
    ("gevent.greenlet", "killall", "greenlets to end"),
    ("gevent._hub_primitives", "wait_on_objects", "greenlets to end"),
    ("gevent._hub_primitives", "_WaitIterator.__next__", "one of several greenlets to end"),
    # It returns such an iterator.
    ("gevent._hub_primitives", "iwait_on_objects", "one of several greenlets to end"),
    ("gevent._hub_primitives", "wait_read", "socket to read"),
    ("gevent._hub_primitives", "wait_write", "socket to write"),
    ("gevent._hub_primitives", "wait_readwrite", "socket"),
    ("gevent._hub_primitives", "wait_on_watcher", "events"),
    ("gevent._hub_primitives", "wait_on_socket", "socket"),
    ("gevent.pool", "GroupMappingMixin.apply", "result of a pool"),
    ("gevent.pool", "Pool.add", "place in a pool"),
    ("gevent.pool", "Pool.spawn", "place in a pool"),
    ("gevent.pool", "Pool.start", "place in a pool"),
    ("gevent.pool", "Pool.wait_available", "place in a pool"),
    ("gevent.pool", "GroupMappingMixin.spawn", ""),
    ("gevent.pool", "Group.spawn", ""),
    ("gevent.pool", "Group.join", "greenlets of a group to end"),
    ("gevent.pool", "Group.kill", "greenlets of a group to end"),
    ("gevent.threadpool", "ThreadPool.spawn", "place in a pool of threads"),
    ("gevent.threadpool", "ThreadPool.join", "pool of threads to end"),
    *[("gevent._socket3", f"socket.{name}", "socket data") for name in _READING[:-1]],
    *[("gevent._socket3", f"socket.{name}", "socket to send") for name in _WRITING[:-1]],
    ("gevent._socket3", "socket.accept", "connection"),
    ("gevent._socket3", "socket.connect", "connection"),
    ("gevent._socket3", "socket.connect_ex", "connection"),
    ("gevent._socketcommon", "SocketMixin._internal_connect", "connection"),
    ("gevent._socketcommon", "getaddrinfo", "name resolution"),
    ("gevent._socketcommon", "gethostbyname", "name resolution"),
    *[("gevent.ssl", f"SSLSocket.{name}", "socket data") for name in _READING],
    *[("gevent.ssl", f"SSLSocket.{name}", "socket to send") for name in _WRITING],
    ("gevent.ssl", "SSLSocket.do_handshake", "handshake"),
    ("gevent.select", "select", "events of sockets"),
    ("gevent.select", "SelectResult.select", "events of sockets"),
    ("gevent.select", "poll.poll", "events of sockets"),
    ("gevent.selectors", "GeventSelector.select", "events of sockets"),
    ("gevent.subprocess", "Popen.wait", "process"),
    ("gevent.subprocess", "Popen._gevent_result_wait", "process"),
    ("gevent.subprocess", "Popen.communicate", "process"),
    ("gevent.os", "tp_read", "data to read"),
    ("gevent.os", "nb_read", "data to read"),
    ("gevent.os", "nb_write", "place to write to"),
    ("gevent.os", "waitpid", "process"),
    ("gevent.threading", "Thread.join", "thread to end"),
    ("gevent.thread", "_ThreadHandle.join", ""),
    # What calls these says what for. Some have frames only where gevent is not compiled.
    ("gevent._greenlet_primitives", "SwitchOutGreenletWithLoop.switch", ""),
    ("gevent._hub_primitives", "_primitive_wait", ""),
    *[
        ("gevent._abstract_linkable", f"AbstractLinkable.{name}", "")
        for name in ("_wait", "_wait_core", "_switch_to_hub", "_AbstractLinkable__wait_to_be_notified")
    ],
    *[
        ("gevent.queue", f"{cls}.{name}", "")
        for cls in ("Queue", "SimpleQueue")
        for name in ("_Queue__get_or_peek", "_SimpleQueue__get_or_peek")
    ],
    ("gevent.timeout", "with_timeout", ""),
    ("gevent.baseserver", "BaseServer.serve_forever", "server to stop"),
)
for _words, _kind in (
    ("result", "future"),
    ("result of a pool", "future"),
    ("greenlet to end", "task"),
    ("greenlets to end", "tasks"),
    ("one of several greenlets to end", "tasks"),
    ("greenlets of a group to end", "group"),
    ("place in a pool", "limiter"),
    ("place in a pool of threads", "executor"),
    ("pool of threads to end", "executor"),
    ("events of sockets", "socket"),
    ("place to write to", "pipe"),
):
    add_words(_words, _kind)  # type: ignore[arg-type]
#: Which argument is a timeout, from 0.
_TIMEOUTS = {
    "get": 1,
    "peek": 1,
    "put": 2,
    "wait": 0,
    "join": 0,
    "acquire": 1,
    "kill": 2,
    "joinall": 1,
    "killall": 3,
    "wait_on_objects": 1,
}
_COUNTS = {"joinall": 3, "wait_on_objects": 2}

_functions = KnownFunctions((*THREAD_WAITS, *WAITS))
_calls = KnownCalls()
_calls.add(WAITS)


class Waits(GreenletWaits):
    """What greenlets wait for, at one look."""

    def __init__(self, greenlets: Sequence[object]) -> None:
        self._reader: Optional[GreenletReader] = reader()
        self._greenlets = {id(each): each for each in greenlets}
        self._links = Links()
        self._seen: Calls = {}

    def of(self, greenlet: object, innermost: Optional[types.FrameType], listing: Listing) -> Optional[Wait]:
        """Return what a suspended greenlet waits for, if that is known."""
        if innermost is None:  # all that it executes is compiled
            called = _call_of(greenlet)
            return None if called is None else self._refined(self._called(called, greenlet, None, listing))
        wait, _ = _functions.wait_of_thread(innermost)
        call = _calls.call_of(innermost, self._seen) if wait is None else None
        if call is not None:
            wait = self._called(call, greenlet, innermost, listing)
        elif wait is None:
            found = self._near(greenlet, innermost)
            wait = None if found is None else wait_for(found[1].words, found[0])
        elif wait.description == "greenlet to end":
            wait = self._greenlet(wait.target, wait.deadline, listing)
        elif wait.kind == "condition" and wait.target is not None:
            lock = lock_taken_again(innermost, wait.target)
            wait = wait if lock is None else wait_for(LOCK_OF_CONDITION, lock)
        elif wait.kind == "thread":
            ident = get_field(wait.target, "_ident")
            other = self._greenlets.get(ident) if type(ident) is int else None
            wait = attrs.evolve(wait, activities=self._alive([other], listing))
        elif wait.kind == "group":
            members = get_field(wait.target, "greenlets")
            found_ids = self._alive(copy_set(members) if type(members) is set else (), listing)
            wait = attrs.evolve(wait, activities=found_ids, needs="all")
        return None if wait is None else self._refined(wait)

    def moment_of(self, greenlet: object, innermost: Optional[types.FrameType]) -> Tuple[object, ...]:
        """Return what is another as soon as the greenlet has gone on."""
        call = _calls.call_of(innermost, self._seen) if innermost is not None else _call_of(greenlet)
        target = call.target if call is not None else None
        if target is None and innermost is not None:
            target = variable_of_program(innermost, "self")
        link = self._links.find(target, greenlet) if target is not None else None
        return () if link is None else (link.link,)

    def _called(self, call: KnownCall, greenlet: object, frame: Optional[types.FrameType], listing: Listing) -> Wait:
        words, target = call.description, call.target
        deadline = _deadline(call)
        if words == "greenlet to end":
            return self._greenlet(target, deadline, listing)
        if words in ("greenlets to end", "one of several greenlets to end"):
            return self._several(call, deadline, listing)
        link = self._links.find(target, greenlet) if target is not None else None
        if link is not None:
            words = link.words if link.words != "semaphore" else words
        else:
            found = self._near(greenlet, frame) if frame is not None else None
            target = None
            if found is not None:
                target, words = found[0], found[1].words
        wait = wait_for(words, target)
        return wait if deadline is None else attrs.evolve(wait, deadline=deadline)

    def _greenlet(self, target: object, deadline: Optional[float], listing: Listing) -> Wait:
        if self._reader is None or not is_a(target, self._reader.cls):
            return wait_for("greenlet to end")
        wait = wait_for("greenlet to end", target, self._alive([target], listing))
        return attrs.evolve(wait, description=f"greenlet {name_of_greenlet(target)}", deadline=deadline)

    def _several(self, call: KnownCall, deadline: Optional[float], listing: Listing) -> Wait:
        items = call.positional[0] if call.positional else call.keywords.get("greenlets", call.keywords.get("objects"))
        if type(items) is set:
            items = copy_set(items)
        each = list(cast(List[object], items)) if type(items) is list or type(items) is tuple else []
        cls = self._reader.cls if self._reader is not None else None
        greenlets = [one for one in each if cls is not None and is_a(one, cls)]
        is_any = call.name == "__next__" or _argument(call, _COUNTS.get(call.name, -1), "count") is not None
        activities = self._alive(greenlets, listing)
        if is_any and len(greenlets) < len(each):
            activities = ()
        words = call.description
        if activities:
            words = "1 greenlet to end" if len(activities) == 1 else f"{len(activities)} greenlets to end"
        wait = wait_for(call.description, None, activities)
        return attrs.evolve(wait, description=words, needs="any" if is_any else "all", deadline=deadline)

    def _refined(self, wait: Wait) -> Wait:
        """Return *wait* with what the object itself tells."""
        if wait.description == "semaphore" and get_field(wait.target, "_initial_value") == 1:
            return attrs.evolve(wait, kind="lock", description="lock")
        return wait

    def _near(self, greenlet: object, frame: types.FrameType) -> Optional[Tuple[object, links.Link]]:
        return near(_variables(frame), greenlet, self._links)

    def _alive(self, greenlets: Sequence[object], listing: Listing) -> Tuple[str, ...]:
        return tuple(
            [
                listing.id_of(each, "greenlet")
                for each in greenlets
                if each is not None and self._reader is not None and not self._reader.is_dead(each)
            ]
        )


def _call_of(greenlet: object) -> Optional[KnownCall]:
    """Return what a greenlet was made to run, if that is a method which waits."""
    args, kwargs = get_field(greenlet, "args"), get_field(greenlet, "kwargs")
    keywords = kwargs if type(kwargs) is dict else {}
    return _calls.call_to(get_field(greenlet, "_run"), args if type(args) is tuple else (), keywords)


def _variables(frame: types.FrameType) -> Iterator[object]:
    code = frame.f_code
    for name in (*code.co_varnames, *code.co_cellvars, *code.co_freevars):
        value = variable_of_program(frame, name)
        if value is not None:
            yield value
    for name in code.co_names:
        value = dict.get(frame.f_globals, name)
        if value is not None and type(value) is not types.ModuleType:
            yield value


def _argument(call: KnownCall, index: int, name: str) -> object:
    if call.positional is None:
        return UNKNOWN
    if name in call.keywords:
        return call.keywords[name]
    return call.positional[index] if 0 <= index < len(call.positional) else None


def _deadline(call: KnownCall) -> Optional[float]:
    """Return after how many seconds the call ends at the latest; 0 if that is unknown, None if it does not."""
    index = _TIMEOUTS.get(call.name)
    if index is None:
        return None
    timeout = _argument(call, index, "timeout")
    if timeout is None:
        return None
    if type(timeout) is int or type(timeout) is float:
        return None if call.name == "acquire" and cast(float, timeout) < 0 else max(0.0, float(cast(float, timeout)))
    return 0.0


def install() -> None:
    """Have it said what greenlets wait for."""
    greenlet_waits.append(Waits)
