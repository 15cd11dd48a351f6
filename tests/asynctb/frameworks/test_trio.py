"""Tasks of trio in snapshots, and what is inside trio's context managers."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import math
import threading
from typing import Any, AsyncIterator, Awaitable, Callable, Dict, List, Optional

import pytest
from support import normalised

from asynctb import Activity, ContextInfo, Snapshot, Traceback
from asynctb._snapshot.listing import snapshot

trio = pytest.importorskip("trio", reason="trio is not installed")
pytest.importorskip("trio.testing")


def tasks_of(found: Snapshot) -> Dict[str, Activity]:
    """Return the tasks of trio by the last part of their names, without system tasks."""
    tasks = [activity for activity in found.activities if activity.framework == "trio"]
    return {task.name.rpartition(".")[2]: task for task in tasks}


def shown(traceback: Optional[Traceback]) -> List[str]:
    """Return the names of the functions that are not hidden."""
    assert traceback is not None
    return [frame.frame.f_code.co_name for frame in traceback.frames if not frame.hide]


async def forever() -> None:
    await trio.sleep_forever()


@contextlib.asynccontextmanager
async def running(**functions: Callable[[], Awaitable[Any]]) -> AsyncIterator[None]:
    """Run tasks of these names until they wait."""
    async with trio.open_nursery() as nursery:
        for name, function in functions.items():
            nursery.start_soon(function, name=name)
        await trio.testing.wait_all_tasks_blocked()
        yield
        nursery.cancel_scope.cancel()


def test_states_and_parents() -> None:
    gate: Any = None

    async def cancelled() -> None:
        with trio.CancelScope() as scope:
            scopes.append(scope)
            await forever()

    async def woken() -> None:
        await gate.wait()

    scopes: List[Any] = []

    async def main() -> None:
        nonlocal gate
        gate = trio.Event()
        async with trio.open_nursery() as nursery:
            async with running(waiting=forever, cancelled=cancelled, woken=woken):
                nursery.start_soon(forever, name="created")
                scopes[0].cancel()
                gate.set()
                found = snapshot()
                tasks = tasks_of(found)
                states = {name: tasks[name].state for name in ("waiting", "cancelled", "woken", "created", "main")}
                assert states == {
                    "waiting": "suspended",
                    "cancelled": "cancelling",
                    "woken": "ready",
                    "created": "created",
                    "main": "running",
                }
                main_task = tasks["main"]
                assert tasks["waiting"].parent == tasks["created"].parent == main_task.id
                assert main_task.parent == tasks["<init>"].id
                (thread,) = (a.id for a in found.activities if a.name == "MainThread")
                assert tasks["<init>"].parent == thread
                assert {task.thread for task in tasks.values()} == {thread}
                assert {task.loop for task in tasks.values()} == {main_task.loop}
                assert main_task.loop is not None
                wait = tasks["waiting"].waits_for
                assert wait is not None
                assert wait.description == "sleep"
                top = tasks["waiting"].top
                assert top is not None
                assert top.frame.f_code is forever.__code__
                assert shown(tasks["waiting"].traceback) == ["forever"]
                assert shown(main_task.traceback) == ["main"]
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_waits() -> None:
    async def main() -> None:
        lock, event, condition, semaphore = trio.Lock(), trio.Event(), trio.Condition(), trio.Semaphore(0)
        sender, receiver = trio.open_memory_channel(0)
        full, unread = trio.open_memory_channel(0)
        await lock.acquire()

        async def with_lock() -> None:
            async with lock:
                pass

        async def with_condition() -> None:
            async with condition:
                await condition.wait()

        async def iterates() -> None:
            async for _ in receiver:
                pass

        async def nursery() -> None:
            async with trio.open_nursery() as opened:
                opened.start_soon(forever, name="inside")

        async def sends() -> None:
            await full.send(1)

        async def sleeps() -> None:
            await trio.sleep(3600)

        async with running(
            lock=with_lock,
            event=event.wait,
            condition=with_condition,
            semaphore=semaphore.acquire,
            iterates=iterates,
            sends=sends,
            nursery=nursery,
            sleeps=sleeps,
        ):
            tasks = tasks_of(snapshot())
            waits = {name: tasks[name].waits_for for name in tasks if tasks[name].waits_for is not None}
            descriptions = {name: wait.description for name, wait in waits.items() if wait is not None}
            for name, description in {
                "lock": "lock",
                "event": "event",
                "condition": "condition",
                "semaphore": "semaphore",
                "iterates": "item of a channel (0 of 0)",
                "sends": "place in a channel (0 of 0)",
                "nursery": "tasks of a nursery",
                "sleeps": "sleep",
            }.items():
                assert descriptions[name] == description, descriptions
            assert waits["event"] is not None
            assert waits["event"].target is event
            assert tasks["inside"].parent == tasks["nursery"].id
        del sender, unread

    trio.run(main)


def test_runs_in_all_threads() -> None:
    def run(name: str) -> None:
        async def main() -> None:
            async with running(**{name: forever}):
                started.release()
                await trio.to_thread.run_sync(stop.wait)

        trio.run(main)

    started, stop = threading.Semaphore(0), threading.Event()
    threads = [threading.Thread(target=run, args=(name,), name=name) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    for _ in threads:
        started.acquire()
    found = snapshot()
    stop.set()
    for thread in threads:
        thread.join()
    tasks = tasks_of(found)
    ids = {a.name: a.id for a in found.activities if a.kind == "thread"}
    for name in ("first", "second"):
        assert tasks[name].thread == ids[name]
    assert tasks["first"].loop != tasks["second"].loop
    assert "first" not in tasks_of(snapshot())


def test_guest_mode() -> None:
    arrived: Any = None

    async def guest() -> str:
        async with running(child=forever):
            arrived.set()
            await trio.sleep_forever()
        return "never"

    async def host() -> None:
        nonlocal arrived
        loop = asyncio.get_running_loop()
        arrived = asyncio.Event()
        done = loop.create_future()
        trio.lowlevel.start_guest_run(
            run_guest,
            run_sync_soon_threadsafe=loop.call_soon_threadsafe,
            done_callback=lambda outcome: done.set_result(None),
            host_uses_signal_set_wakeup_fd=True,
        )
        await arrived.wait()
        tasks = tasks_of(snapshot())  # between two ticks: no frame of trio is running here
        while tasks["child"].thread is None:  # its thread that waits for events has not begun
            await asyncio.sleep(0)
            tasks = tasks_of(snapshot())
        assert tasks["child"].state == "suspended"
        (thread,) = (a.id for a in snapshot().activities if a.name == "MainThread")
        assert tasks["child"].thread == thread
        scopes[0].cancel()
        await done

    async def run_guest() -> None:
        with trio.CancelScope() as scope:
            scopes.append(scope)
            await guest()

    scopes: List[Any] = []
    asyncio.run(host())


def contexts_of(traceback: Optional[Traceback], manager: object) -> List[ContextInfo]:
    """Return the contexts of *manager* in the frames of *traceback*."""
    assert traceback is not None
    contexts = [context for frame in traceback.frames for context in frame.contexts]
    return [context for context in contexts if context.manager is manager]


def test_context_managers() -> None:
    lock = trio.Lock()

    async def managers() -> None:
        async with trio.open_nursery() as nursery, lock:
            deadline = trio.current_time() + 3600
            with trio.CancelScope(deadline=deadline, shield=True) as scope, trio.CancelScope() as cancelled:
                nursery.start_soon(forever, name="child")
                kept.extend([nursery, scope, cancelled])
                await forever()

    kept: List[Any] = []

    async def main() -> None:
        async with running(managers=managers):
            found = tasks_of(snapshot())["managers"].traceback
            kept[2].cancel()
            cancelled = tasks_of(snapshot())["managers"].traceback
            kept[1].cancel()  # its shield keeps others out
            (nursery,) = contexts_of(found, kept[0])
            assert nursery.description == "open_nursery(), 1 task"
            roots = [child.root for child in nursery.children if isinstance(child, Traceback)]
            assert roots == list(kept[0].child_tasks)
            (scope,) = contexts_of(found, kept[1])
            description = scope.description
            assert description is not None
            left, _, rest = description.partition(" s left, ")
            assert 3500 < float(left) < 3601
            assert rest == "shielded"
            (locked,) = contexts_of(found, lock)
            assert locked.description is not None
            assert locked.description.startswith("held by ")
            assert [context.description for context in contexts_of(found, kept[2])] == [None]
            assert [context.description for context in contexts_of(cancelled, kept[2])] == ["cancelled"]

    trio.run(main)


def test_stack_goes_on_in_the_thread() -> None:
    def blocks() -> None:
        arrived.set()
        release.wait()

    async def in_thread() -> None:
        await trio.to_thread.run_sync(blocks)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(in_thread, name="in_thread")
            await trio.to_thread.run_sync(arrived.wait)
            task = tasks_of(snapshot())["in_thread"]
            assert shown(task.traceback)[:2] == ["in_thread", "blocks"]
            assert task.waits_for is not None
            assert task.waits_for.description == "thread"
            release.set()

    arrived, release = threading.Event(), threading.Event()
    trio.run(main)


def test_stack_of_a_call_back_from_the_thread() -> None:
    async def called_back() -> None:
        await forever()

    def calls_back() -> None:
        with contextlib.suppress(trio.Cancelled):
            trio.from_thread.run(called_back)

    async def in_thread() -> None:
        await trio.to_thread.run_sync(calls_back)

    async def main() -> None:
        async with running(in_thread=in_thread):
            while "called_back" not in shown(tasks_of(snapshot())["in_thread"].traceback):
                await trio.sleep(0)
                await trio.testing.wait_all_tasks_blocked()
            names = shown(tasks_of(snapshot())["in_thread"].traceback)
            assert names == ["in_thread", "calls_back", "called_back", "forever"]

    trio.run(main)


@pytest.mark.parametrize("gives_token", [False, True], ids=["in the task that waits", "in a system task"])
def test_stack_of_a_thread_that_calls_back(gives_token: bool) -> None:
    async def called_back() -> None:
        called.append(True)
        await forever()

    def calls_back() -> None:
        idents.append(threading.get_ident())
        with contextlib.suppress(trio.Cancelled):
            trio.from_thread.run(called_back, trio_token=token if gives_token else None)

    async def in_thread() -> None:
        await trio.to_thread.run_sync(calls_back, **abandon)

    def shown_of_thread() -> List[str]:
        (thread,) = [a for a in snapshot().activities if a.kind == "thread" and a.thread_ident in idents]
        return shown(thread.traceback)

    token: Any = None

    async def main() -> None:
        nonlocal token
        token = trio.lowlevel.current_trio_token()
        async with running(in_thread=in_thread):
            while not called:
                await trio.sleep(0)
            await trio.testing.wait_all_tasks_blocked()
            assert shown_of_thread() == ["calls_back", "called_back", "forever"]

    abandon: Dict[str, Any] = {}
    if gives_token:  # nothing cancels the system task before the run ends
        is_new = "abandon_on_cancel" in inspect.signature(trio.to_thread.run_sync).parameters
        abandon["abandon_on_cancel" if is_new else "cancellable"] = True
    idents: List[int] = []
    called: List[bool] = []
    trio.run(main)


def test_conditions_and_limiters() -> None:
    condition, limiter, lock = trio.Condition(), trio.CapacityLimiter(2), trio.Lock()
    unlimited = trio.CapacityLimiter(math.inf)

    async def notified() -> None:
        async with condition:
            await condition.wait()

    async def holds() -> None:
        async with condition, limiter, unlimited, lock:
            await forever()

    async def entering() -> None:
        async with lock:
            pass

    async def main() -> None:
        async with running(notified=notified):
            traceback = tasks_of(snapshot())["notified"].traceback
            (context,) = contexts_of(traceback, condition)
            assert context.description == "not locked, 1 waiting"
            async with running(holds=holds), running(entering=entering):
                traceback = tasks_of(snapshot())["holds"].traceback
                found = [contexts_of(traceback, each)[0] for each in (condition, limiter, unlimited, lock)]
                assert [context.description for context in found] == [
                    "held by holds, 1 waiting",
                    "1 of 2 tokens borrowed",
                    "1 token borrowed",
                    "held by holds, 1 waiting",
                ]

    trio.run(main)


def test_names_of_tasks_in_trees() -> None:
    async def owner() -> None:
        async with contextlib.AsyncExitStack() as stack:
            nursery = await stack.enter_async_context(trio.open_nursery())
            await stack.enter_async_context(trio.Lock())
            nursery.start_soon(forever, name="child")
            await forever()

    async def main() -> None:
        async with running(owner=owner):
            text = normalised(str(Traceback.of(tasks_of(snapshot())["owner"].target)))
        assert text.startswith("trio.lowlevel.Task owner at 0x\n")
        assert "─ async with open_nursery()  # 1 task\n" in text
        assert "─ trio.lowlevel.Task child at 0x\n" in text
        assert "─ async with trio.Lock  # held by owner, at 0x\n" in text

    trio.run(main)


def test_timeouts_show_what_is_left_and_none_of_their_own_frames() -> None:
    async def late() -> None:
        with trio.fail_after(3600):
            await forever()

    async def main() -> None:
        async with running(late=late):
            traceback = tasks_of(snapshot())["late"].traceback
        assert traceback is not None
        (context,) = traceback.frames[0].contexts
        assert context.inner is not None
        assert shown(context.inner) == []
        assert context.description is not None
        call, _, left = context.description.partition(", ")
        assert call == "fail_after()"
        assert 3500 < float(left.replace(" s left", "")) < 3601
        assert normalised(str(traceback)).splitlines()[2].startswith("│  ├─ with fail_after()  # line ")

    trio.run(main)


def test_sockets_and_idle_threads() -> None:
    async def main() -> None:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        client = await trio.testing.open_stream_to_socket_listener(listener)
        server = await listener.accept()
        address = "{}:{}".format(*listener.socket.getsockname())

        async def reads() -> None:
            await client.receive_some(1)

        async with client, server, listener, running(reads=reads, accepts=listener.accept):
            await trio.to_thread.run_sync(int)
            idle = None
            for _ in range(1000):  # it waits for its next work a moment after this one has been reported
                found = snapshot(tracebacks=False).activities
                idle = next((each.waits_for for each in found if each.name.startswith("Trio thread")), None)
                if idle is not None:
                    break
            tasks = tasks_of(snapshot())
        waits = [tasks[name].waits_for for name in ("reads", "accepts")]
        assert [wait and wait.description for wait in waits] == [f"data from {address}", f"connection at {address}"]
        assert idle is not None
        assert idle.description == "work"

    trio.run(main)


@pytest.mark.parametrize("is_async", [True, False])
def test_what_runs_for_a_thread_at_the_moment(is_async: bool) -> None:
    def called_back() -> None:
        tasks.append(trio.lowlevel.current_task())
        stacks.append(Traceback.of(tasks[0]))
        stacks.append(Traceback.of(threads[0]))

    async def awaited_back() -> None:
        called_back()

    def works() -> None:
        threads.append(threading.current_thread())
        if is_async:
            trio.from_thread.run(awaited_back)
        else:
            trio.from_thread.run_sync(called_back)

    async def main() -> None:
        await trio.to_thread.run_sync(works)

    threads: List[threading.Thread] = []
    tasks: List[Any] = []
    stacks: List[Traceback] = []
    trio.run(main)
    back = ["awaited_back", "called_back"] if is_async else ["called_back"]
    of_task, of_thread = ([info.frame.f_code.co_name for info in stack if not info.hide] for stack in stacks)
    assert of_task == ["main", "works", *back]
    assert of_thread[-1 - len(back) :] == ["works", *back]
