"""Fields of library objects that the extraction reads may hold anything: it is looked at without running code of it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import gc
import queue
import sys
import threading
from typing import Any, Awaitable, Callable, Dict, Iterator, List

import hostile
import pytest

from asynctb import Snapshot
from asynctb._frameworks.asyncio import tasks
from asynctb._snapshot.listing import Listing

_BASES = (object, list, dict, tuple, set, int)
_HOSTILE: List[Callable[[], Any]] = [hostile.HostileStr, *[hostile.hostile_type("Hostile", base) for base in _BASES]]
_PLAIN = (type(None), bool, int, float, str)


def fields_of(obj: object) -> Iterator[str]:
    """Yield the names of the fields that an object keeps itself, or of which its class has a plain default."""
    yield from getattr(obj, "__dict__", ())
    for cls in type(obj).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        yield from (slots,) if isinstance(slots, str) else slots
        if cls.__module__ != "builtins":
            yield from [name for name, value in cls.__dict__.items() if type(value) in _PLAIN and name[:2] != "__"]


def check(objects: Dict[str, object]) -> None:
    """Replace each field of *objects* by hostile things in turn, and take and use a snapshot each time."""
    for label, obj in objects.items():
        replaced = 0
        for name in sorted(set(fields_of(obj))):
            kept = getattr(obj, name, None)
            for make in _HOSTILE:
                try:
                    object.__setattr__(obj, name, make())
                except (AttributeError, TypeError):
                    continue
                try:
                    with hostile.armed():
                        found = Snapshot(tuple(Listing(thorough=False).page(tracebacks=True)), ())
                        found.format()
                        found.as_data()
                except BaseException as error:
                    raise AssertionError(f"{label}.{name} = {make}") from error
                finally:
                    object.__setattr__(obj, name, kept)
                replaced += 1
        assert replaced, label


async def inside(manager: Any) -> None:
    async with manager:
        await asyncio.get_running_loop().create_future()


async def waits_for(awaitable: Awaitable[object]) -> None:
    await awaitable


async def waits_for_condition(condition: Any) -> None:
    async with condition:
        await condition.wait()


def started(target: Any) -> threading.Thread:
    """Return a thread that has begun to wait in *target*, a method of the standard library."""
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    while True:
        frame = sys._current_frames().get(thread.ident or 0)
        while frame is not None:
            if frame.f_code is target.__code__:
                return thread
            frame = frame.f_back
        thread.join(0.001)


def test_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    # The search of the heap takes long, and does not look into anything.
    monkeypatch.setattr(tasks._search, "run", lambda *args: [])

    async def main() -> None:
        loop = asyncio.get_running_loop()
        new_task: Any = asyncio.tasks._PyTask  # type: ignore[attr-defined]

        def new_future() -> Any:
            return asyncio.futures._PyFuture(loop=loop)  # type: ignore[attr-defined]

        future, event, condition = new_future(), asyncio.Event(), asyncio.Condition()
        lock, semaphore, jobs = asyncio.Lock(), asyncio.Semaphore(0), asyncio.Queue()  # type: ignore[var-annotated]
        stack = contextlib.AsyncExitStack()
        stack.callback(print)
        await stack.enter_async_context(asyncio.Lock())
        finished = threading.Event()
        waiting = [
            waits_for(future),
            inside(lock),
            lock.acquire(),
            semaphore.acquire(),
            event.wait(),
            waits_for_condition(condition),
            jobs.get(),
            inside(stack),
            waits_for(asyncio.shield(new_task(waits_for(new_future()), loop=loop))),
            waits_for(asyncio.gather(new_task(waits_for(new_future()), loop=loop), new_future())),
            asyncio.wait_for(new_future(), 1000),
        ]
        objects = {"future": future, "event": event, "condition": condition, "lock": lock, "semaphore": semaphore}
        objects.update(queue=jobs, stack=stack, loop=loop)
        if sys.version_info >= (3, 11):
            timeout, group = asyncio.timeout(1000), asyncio.TaskGroup()
            waiting += [inside(timeout), inside(group)]
            objects.update(timeout=timeout, group=group)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting.append(waits_for(loop.run_in_executor(pool, finished.wait)))
            tasks = [new_task(coroutine, loop=loop) for coroutine in waiting]
            await asyncio.sleep(0)
            objects.update({f"task {number}": task for number, task in enumerate(tasks)}, pool=pool)
            (objects["work"],) = [obj for obj in gc.get_objects() if type(obj) is concurrent.futures.Future]
            (objects["worker"],) = pool._threads
            try:
                check(objects)
            finally:
                finished.set()
                # Since 3.14 the usual function lists only tasks written in C.
                for all_tasks in (asyncio.all_tasks, getattr(asyncio.tasks, "_py_all_tasks", asyncio.all_tasks)):
                    for task in all_tasks() - {asyncio.current_task()}:
                        task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())


def test_threading() -> None:
    jobs: Any = queue.Queue()
    event = threading.Event()
    threads = [started(jobs.get), started(event.wait)]
    try:
        check({"queue": jobs, "event": event, "main": threading.main_thread()})
    finally:
        jobs.put(None)
        event.set()
        for thread in threads:
            thread.join()


def test_trio() -> None:
    trio = pytest.importorskip("trio", reason="trio is not installed")
    pytest.importorskip("trio.testing")

    async def held(manager: Any) -> None:
        async with manager:
            await trio.sleep_forever()

    async def scoped(scope: Any) -> None:
        with scope:
            await trio.sleep_forever()

    async def main() -> None:
        lock, scope, event, condition = trio.Lock(), trio.CancelScope(deadline=1e9), trio.Event(), trio.Condition()
        sender, receiver = trio.open_memory_channel(0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(held, lock)
            nursery.start_soon(held, lock)
            nursery.start_soon(scoped, scope)
            nursery.start_soon(event.wait)
            nursery.start_soon(waits_for_condition, condition)
            nursery.start_soon(receiver.receive)
            await trio.testing.wait_all_tasks_blocked()
            objects = {"nursery": nursery, "lock": lock, "scope": scope, "event": event, "condition": condition}
            objects.update({f"task {task.name}": task for task in nursery.child_tasks}, receiver=receiver)
            check(objects)
            nursery.cancel_scope.cancel()
        sender.close()

    trio.run(main)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="curio cannot be imported by CPython 3.12 and later")
def test_curio() -> None:
    curio = pytest.importorskip("curio", reason="curio is not installed")

    async def held(manager: Any) -> None:
        async with manager:
            await curio.sleep(1000)

    async def main() -> None:
        lock, event, jobs = curio.Lock(), curio.Event(), curio.Queue()
        async with curio.TaskGroup() as group:
            waiting = [held(lock), waits_for(lock.acquire()), waits_for(event.wait()), waits_for(jobs.get())]
            tasks = [await group.spawn(coroutine) for coroutine in waiting]
            await curio.sleep(0.01)
            check({"group": group, "lock": lock, **{f"task {task.id}": task for task in tasks}})
            await group.cancel_remaining()

    curio.run(main)
