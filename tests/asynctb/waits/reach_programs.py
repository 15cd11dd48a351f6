"""Programs in which a task waits, with or without anything left that can wake it; run in a process of its own.

In the process of the tests, the runner refers to so much that a search of the heap says nothing about such programs.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import json
import signal
import sys
import threading
import weakref
from typing import Any, Callable, List

from asynctb import Snapshot, snapshot
from asynctb._waits import reach

_SECONDS = 3600.0
_global: List[asyncio.Event] = []


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


def _look_at(make: Callable[[asyncio.Event], Any], *, loose_objects: bool = True) -> Snapshot:
    """Return a look at a task that waits for an event, of which only that knows what *make* has made."""
    looks: List[Snapshot] = []

    async def main() -> None:
        event = asyncio.Event()
        kept = make(event)
        waiter = asyncio.ensure_future(_wait(event))
        del event
        for _ in range(3):
            await asyncio.sleep(0)
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        thread = threading.Thread(target=_look, args=(looks, loop, done, loose_objects))
        thread.start()
        await done.wait()
        thread.join()
        waiter.cancel()
        if kept is not None:
            kept()

    asyncio.run(main())
    return looks[0]


def _look(looks: List[Snapshot], loop: asyncio.AbstractEventLoop, done: asyncio.Event, loose_objects: bool) -> None:
    looks.append(snapshot(loose_objects=loose_objects))
    loop.call_soon_threadsafe(done.set)


def _later(callback: Callable[..., Any], *args: object) -> None:
    asyncio.get_running_loop().call_later(_SECONDS, callback, *args)


class _Setter:
    def __init__(self, event: asyncio.Event) -> None:
        self.event = event

    def __call__(self, *_: object) -> None:
        self.event.set()


class _OfGlobal:
    def fire(self) -> None:
        _global[0].set()


def nobody(event: asyncio.Event) -> None:
    """Leave nothing that refers to the event."""


def _timer(event: asyncio.Event) -> None:
    _later(event.set)


def _partial(event: asyncio.Event) -> None:
    _later(functools.partial(_Setter.__call__, _Setter(event)))


def _signal_of_loop(event: asyncio.Event) -> Callable[[], Any]:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, event.set)
    return lambda: loop.remove_signal_handler(signal.SIGUSR1)


def _signal(event: asyncio.Event) -> Callable[[], Any]:
    before = signal.signal(signal.SIGUSR2, _Setter(event))
    return lambda: signal.signal(signal.SIGUSR2, before)


def _method_of_global(event: asyncio.Event) -> Callable[[], Any]:
    _global.append(event)
    _later(_OfGlobal().fire)
    return _global.clear


def _thread(event: asyncio.Event) -> Callable[[], Any]:
    release = threading.Lock()
    release.acquire()
    loop = asyncio.get_running_loop()

    def work() -> None:
        if not release.acquire(timeout=_SECONDS):
            loop.call_soon_threadsafe(event.set)

    thread = threading.Thread(target=work)
    thread.start()
    return release.release


def _context(event: asyncio.Event) -> None:
    variable: contextvars.ContextVar[asyncio.Event] = contextvars.ContextVar("variable")
    context = contextvars.copy_context()
    context.run(variable.set, event)
    context.run(_later, lambda: variable.get().set())


def _weak_callback(event: asyncio.Event) -> None:
    setter = _Setter(asyncio.Event())
    reference = weakref.ref(setter, lambda _: event.set())
    _later(lambda: (setter, reference))


def _weak(event: asyncio.Event) -> None:
    reference = weakref.ref(event)
    _later(lambda: reference().set())  # type: ignore[union-attr]


def _done_callback(event: asyncio.Event) -> None:
    asyncio.ensure_future(asyncio.sleep(_SECONDS)).add_done_callback(_Setter(event))


def _generator(event: asyncio.Event) -> None:
    def generate() -> Any:
        yield
        event.set()

    made = generate()
    next(made)
    _later(next, made, None)


def _chain(event: asyncio.Event) -> None:
    async def hand_on(first: asyncio.Event) -> None:
        await first.wait()
        event.set()

    first = asyncio.Event()
    task = asyncio.ensure_future(hand_on(first))
    _later(lambda _: first.set(), task)


def _producer_and_consumer(event: asyncio.Event) -> Callable[[], Any]:
    async def produce(items: asyncio.Queue[int]) -> None:
        await items.put(1)

    async def consume(items: asyncio.Queue[int], producer: asyncio.Task[None]) -> None:
        await producer
        await items.get()

    items: asyncio.Queue[int] = asyncio.Queue(1)
    items.put_nowait(0)
    producer = asyncio.ensure_future(produce(items))
    _later(event.set)
    return asyncio.ensure_future(consume(items, producer)).cancel


async def _rows(lock: asyncio.Lock) -> Any:
    async with lock:
        yield 1
        yield 2


async def _write(lock: asyncio.Lock) -> None:
    async with lock:
        pass


async def _read(lock: asyncio.Lock, is_iterated: bool) -> None:
    rows = _rows(lock)
    await rows.__anext__()
    writer = asyncio.ensure_future(_write(lock))
    if is_iterated:
        await asyncio.sleep(_SECONDS)
    await writer
    await rows.aclose()


def _left_generator(event: asyncio.Event) -> Callable[[], Any]:
    _later(event.set)
    return asyncio.ensure_future(_read(asyncio.Lock(), False)).cancel


def _iterated_generator(event: asyncio.Event) -> Callable[[], Any]:
    _later(event.set)
    return asyncio.ensure_future(_read(asyncio.Lock(), True)).cancel


if __name__ == "__main__":
    name = sys.argv[1]
    if name == "too_much":
        reach.MOST_OBJECTS = 10
    made = _look_at(globals().get("_" + name, nobody), loose_objects=name != "not_asked")
    found = [[each.kind, each.certain, each.text] for each in made.findings if each.kind in ("abandoned", "deadlock")]
    print(json.dumps([found, list(made.notes)]))
