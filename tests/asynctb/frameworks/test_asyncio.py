"""Tasks of asyncio in snapshots: all of them, with their state, parent and what they wait for."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import gc
import sys
import threading
import types
import weakref
from asyncio.staggered import staggered_race
from typing import Any, AsyncIterator, Callable, Coroutine, Dict, Generator, Iterator, List, Optional

import hostile as traps
import pytest

from asynctb import Activity, Snapshot, Traceback, _heap
from asynctb._frameworks.asyncio import tasks as discovery
from asynctb._frameworks.threading import threads as threads_discovery
from asynctb._snapshot.listing import Listing, snapshot

PYPY = sys.implementation.name == "pypy"


def tasks_of(found: Snapshot) -> Dict[str, Activity]:
    """Return the tasks by name, and check that none is there twice. A test that failed may have left tasks that did."""
    tasks = [activity for activity in found.activities if activity.kind == "task" and activity.failure is None]
    names = [task.name for task in tasks]
    assert len(set(names)) == len(names), names
    assert len({task.id for task in tasks}) == len(tasks)
    return {task.name: task for task in tasks}


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def running(
    **functions: Callable[[], Coroutine[Any, Any, object]],
) -> AsyncIterator[Dict[str, asyncio.Task[Any]]]:
    """Run tasks of these names until they wait; cancel them at the end."""
    tasks = {name: asyncio.get_running_loop().create_task(function()) for name, function in functions.items()}
    for name, task in tasks.items():
        task.set_name(name)
    await settle()
    try:
        yield tasks
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


def test_states() -> None:
    gate: asyncio.Future[None]

    async def ready() -> None:
        await gate

    async def yields() -> None:
        while True:
            await asyncio.sleep(0)

    async def main() -> Dict[str, Activity]:
        nonlocal gate
        gate = asyncio.get_running_loop().create_future()
        async with running(suspended=forever, ready=ready, yields=yields, cancelling=forever, told=forever) as tasks:
            new = asyncio.get_running_loop().create_task(forever())
            new.set_name("created")
            gate.set_result(None)
            tasks["cancelling"].cancel()
            found = tasks_of(snapshot())
            new.cancel()
            done = asyncio.get_running_loop().create_task(asyncio.sleep(0))
            done.set_name("done")
            await done
            assert "done" not in tasks_of(snapshot())
            assert asyncio.current_task() is found[asyncio.current_task().get_name()].target  # type: ignore[union-attr]
            return found

    found = asyncio.run(main())
    states = {name: task.state for name, task in found.items() if not name.startswith("Task-")}
    assert states == {
        "created": "created",
        "suspended": "suspended",
        "ready": "ready",
        "yields": "ready",
        "cancelling": "cancelling",
        "told": "suspended",
    }
    (current,) = (task for name, task in found.items() if name.startswith("Task-"))
    assert current.state == "running"
    assert current.top is not None
    assert current.top.frame.f_code is main.__code__
    assert current.traceback is not None
    assert current.traceback.frames[-1].frame.f_code is main.__code__


def test_signatures_group_what_is_suspended_at_the_same_places() -> None:
    async def sleeper() -> None:
        await asyncio.sleep(3600)

    async def waiter() -> None:
        if "other" in str(asyncio.current_task().get_name()):  # type: ignore[union-attr]
            await event.wait()
        else:
            await event.wait()

    async def main() -> None:
        nonlocal event
        event = asyncio.Event()
        functions = {"a": sleeper, "b": sleeper, "c": waiter, "other": waiter, "d": waiter}
        async with running(**functions):
            tasks[:] = [tasks_of(snapshot(tracebacks=False)), tasks_of(snapshot())]

    event: Any = None
    tasks: List[Any] = []
    asyncio.run(main())
    for found in tasks:
        signature = {name: found[name].signature for name in ("a", "b", "c", "other", "d")}
        assert None not in signature.values()
        assert signature["a"] == signature["b"]
        assert signature["c"] == signature["d"]
        assert len(set(signature.values())) == 3
        assert [task.signature for task in found.values() if task.state == "running"] == [None]
    assert tasks[1]["a"].traceback is not None


def test_stack_top_and_thread() -> None:
    async def inner() -> None:
        await asyncio.sleep(3600)

    async def outer() -> None:
        await inner()

    async def main() -> None:
        async with running(nested=outer) as tasks:
            found = snapshot()
            task = tasks_of(found)["nested"]
            assert task.framework == "asyncio"
            assert task.target is tasks["nested"]
            assert task.top is not None
            assert task.top.frame.f_code is inner.__code__
            assert task.top.contexts == ()
            assert task.traceback is not None
            shown = [frame.frame.f_code for frame in task.traceback.frames if not frame.hide]
            assert shown == [outer.__code__, inner.__code__]
            assert task.waits_for is not None
            assert task.waits_for.description == "sleep"
            (thread,) = (a for a in found.activities if a.kind == "thread" and a.name == "MainThread")
            assert thread.thread_ident == threading.main_thread().ident
            assert task.thread == task.parent == thread.id
            assert task.loop is not None
            assert task.loop.startswith("loop-")
            summary = tasks_of(snapshot(tracebacks=False))["nested"]
            assert summary.traceback is None
            assert summary.id == task.id

    asyncio.run(main())


@contextlib.contextmanager
def loop_in_thread(
    main: Callable[[], Coroutine[Any, Any, None]], name: str, new_loop: Optional[Callable[[], Any]] = None
) -> Iterator[asyncio.AbstractEventLoop]:
    """Run *main* in another thread while the block runs; it must wait for its cancellation after its tasks wait."""
    loop: asyncio.AbstractEventLoop = (new_loop or asyncio.new_event_loop)()
    settled = threading.Event()
    stopping: List[asyncio.Task[None]] = []

    async def run() -> None:
        stopping.append(asyncio.get_running_loop().create_task(main()))
        stopping[0].set_name("main of " + name)
        await settle()
        settled.set()
        await asyncio.gather(*stopping, return_exceptions=True)

    def target() -> None:
        try:
            loop.run_until_complete(run())
        finally:
            settled.set()
            loop.close()

    thread = threading.Thread(target=target, name=name)
    thread.start()
    assert settled.wait(30)
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(lambda: [task.cancel() for task in stopping])
        thread.join(30)
        assert not thread.is_alive()


@pytest.mark.parametrize("from_loop", [False, True])
def test_loops_of_all_threads(from_loop: bool) -> None:
    async def main() -> None:
        async with running(**{threading.current_thread().name + " child": forever}):
            await forever()

    async def in_loop() -> Snapshot:
        return snapshot()

    with loop_in_thread(main, "first") as first, loop_in_thread(main, "second"):
        found = asyncio.run(in_loop()) if from_loop else snapshot()
        tasks = tasks_of(found)
        threads = {a.name: a for a in found.activities if a.kind == "thread"}
        for name in ("first", "second"):
            for task in (tasks["main of " + name], tasks[name + " child"]):
                assert task.thread == threads[name].id
                assert task.loop == tasks["main of " + name].loop
        assert tasks["first child"].loop != tasks["second child"].loop
        index = [a.id for a in found.activities]
        assert index.index(threads["first"].id) < index.index(tasks["first child"].id)
        # What runs in a thread follows it, before the next thread.
        between = found.activities[index.index(threads["first"].id) + 1 :]
        until_next = next((i for i, a in enumerate(between) if a.kind == "thread"), len(between))
        assert all(a.thread == threads["first"].id for a in between[:until_next])
        assert tasks["first child"] in between[:until_next]
        assert first.is_running()


def test_loop_that_does_not_run() -> None:
    loop = asyncio.new_event_loop()
    task = loop.create_task(forever())
    task.set_name("idle")
    try:
        loop.run_until_complete(asyncio.sleep(0))
        found = tasks_of(snapshot())["idle"]
        assert found.state == "suspended"
        assert found.thread is None
        assert found.parent is None
        assert found.loop is not None
        # The loop is known now, so that the quick way finds its tasks as well.
        assert "idle" in [a.name for a in Listing(thorough=False).page()]
    finally:
        task.cancel()
        loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        loop.close()


def test_quick_way_sees_running_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_heap.heap_searches, "due", lambda: False)
    monkeypatch.setattr(discovery._search, "loops", [])

    async def main() -> None:
        async with running(child=forever):
            await forever()

    with loop_in_thread(main, "other"):
        listing = Listing(thorough=False)
        found = {a.name: a for a in listing.page() if a.kind == "task"}
        assert found["child"].state == "suspended"
        assert sorted(found) == sorted(tasks_of(snapshot()))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks are new in CPython 3.12")
def test_eager_tasks() -> None:
    seen: List[Activity] = []

    async def starts() -> None:
        seen.extend(a for a in snapshot().activities if a.target is asyncio.current_task())
        await forever()

    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]
        task = asyncio.get_running_loop().create_task(starts(), name="eager")
        assert tasks_of(snapshot())["eager"].state == "suspended"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    # Before 3.14, a task that is started at once gets its name after its first step.
    assert [a.state for a in seen] == ["running"]


class Opaque(Coroutine[Any, Any, None]):
    """What a task takes for a coroutine, but does not tell whether it runs."""

    def __init__(self, function: Callable[[], object]) -> None:
        self._function = function

    def send(self, value: object) -> None:
        self._function()
        raise StopIteration

    def throw(self, *args: Any) -> None:
        raise args[0]

    def close(self) -> None:
        raise NotImplementedError

    def __await__(self) -> Generator[Any, Any, None]:
        raise NotImplementedError


@pytest.mark.parametrize("from_thread", [False, True])
@pytest.mark.parametrize("is_opaque", [False, True])
def test_the_step_of_another_awaitable_runs(from_thread: bool, is_opaque: bool) -> None:
    seen: List[Snapshot] = []

    def look() -> None:
        if from_thread:
            thread = threading.Thread(target=lambda: seen.append(snapshot()))
            thread.start()
            thread.join()
        else:
            seen.append(snapshot())

    async def generate() -> AsyncIterator[None]:
        look()
        yield
        await forever()

    async def main() -> None:
        generator = generate()
        task: asyncio.Future[Any] = asyncio.ensure_future(Opaque(look) if is_opaque else generator.__anext__())
        await task
        if not is_opaque:
            task = asyncio.ensure_future(generator.__anext__())
            await settle()
            assert [a.state for a in snapshot().activities if a.target is task] == ["suspended"]
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    (found,) = seen
    (step,) = [a for a in found.activities if a.kind == "task" and a.state == "running"]
    if not is_opaque:
        assert step.top is not None
        assert str(found).count(f"generate  {__file__}") == 1


def test_tasks_written_in_python() -> None:
    child: Any = None
    python_task: Any = asyncio.tasks._PyTask  # type: ignore[attr-defined]

    async def awaits() -> None:
        await child

    async def main() -> None:
        nonlocal child
        loop = asyncio.get_running_loop()
        child = python_task(forever(), loop=loop, name="child")
        parent = python_task(awaits(), loop=loop, name="parent")
        created = python_task(forever(), loop=loop, name="before")
        tasks = tasks_of(snapshot())
        assert tasks["before"].state == "created"
        await settle()
        created.cancel()
        tasks = tasks_of(snapshot())
        assert tasks["before"].state == "cancelling"
        assert tasks["child"].state == tasks["parent"].state == "suspended"
        assert tasks["child"].parent == tasks["parent"].id
        wait = tasks["parent"].waits_for
        assert wait is not None
        assert (wait.description, wait.activities) == ("task child", (tasks["child"].id,))
        for task in (child, parent):
            task.cancel()
        await asyncio.gather(child, parent, created, return_exceptions=True)

    asyncio.run(main())


def test_fields_of_tasks_written_in_python_may_hold_anything() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        future: Any = asyncio.futures._PyFuture(loop=loop)  # type: ignore[attr-defined]

        async def waits() -> None:
            await future

        task: Any = asyncio.tasks._PyTask(waits(), loop=loop, name="odd")  # type: ignore[attr-defined]
        await settle()
        thing = traps.hostile_type("Hostile", list)()
        callbacks = [(each, each._callbacks) for each in (task, future)]
        for each, _ in callbacks:
            each._callbacks = thing
        try:
            with traps.armed():
                found = snapshot()
        finally:
            for each, kept in callbacks:
                each._callbacks = kept
        odd = tasks_of(found)["odd"]
        assert odd.state == "suspended"
        assert odd.parent == odd.thread
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())


class Calls(List[str]):
    """Records what of the program is executed."""


calls = Calls()


def hostile(name: str) -> Callable[..., Any]:
    def method(self: object, *args: object, **kwargs: object) -> Any:
        calls.append(name)
        return original(self, *args, **kwargs)

    original = getattr(asyncio.Task, name)
    return method


METHODS = (
    "__hash__",
    "__eq__",
    "__ne__",
    "__repr__",
    "__str__",
    "__getattribute__",
    "get_name",
    "get_coro",
    "get_loop",
    "get_stack",
    "done",
    "cancelled",
    "exception",
    "result",
    "cancel",
    "add_done_callback",
    "remove_done_callback",
)
HIDDEN = ("_coro", "_fut_waiter", "_must_cancel", "_state", "_loop", "_callbacks", "__class__", "__dict__", "__bool__")


def hostile_property(name: str) -> Any:
    return property(lambda self: calls.append(name))


OverriddenTask: Any = type(
    "OverriddenTask",
    (asyncio.Task,),
    {**{name: hostile(name) for name in METHODS}, **{name: hostile_property(name) for name in HIDDEN}},
)


@pytest.mark.skipif(PYPY, reason="a task written in Python cannot work when its attributes are overridden")
def test_subclasses_are_not_executed() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        plain = loop.create_task(forever())
        task: Any = OverriddenTask(forever(), loop=loop, name="overridden")
        await settle()
        calls.clear()
        found = snapshot()
        quick = Listing(thorough=False).page()
        assert list(calls) == []
        assert id(tasks_of(found)["overridden"].target) == id(task)
        assert tasks_of(found)["overridden"].state == "suspended"
        assert [a.name for a in quick if a.target is task] == ["overridden"]
        del found, quick
        assert list(calls) == []
        task.cancel()
        plain.cancel()
        await asyncio.wait([plain])
        await settle()

    asyncio.run(main())


def test_loops_futures_and_locks_are_not_executed() -> None:
    def recording(base: Any) -> Any:
        def __getattribute__(self: object, name: str) -> Any:
            if armed:
                calls.append(f"{base.__name__}.{name}")
            return base.__getattribute__(self, name)

        def record(self: object, *args: object) -> Any:
            calls.append(base.__name__)
            return 1

        names = ("__hash__", "__eq__", "__bool__", "__repr__", "__len__")
        return type(
            "Recording" + base.__name__, (base,), {"__getattribute__": __getattribute__, **dict.fromkeys(names, record)}
        )

    async def main() -> None:
        lock, future = recording(asyncio.Lock)(), recording(asyncio.Future)(loop=asyncio.get_running_loop())

        async def locks() -> None:
            async with lock:
                await asyncio.get_running_loop().create_future()

        async def awaits() -> None:
            await future

        async with running(locks=locks, waits=locks, awaits=awaits):
            armed.append(True)
            calls.clear()
            try:
                found = tasks_of(snapshot())
                quick = Listing(thorough=False).page()
            finally:
                armed.clear()
            assert list(calls) == []
            assert found["awaits"].waits_for is not None
            assert found["awaits"].waits_for.target is future
            assert found["waits"].waits_for is not None
            assert found["waits"].waits_for.target is lock
            assert "waits" in [a.name for a in quick]

    armed: List[bool] = []
    loop = recording(asyncio.SelectorEventLoop)()
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.TaskGroup is new in Python 3.11")
def test_parent_is_the_owner_of_the_task_group() -> None:
    async def owner() -> None:
        async with asyncio.TaskGroup() as group:  # type: ignore[attr-defined]
            group.create_task(forever(), name="one")
            group.create_task(forever(), name="two")

    async def main() -> None:
        async with running(owner=owner):
            tasks = tasks_of(snapshot())
            assert tasks["one"].parent == tasks["two"].parent == tasks["owner"].id
            wait = tasks["owner"].waits_for
            assert wait is not None
            assert wait.description == "tasks of a group"
            assert type(wait.target) is asyncio.TaskGroup  # type: ignore[attr-defined]
            traceback = tasks["owner"].traceback
            assert traceback is not None

    asyncio.run(main())


def test_parent_is_the_only_awaiter() -> None:
    async def named(name: str) -> None:
        asyncio.current_task().set_name(name)  # type: ignore[union-attr]
        await forever()

    async def gathers() -> None:
        await asyncio.gather(named("gathered 1"), asyncio.gather(named("gathered 2")))

    async def shields() -> None:
        await asyncio.shield(named("shielded"))

    async def waits() -> None:
        await asyncio.wait([asyncio.ensure_future(named("waited"))])

    async def waits_for() -> None:
        await asyncio.wait_for(asyncio.ensure_future(named("waited for")), 3600)

    async def awaits() -> None:
        await asyncio.ensure_future(named("awaited"))

    async def main() -> None:
        functions = {"gathers": gathers, "shields": shields, "waits": waits, "waits_for": waits_for, "awaits": awaits}
        shared = asyncio.ensure_future(named("shared"))

        async def shares() -> None:
            await shared

        async with running(**functions, first=shares, second=shares):
            tasks = tasks_of(snapshot())
            parents = {task.id: name for name, task in tasks.items()}
            children = {name: parents.get(task.parent or "") for name, task in tasks.items()}
            assert children["gathered 1"] == children["gathered 2"] == "gathers"
            assert children["shielded"] == "shields"
            assert children["waited"] == "waits"
            assert children["waited for"] == "waits_for"
            assert children["awaited"] == "awaits"
            assert children["shared"] is None  # two tasks await it
            waits_for_ = {name: task.waits_for and task.waits_for.description for name, task in tasks.items()}
            assert waits_for_["gathers"] == "2 of 2 tasks"
            assert waits_for_["awaits"] == "task awaited"
            assert waits_for_["waits"] == "tasks"
            assert waits_for_["waits_for"] == "task waited for"

    asyncio.run(main())


def test_parent_is_who_takes_what_is_completed() -> None:
    async def named(name: str) -> None:
        asyncio.current_task().set_name(name)  # type: ignore[union-attr]
        await forever()

    async def completes() -> None:
        shielded = asyncio.shield(named("shielded"))
        for each in asyncio.as_completed([named("one"), named("two"), shielded]):
            await each

    async def races() -> None:
        async def attempt() -> None:
            await named("attempt")

        await staggered_race([attempt], None)

    async def main() -> None:
        async with running(completes=completes, races=races):
            tasks = tasks_of(snapshot())
            while not {"one", "two", "shielded", "attempt"} <= set(tasks):
                await asyncio.sleep(0)
                tasks = tasks_of(snapshot())
            for name in ("one", "two", "shielded"):
                assert tasks[name].parent == tasks["completes"].id, name
            assert tasks["attempt"].parent == tasks["races"].id

    asyncio.run(main())


def test_tasks_that_await_each_other() -> None:
    tasks: Dict[str, asyncio.Task[None]] = {}

    async def circle() -> None:
        loop = asyncio.get_running_loop()
        end = loop.create_future()  # a circle can be ended only from outside

        async def member(name: str) -> None:
            await asyncio.wait([tasks[name], end], return_when=asyncio.FIRST_COMPLETED)

        for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
            tasks[name] = loop.create_task(member(other))
            tasks[name].set_name(name)
        await settle()
        found = tasks_of(snapshot())
        names = {task.id: name for name, task in found.items()}
        parents = [names.get(found[name].parent or "") for name in "abc"]
        assert parents.count(None) == 1
        assert sorted(parent for parent in parents if parent is not None) in (["a", "b"], ["a", "c"], ["b", "c"])
        again = tasks_of(snapshot())
        assert [again[name].parent for name in "abc"] == [found[name].parent for name in "abc"]
        end.set_result(None)
        await asyncio.gather(*tasks.values())

    asyncio.run(circle())


@pytest.mark.parametrize("bounded", [False, True])
def test_waits(bounded: bool) -> None:
    released = threading.Event()

    async def main() -> None:
        lock, event, condition = asyncio.Lock(), asyncio.Event(), asyncio.Condition()
        semaphore = (asyncio.BoundedSemaphore if bounded else asyncio.Semaphore)(1)
        empty: asyncio.Queue[int] = asyncio.Queue()
        full: asyncio.Queue[int] = asyncio.Queue(1)
        full.put_nowait(1)
        await lock.acquire()
        await semaphore.acquire()

        async def with_lock() -> None:
            async with lock:
                pass

        async def with_semaphore() -> None:
            async with semaphore:
                pass

        async def with_condition() -> None:
            async with condition:
                await condition.wait()

        async def in_executor() -> None:
            await asyncio.get_running_loop().run_in_executor(None, released.wait)

        class Special(asyncio.Future):  # type: ignore[type-arg]
            pass

        special = Special()

        async def own_future() -> None:
            await special

        async with running(
            lock=with_lock,
            event=event.wait,
            condition=with_condition,
            semaphore=with_semaphore,
            get=empty.get,
            put=lambda: full.put(2),
            join=full.join,
            sleep=lambda: asyncio.sleep(3600),
            future=forever,
            executor=in_executor,
            own_future=own_future,
        ):
            found = tasks_of(snapshot())
            released.set()
            waits = {name: task.waits_for for name, task in found.items() if task.waits_for is not None}
            assert {name: wait.description for name, wait in waits.items()} == {
                "lock": "lock",
                "event": "event",
                "condition": "condition",
                "semaphore": "semaphore",
                "get": "item of a queue (empty)",
                "put": "place in a queue (1 of 1)",
                "join": "1 unfinished item of a queue",
                "sleep": "sleep",
                "future": "future",
                "executor": "result of work that runs in a pool",
                "own_future": f"{__name__}.test_waits.<locals>.main.<locals>.Special",
            }
            assert waits["lock"].target is lock
            assert waits["event"].target is event
            assert waits["condition"].target is condition
            assert waits["semaphore"].target is semaphore
            assert waits["get"].target is empty
            assert waits["own_future"].target is special

    asyncio.run(main())


def test_names() -> None:
    class Name(str):
        def __str__(self) -> str:
            return self

    async def main() -> None:
        async with running(**{"w-2": forever, "w-10": forever, "w-1": forever, "v-11": forever}) as tasks:
            found = [a.name for a in snapshot().activities if a.kind == "task" and a.name[1] == "-"]
            assert found == ["v-11", "w-1", "w-2", "w-10"]
            tasks["w-2"].set_name(Name("strange"))
            name = tasks["w-2"].get_name()
            (renamed,) = (a.name for a in snapshot().activities if a.target is tasks["w-2"])
            assert renamed in ("strange" if type(name) is str else "_asyncio.Task", "asyncio.tasks.Task")

    asyncio.run(main())


def test_generator_based_coroutine() -> None:
    @types.coroutine
    def based() -> Generator[Any, Any, None]:
        yield from asyncio.get_running_loop().create_future()

    async def awaits() -> None:
        await based()

    async def main() -> None:
        async with running(generator=awaits):
            task = tasks_of(snapshot())["generator"]
            assert task.state == "suspended"
            assert task.top is not None
            assert task.top.frame.f_code.co_name == "based"

    asyncio.run(main())


def test_async_generator_and_custom_awaitable() -> None:
    class Custom:
        def __await__(self) -> Generator[Any, Any, None]:
            yield from forever().__await__()

    async def agen() -> AsyncIterator[None]:
        await Custom()
        yield

    async def loops() -> None:
        async for _ in agen():
            pass

    async def main() -> None:
        async with running(loops=loops):
            task = tasks_of(snapshot())["loops"]
            assert task.top is not None
            assert task.top.frame.f_code is forever.__code__
            assert task.traceback is not None
            names = [frame.frame.f_code.co_name for frame in task.traceback.frames]
            assert names[:4] == ["loops", "agen", "__await__", "forever"]

    asyncio.run(main())


def test_nothing_is_kept_alive() -> None:
    async def main() -> List[weakref.ref[Any]]:
        async with running(one=forever, two=forever) as tasks:
            found = snapshot()
            refs: List[weakref.ref[Any]] = [weakref.ref(task) for task in tasks.values()]
            refs += [weakref.ref(task.get_coro()) for task in tasks.values()]
            assert tasks_of(found)
            refs.append(weakref.ref(asyncio.get_running_loop()))
        return refs

    refs = asyncio.run(main())
    for _ in range(5 if PYPY else 1):
        gc.collect()
    assert [index for index, ref in enumerate(refs) if ref() is not None] == []


def test_snapshot_while_tasks_come_and_go() -> None:
    async def churn() -> None:
        async def short() -> None:
            await asyncio.sleep(0)

        while True:
            await asyncio.gather(*(short() for _ in range(50)))

    async def main() -> None:
        await churn()

    with loop_in_thread(main, "churning"):
        for _ in range(10):
            for thorough in (False, True):
                listing = Listing(thorough=thorough)
                activities = listing.page()
                assert "main of churning" in [a.name for a in activities]
                assert not [note for note in listing.notes if "could not" in note], listing.notes


def test_a_task_that_waits_for_a_coroutine_in_another_loop() -> None:
    other = asyncio.new_event_loop()
    thread = threading.Thread(target=other.run_forever)
    thread.start()
    started: List[object] = []

    async def inside() -> None:
        started.append(asyncio.current_task())
        loop.call_soon_threadsafe(begun.set)
        await asyncio.sleep(60)

    async def outside() -> None:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(inside(), other))

    async def main() -> None:
        nonlocal loop, begun
        loop, begun = asyncio.get_running_loop(), asyncio.Event()
        task = asyncio.ensure_future(outside())
        await begun.wait()
        by_target = {id(activity.target): activity for activity in snapshot().activities}
        wait, waited_for = by_target[id(task)].waits_for, by_target[id(started[0])]
        assert wait is not None
        assert (wait.description, wait.target) == (f"task {waited_for.name}", started[0])
        assert wait.activities == (waited_for.id,)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(asyncio.sleep(0), other))

    loop: Any = None
    begun: Any = None
    asyncio.run(main())
    other.call_soon_threadsafe(other.stop)
    thread.join()
    other.close()


def test_stacks_go_on_in_the_task_inside_wait_for_and_name_the_shielded_one() -> None:
    async def inside() -> None:
        await asyncio.sleep(3600)

    async def waits() -> None:
        await asyncio.wait_for(inside(), 3600)

    async def shields(task: asyncio.Task[None]) -> None:
        await asyncio.shield(task)

    async def main() -> None:
        shielded = asyncio.ensure_future(inside())
        tasks = [asyncio.ensure_future(waits()), asyncio.ensure_future(shields(shielded))]
        for _ in range(3):
            await asyncio.sleep(0)
        waiting, shielding = (Traceback.of(task) for task in tasks)
        (wait,) = (found.waits_for for found in snapshot().activities if found.target is tasks[1])
        for task in (*tasks, shielded):
            task.cancel()
        await asyncio.gather(*tasks, shielded, return_exceptions=True)
        assert [info.frame.f_code.co_name for info in waiting.frames if not info.hide] == ["waits", "inside"]
        if type(tasks[1]) is not asyncio.tasks._PyTask:  # type: ignore[attr-defined]
            assert shielding.leaf is shielded
        assert wait is not None
        assert wait.target is shielded
        assert len(wait.activities) == 1

    asyncio.run(main())


@pytest.mark.skipif(sys.version_info < (3, 11), reason="there are no barriers and timeouts")
def test_barriers_and_timeouts() -> None:
    async def enters() -> None:
        async with barrier:
            pass

    async def late() -> None:
        async with asyncio.timeout(0):
            try:
                await forever()
            except asyncio.CancelledError:
                await forever()

    async def has_time() -> None:
        async with asyncio.timeout(None), asyncio.timeout(3600):
            await forever()

    def descriptions(function: Any) -> List[Optional[str]]:
        traceback = tasks_of(snapshot())[function.__name__].traceback
        assert traceback is not None
        return [context.description for context in traceback.frames[0].contexts]

    async def main() -> None:
        nonlocal barrier
        barrier = asyncio.Barrier(2)
        async with running(enters=enters, late=late, has_time=has_time) as tasks:
            while not tasks["late"].cancelling():
                await asyncio.sleep(0)
            await settle()
            assert descriptions(enters) == ["1 of 2 waiting"]
            assert descriptions(late) == ["expired"]
            none, left = descriptions(has_time)
            assert none == "no deadline"
            assert left is not None
            assert left.endswith(" s left")

    barrier: Any = None
    asyncio.run(main())


def test_as_completed() -> None:
    async def iterates() -> None:
        for each in asyncio.as_completed([asyncio.ensure_future(forever())]):
            await each

    async def iterates_asynchronously() -> None:
        async for _ in asyncio.as_completed([asyncio.ensure_future(forever())]):  # type: ignore[attr-defined,unused-ignore]
            pass

    async def main() -> None:
        functions = {"iterates": iterates}
        if sys.version_info >= (3, 13):
            functions["iterates asynchronously"] = iterates_asynchronously
        async with running(**functions):
            tasks = tasks_of(snapshot())
            for name in functions:
                wait = tasks[name].waits_for
                assert wait is not None
                assert wait.description == "tasks"

    asyncio.run(main())


def calls_of(function: Callable[[], object]) -> int:
    """Return how many functions written in Python *function* calls."""
    count = 0

    def profile(frame: types.FrameType, event: str, arg: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


async def wait_for_shared(kind: str, count: int) -> Dict[str, int]:
    """Return how many calls describing *count* tasks takes that wait for one thing, by what is made."""

    async def wait(future: asyncio.Future[Any]) -> object:
        return await future

    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()
    tasks: List[asyncio.Future[Any]] = [asyncio.ensure_future(wait(future))]
    source: concurrent.futures.Future[object] = concurrent.futures.Future()
    if kind == "gather":
        tasks += [asyncio.ensure_future(forever()) for _ in range(count)]
        future = asyncio.gather(*tasks)
    elif kind == "shield":
        future = asyncio.shield(tasks[0])
    elif kind == "executor":
        future = asyncio.wrap_future(source)
    for _ in range(count):
        shared = asyncio.wrap_future(source) if kind == "executors" else future
        tasks.append(asyncio.ensure_future(wait(shared)))
    await settle()
    listing = Listing()
    calls = {
        "page": calls_of(listing.page),
        "stacks": calls_of(lambda: [Traceback.of(task) for task in tasks]),
    }
    (wait_of_last,) = (activity.waits_for for activity in listing.page() if activity.target is tasks[-1])
    assert wait_of_last is not None
    expected = {"future": "future", "gather": f"{count + 1} of {count + 1} tasks"}
    if kind == "shield":
        assert wait_of_last.target is tasks[0]
    else:
        assert wait_of_last.description == expected.get(kind, "executor")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, future, return_exceptions=True)
    return calls


@pytest.mark.parametrize("kind", ["future", "gather", "shield", "executor", "executors"])
def test_many_tasks_that_wait_for_the_same(kind: str) -> None:
    """What they wait for is not looked through again for each of them."""
    asyncio.run(wait_for_shared(kind, 10))  # with what is only done once
    few, many = (asyncio.run(wait_for_shared(kind, count)) for count in (100, 400))
    for what, calls in few.items():
        assert many[what] < 5 * calls


def test_many_shields_around_each_other() -> None:
    """Looking into them takes no recursion."""

    async def wait(future: asyncio.Future[Any]) -> object:
        return await future

    async def main() -> None:
        source: concurrent.futures.Future[object] = concurrent.futures.Future()
        future: asyncio.Future[Any] = asyncio.wrap_future(source)
        for _ in range(sys.getrecursionlimit() + 100):
            future = asyncio.shield(future)
        task = asyncio.ensure_future(wait(future))
        await settle()
        found = snapshot()
        (wait_of_task,) = (activity.waits_for for activity in found.activities if activity.target is task)
        assert not [note for note in found.notes if "recursion" in note.lower()]
        assert wait_of_task is not None
        assert wait_of_task.target is source
        assert Traceback.of(task).error is None
        source.set_result(None)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())


def test_threads_that_wait_for_processes() -> None:
    async def main() -> None:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
        descriptions: List[Optional[str]] = []
        for _ in range(1000):  # they are on their way
            threads = [a for a in snapshot(tracebacks=False).activities if "waitpid-" in a.name]
            descriptions = [thread.waits_for and thread.waits_for.description for thread in threads]
            if all(descriptions):
                break
        process.kill()
        await process.communicate()
        # Where the kernel tells of the end of a process by a file descriptor, CPython 3.12 needs no thread.
        assert descriptions == ["process"] * len(descriptions)
        assert descriptions or sys.version_info >= (3, 12)

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["task", "thread"])
def test_what_cannot_be_described_keeps_its_name(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise ValueError("broken")

    async def main() -> None:
        async with running(named=forever) as tasks:
            expected = {activity.id: activity for activity in snapshot(tracebacks=False).activities}
            source = discovery.AsyncioTasks if kind == "task" else threads_discovery.Threads
            monkeypatch.setattr(source, "describe", fail)
            found = snapshot(tracebacks=False)
        assert any("could not be described: ValueError: broken" in note for note in found.notes)
        failed = [activity for activity in found.activities if activity.state == "unknown"]
        assert failed
        for activity in failed:
            assert activity.kind == kind
            assert activity.name == expected[activity.id].name
            assert activity.target is expected[activity.id].target
        assert kind == "thread" or tasks["named"] in [activity.target for activity in failed]

    asyncio.run(main())


def test_loops_that_nothing_runs() -> None:
    """They are said to stand still, with who waits for them, and are not while they run."""

    def standstill() -> List[str]:
        return [note for note in snapshot().notes if "event loop that" in note]

    loop = asyncio.new_event_loop()
    tasks = [loop.create_task(forever()) for _ in range(5)]
    for number, task in enumerate(tasks):
        task.set_name(f"stuck-{number}")
    noted: List[List[str]] = []
    loop.call_soon(lambda: noted.append(standstill()))
    loop.run_until_complete(asyncio.sleep(0))
    assert noted == [[]]
    assert standstill() == ["5 tasks belong to an event loop that no thread runs: stuck-0, stuck-1, stuck-2, ..."]
    for task in tasks[1:]:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks[1:], return_exceptions=True))
    loop.close()
    assert standstill() == ["1 task belongs to an event loop that is closed: stuck-0"]
    tasks[0]._log_destroy_pending = False  # type: ignore[attr-defined]
    tasks[0].get_coro().close()  # type: ignore[union-attr]
