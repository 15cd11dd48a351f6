"""What greenlets of gevent wait for, in all that gevent has."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import pytest

from asynctb import Activity, Wait
from asynctb._snapshot.listing import snapshot

gevent: Any = pytest.importorskip("gevent", reason="gevent is not installed")
event: Any = pytest.importorskip("gevent.event")
lock: Any = pytest.importorskip("gevent.lock")
pool: Any = pytest.importorskip("gevent.pool")
queue: Any = pytest.importorskip("gevent.queue")
select: Any = pytest.importorskip("gevent.select")
socket: Any = pytest.importorskip("gevent.socket")
subprocesses: Any = pytest.importorskip("gevent.subprocess")
threadpool: Any = pytest.importorskip("gevent.threadpool")


class Room:
    """Objects that nobody frees, feeds or sets."""

    def __init__(self) -> None:
        self.event, self.result, self.lifo = event.Event(), event.AsyncResult(), queue.LifoQueue()
        self.queue, self.channel, self.full = queue.Queue(), queue.Channel(), queue.JoinableQueue(1)
        self.full.put(1)
        self.semaphore, self.bounded = lock.Semaphore(0), lock.BoundedSemaphore(2)
        self.single = lock.BoundedSemaphore(1)
        self.reentrant = lock.RLock()
        for held in (self.bounded, self.bounded, self.single, self.reentrant):
            held.acquire()
        self.pool, self.group = pool.Pool(1), pool.Group()
        self.pool.spawn(self.sleep)
        self.group.spawn(self.sleep)
        self.sleeper, self.other = gevent.spawn(self.sleep), gevent.spawn(self.sleep)
        self.sleeper.name = "sleeper"
        self.sockets = socket.socketpair()
        self.deep = [[self.event]]

    def sleep(self) -> None:
        gevent.sleep(3600)

    def event_of_call(self) -> Any:
        return self.event


def item_by_item(of: Any) -> None:
    for _ in of:
        pass


def enter(manager: Any) -> None:
    with manager:
        pass


def in_timeout(room: Room) -> None:
    with gevent.Timeout(77):
        room.event.wait()


def found_nearby(room: Room) -> None:
    waited_for = room.event  # noqa: F841
    room.event_of_call().wait()


def given_none(room: Room, timeout: Optional[float] = None) -> None:
    room.event.wait(timeout=timeout)


Case = Tuple[Callable[[Room], object], str, str, Optional[str]]
#: What is called, kind and words of the wait, and the attribute of the room that is waited for.
CASES: Dict[str, Case] = {
    "sleep": (lambda room: gevent.sleep(3600), "sleep", "sleep", None),
    "event": (lambda room: room.event.wait(), "event", "event", "event"),
    "event of an expression": (lambda room: room.deep[0][0].wait(), "event", "event", "event"),
    "event of a call": (found_nearby, "event", "event", "event"),
    "result": (lambda room: room.result.get(), "future", "result", "result"),
    "result, waited for": (lambda room: room.result.wait(), "future", "result", "result"),
    "semaphore": (lambda room: room.semaphore.acquire(), "semaphore", "semaphore", "semaphore"),
    "semaphore of two": (lambda room: enter(room.bounded), "semaphore", "semaphore", "bounded"),
    "semaphore of one": (lambda room: enter(room.single), "lock", "lock", "single"),
    "lock": (lambda room: enter(room.reentrant), "lock", "lock", "reentrant"),
    "lock, acquired": (lambda room: room.reentrant.acquire(), "lock", "lock", "reentrant"),
    "queue": (lambda room: room.queue.get(), "queue_get", "item of a queue (empty)", "queue"),
    "queue, peeked": (lambda room: room.queue.peek(), "queue_get", "item of a queue (empty)", "queue"),
    "queue, iterated": (lambda room: item_by_item(room.queue), "queue_get", "item of a queue (empty)", "queue"),
    "last in first out": (lambda room: room.lifo.get(), "queue_get", "item of a queue (empty)", "lifo"),
    "full queue": (lambda room: room.full.put(2), "queue_put", "place in a queue (1 of 1)", "full"),
    "unfinished queue": (lambda room: room.full.join(), "queue_join", "1 unfinished item of a queue", "full"),
    "channel": (lambda room: room.channel.get(), "queue_get", "item of a queue", "channel"),
    "greenlet": (lambda room: room.sleeper.join(), "task", "greenlet sleeper", "sleeper"),
    "value of a greenlet": (lambda room: room.sleeper.get(), "task", "greenlet sleeper", "sleeper"),
    "greenlets": (lambda room: gevent.joinall([room.sleeper, room.other]), "tasks", "2 greenlets to end", None),
    "waited for": (lambda room: gevent.wait([room.sleeper, room.event]), "tasks", "1 greenlet to end", None),
    "one by one": (
        lambda room: item_by_item(gevent.iwait([room.sleeper])),
        "tasks",
        "one of several greenlets to end",
        None,
    ),
    "full pool": (lambda room: room.pool.spawn(room.sleep), "limiter", "place in a pool (1 of 1 taken)", "pool"),
    "group": (lambda room: room.group.join(), "group", "greenlets of a group to end", "group"),
    "socket": (lambda room: room.sockets[0].recv(1), "socket", "socket data", None),
    "select": (lambda room: select.select(room.sockets[:1], [], []), "socket", "events of sockets", None),
}


def waiting(function: Callable[[], object]) -> Wait:
    """Return what a greenlet waits for in *function*."""
    greenlet = gevent.spawn(function)
    gevent.sleep(0)
    gevent.sleep(0)
    try:
        (activity,) = [each for each in snapshot().activities if each.target is greenlet]
        assert activity.state == "suspended"
        assert activity.waits_for is not None
        return activity.waits_for
    finally:
        greenlet.kill()


@pytest.fixture
def room() -> Iterator[Room]:
    made = Room()
    gevent.sleep(0)
    yield made
    for greenlet in (made.sleeper, made.other, *made.group.greenlets, *made.pool.greenlets):
        greenlet.kill()
    for each in made.sockets:
        each.close()


@pytest.mark.parametrize("name", CASES)
def test_wait(room: Room, name: str) -> None:
    function, kind, words, target = CASES[name]
    wait = waiting(lambda: function(room))
    assert (wait.kind, wait.description) == (kind, words)
    if target is not None:
        assert wait.target is getattr(room, target)


def test_channel_that_nobody_takes_from(room: Room) -> None:
    wait = waiting(lambda: room.channel.put(1))
    assert (wait.kind, wait.description, wait.target) == ("queue_put", "place in a queue", room.channel)


def test_greenlets_that_execute_nothing_but_compiled_functions(room: Room) -> None:
    ran: List[Any] = []
    for function, args, kind, target, deadline in (
        (room.event.wait, (), "event", room.event, None),
        (room.event.wait, (30,), "event", room.event, 30.0),
        (room.result.get, (), "future", room.result, None),
        (room.queue.get, (), "queue_get", room.queue, None),
        (room.sleeper.join, (), "task", room.sleeper, None),
    ):
        ran.append((gevent.spawn(function, *args), kind, target, deadline))
    gevent.sleep(0)
    found = {id(each.target): each for each in snapshot().activities}
    for greenlet, kind, target, deadline in ran:
        activity = found[id(greenlet)]
        assert activity.state == "suspended"
        assert activity.traceback is not None
        assert (activity.traceback.frames, activity.traceback.error) == ((), None)
        assert activity.waits_for is not None
        assert (activity.waits_for.kind, activity.waits_for.target) == (kind, target)
        assert activity.waits_for.deadline == deadline
    gevent.killall([each[0] for each in ran])


def test_greenlets_that_end_a_wait(room: Room) -> None:
    ids = {id(each.target): each.id for each in snapshot().activities}
    both = (ids[id(room.sleeper)], ids[id(room.other)])
    for function, activities, needs in (
        (lambda: room.sleeper.join(), both[:1], "all"),
        (lambda: gevent.joinall([room.sleeper, room.other]), both, "all"),
        (lambda: gevent.joinall((room.sleeper, room.other), count=1), both, "any"),
        (lambda: gevent.wait([room.sleeper, room.event]), both[:1], "all"),
        (lambda: gevent.wait([room.sleeper, room.event], count=1), (), "any"),
        (lambda: room.group.join(), tuple([ids[id(each)] for each in room.group.greenlets]), "all"),
    ):
        wait = waiting(function)
        assert (wait.activities, wait.needs) == (activities, needs)


def join_item(greenlets: List[Any], index: int) -> None:
    greenlets[index].join()


def join_each(greenlets: List[Any]) -> None:
    for index in range(len(greenlets)):
        greenlets[index].join()


def join_named(greenlet: Any) -> None:
    by_name = {"it": greenlet}
    by_name["it"].join()


def test_greenlets_in_collections(room: Room) -> None:
    ids = {id(each.target): each.id for each in snapshot().activities}
    first, second = ids[id(room.sleeper)], ids[id(room.other)]
    both, pair = [room.sleeper, room.other], (room.other, room.sleeper)
    functions: List[Tuple[Callable[[], object], Tuple[str, ...]]] = [
        (lambda: both[0].join(), (first,)),
        (lambda: both[-1].get(), (second,)),
        (lambda: pair[0].join(), (second,)),
        (lambda: join_item(both, 1), (second,)),
        (lambda: join_each(both), (first,)),
        (lambda: join_named(room.other), (second,)),
        (lambda: gevent.joinall(both[:1]), (first,)),
        (lambda: gevent.joinall(both[0:2]), (first, second)),
    ]
    for function, activities in functions:
        assert waiting(function).activities == activities


class Overridden(list):  # type: ignore[type-arg]
    def __getitem__(self, index: Any) -> Any:
        looked_up.append(index)
        return list.__getitem__(self, index)


looked_up: List[Any] = []


def test_no_code_of_collections_runs(room: Room) -> None:
    greenlets = Overridden([room.sleeper])
    greenlet = gevent.spawn(lambda: greenlets[0].join())
    gevent.sleep(0)
    (activity,) = [each for each in snapshot().activities if each.target is greenlet]
    assert activity.waits_for is None
    assert looked_up == [0]  # by the greenlet itself
    greenlet.kill()


def test_deadlines(room: Room) -> None:
    seconds = 40
    for function, deadline in (
        (lambda: room.event.wait(30), 30.0),
        (lambda: room.event.wait(timeout=seconds), 40.0),
        (lambda: given_none(room), None),
        (lambda: room.queue.get(True, 20), 20.0),
        (lambda: room.full.put(1, timeout=10), 10.0),
        (lambda: room.single.acquire(timeout=9), 9.0),
        (lambda: room.reentrant.acquire(timeout=8), 8.0),
        (lambda: room.sleeper.join(7), 7.0),
        (lambda: gevent.joinall([room.sleeper], timeout=6), 6.0),
        (lambda: in_timeout(room), 77.0),
    ):
        assert waiting(function).deadline == deadline


# Other tests may have left threads behind.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_process() -> None:
    process = subprocesses.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert waiting(process.wait).description == f"process {process.pid}"
    process.kill()
    process.wait()
    process.stdin.close()


def test_holders(room: Room) -> None:
    def hold(name: str) -> None:
        with getattr(mine, name):
            gevent.sleep(3600)

    mine = Room.__new__(Room)
    mine.reentrant, mine.single, mine.bounded = lock.RLock(), lock.BoundedSemaphore(1), lock.BoundedSemaphore(2)
    holders = [gevent.spawn(hold, name) for name in ("reentrant", "single", "bounded", "bounded")]
    gevent.sleep(0)
    ids = {id(each.target): each.id for each in snapshot().activities}
    for name, who, evidence in (
        ("reentrant", holders[:1], "owner"),
        ("single", holders[1:2], "block"),
        ("bounded", holders[2:], "block"),
    ):
        wait = waiting(lambda name=name: enter(getattr(mine, name)))  # type: ignore[misc]
        assert {each.activity for each in wait.holders} == {ids[id(each)] for each in who}
        assert {each.evidence for each in wait.holders} == {evidence}
        assert all(each.since is not None and each.since.funcname.endswith("hold") for each in wait.holders)
    gevent.killall(holders)


def test_many_that_wait_for_one(room: Room) -> None:
    """The time grows with their number, not with the square of it."""
    greenlets = [gevent.spawn(room.event.wait) for _ in range(2_000)]
    many = [gevent.spawn(lambda: room.event.wait()) for _ in range(2_000)]
    gevent.sleep(0)
    found = {id(each.target): each for each in snapshot(tracebacks=False).activities}
    assert all(found[id(each)].waits_for.target is room.event for each in many)  # type: ignore[union-attr]
    gevent.killall(greenlets + many)


def test_hub_that_is_idle() -> None:
    script = """
import threading, time
import gevent, asynctb
ready = threading.Event()
def look():
    ready.wait()
    while True:
        found = asynctb.snapshot()
        (hub,) = [each for each in found.activities if each.name == "hub"]
        if hub.state == "suspended":
            break
    print(hub.state, hub.waits_for.kind, [each.name for each in found.activities if each.kind == "greenlet"])
    import os
    os._exit(0)
threading.Thread(target=look).start()
gevent.spawn(ready.set)
gevent.sleep(3600)
"""
    out = run(script)
    assert out == "suspended events ['main greenlet', 'hub']\n"


PATCHED = """
from gevent import monkey
monkey.patch_all()
import queue, threading, time
from concurrent.futures import ThreadPoolExecutor
import gevent, asynctb

def spawn(name, function):
    thread = threading.Thread(target=function, name=name, daemon=True)
    thread.start()
    return thread

def hold():
    with lock, reentrant:
        time.sleep(3600)

def want():
    with lock:
        pass

def want_again():
    with reentrant:
        pass

def enter(condition):
    with condition:
        condition.wait()

lock, reentrant = threading.Lock(), threading.RLock()
holder = spawn("holder", hold)
gevent.sleep(0)
spawn("want", want)
spawn("want again", want_again)
spawn("event", lambda: threading.Event().wait())
spawn("condition", lambda: enter(threading.Condition()))
items = queue.Queue()
spawn("queue", lambda: items.get())
spawn("semaphore", lambda: threading.Semaphore(0).acquire())
spawn("join", holder.join)
gevent.sleep(0.01)
found = asynctb.snapshot()
names = {each.id: each.name for each in found.activities}
for each in found.activities:
    wait = each.waits_for
    if each.kind == "greenlet" and each.name != "hub":
        held = [names[holder.activity] for holder in wait.holders]
        print(each.name, "|", wait.description, "|", *held, *[names[other] for other in wait.activities])
"""


def run(script: str, **environment: str) -> str:
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    command = [sys.executable, "-W", "ignore", "-c", script]
    return subprocess.run(command, env=variables, stdout=subprocess.PIPE, timeout=60, check=True).stdout.decode()


def test_standard_library_that_gevent_has_patched() -> None:
    lines = {line.partition(" |")[0]: line for line in run(PATCHED).splitlines()}
    assert lines["holder"] == "holder | sleep |"
    assert lines["want"] == "want | lock | holder"
    assert lines["want again"] == "want again | lock | holder"
    assert lines["event"] == "event | event |"
    assert lines["condition"] == "condition | condition |"
    assert lines["queue"] == "queue | item of a queue (empty) |"
    assert lines["semaphore"] == "semaphore | semaphore |"
    assert lines["join"].endswith("holder")


NOT_COMPILED = """
import gevent, gevent.event, gevent.lock, gevent.queue, asynctb
event, queue, lock = gevent.event.Event(), gevent.queue.Queue(), gevent.lock.BoundedSemaphore(1)

def hold():
    with lock:
        gevent.sleep(3600)

def want():
    with lock:
        pass

def serve():
    queue.get()

def look_at(event):
    event.wait(30)

def joins():
    other.join()

other = gevent.spawn(hold)
others = [other, *[gevent.spawn(each) for each in (want, serve, joins)], gevent.spawn(look_at, event)]
gevent.sleep(0)
gevent.sleep(0)
found = {each.target: each for each in asynctb.snapshot().activities}
for each in others:
    wait = found[each].waits_for
    print(wait.kind, "|", wait.description, "|", wait.deadline)
"""


def test_gevent_that_is_not_compiled() -> None:
    lines = run(NOT_COMPILED, PURE_PYTHON="1").splitlines()
    assert lines == [
        "sleep | sleep | None",
        "lock | lock | None",
        "queue_get | item of a queue (empty) | None",
        "task | greenlet hold | None",
        "event | event | 30.0",
    ]


def test_nothing_of_the_program_is_executed(room: Room) -> None:
    calls: List[str] = []

    class Hostile(event.Event):  # type: ignore[misc, name-defined]
        def __getattribute__(self, name: str) -> Any:
            calls.append(name)
            return super().__getattribute__(name)

        __hash__ = __eq__ = __repr__ = lambda self, *args: calls.append("special")  # type: ignore[assignment]

    class HostileQueue(queue.Queue):  # type: ignore[misc, name-defined]
        def __len__(self) -> int:
            calls.append("len")
            return 0

        __bool__ = __hash__ = __eq__ = __repr__ = lambda self, *args: calls.append("special")  # type: ignore[assignment]
        maxsize = property(lambda self: calls.append("maxsize"))

    hostile, items = Hostile(), HostileQueue()
    greenlets = [gevent.spawn(lambda: hostile.wait()), gevent.spawn(lambda: items.get())]
    gevent.sleep(0)
    calls.clear()
    found: Dict[int, Activity] = {id(each.target): each for each in snapshot().activities}
    assert calls == []
    assert [found[id(each)].waits_for.kind for each in greenlets] == ["event", "queue_get"]  # type: ignore[union-attr]
    gevent.killall(greenlets)


TREE = """
from gevent import monkey
monkey.patch_all()
import sys
import gevent, asynctb
from gevent.monkey import get_original

def hold():
    gevent.sleep(3600)

def look():
    while True:
        found = asynctb.snapshot()
        if any(each.name == "hub" and each.waits_for is not None for each in found.activities):
            break
    original(sys.stdout.fileno(), str(found).encode())
    exit(0)

import os
original, exit = os.write, os._exit
gevent.spawn(hold)
get_original("_thread", "start_new_thread")(look, ())
gevent.sleep(3600)
"""


def test_frames_of_the_hub_stand_at_one_place() -> None:
    lines = run(TREE).splitlines()
    assert lines[0] == "Thread MainThread  suspended, waits for events"
    assert len([line for line in lines if "hub.py" in line]) == 1
    assert "hold" in "".join(lines)
