"""anyio in snapshots, on both backends: parents, task groups, cancel scopes, worker threads."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from typing import Any, Dict, List, Optional

import pytest

from asynctb import Activity, ContextInfo, Traceback
from asynctb._snapshot.listing import snapshot

anyio = pytest.importorskip("anyio", reason="anyio is not installed")
pytest.importorskip("anyio.from_thread")


@pytest.fixture(params=["asyncio", "trio"])
def backend(request: pytest.FixtureRequest) -> str:
    if request.param == "trio":
        pytest.importorskip("trio", reason="trio is not installed")
    return str(request.param)


def tasks_by_name() -> Dict[str, Activity]:
    found = snapshot()
    assert not [note for note in found.notes if "glue" in note], found.notes
    return {a.name.rpartition(".")[2]: a for a in found.activities if a.kind == "task"}


def shown(traceback: Optional[Traceback]) -> List[str]:
    """Return the names of the functions that are not hidden."""
    assert traceback is not None
    return [frame.frame.f_code.co_name for frame in traceback.frames if not frame.hide]


def contexts_of(traceback: Optional[Traceback], function: str) -> List[ContextInfo]:
    assert traceback is not None
    (frame,) = (frame for frame in traceback.frames if frame.frame.f_code.co_name == function)
    return list(frame.contexts)


async def child() -> None:
    await anyio.sleep(3600)


def test_task_group_and_cancel_scope(backend: str) -> None:
    async def owner() -> None:
        async with anyio.create_task_group() as group:
            with anyio.move_on_after(3600, shield=True) as scope:
                group.start_soon(child, name="child")
                kept.extend([group, scope])
                await anyio.sleep(3600)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(owner, name="owner")
            await anyio.wait_all_tasks_blocked()
            tasks = tasks_by_name()
            kept[1].shield = False
            group.cancel_scope.cancel()
        assert tasks["child"].parent == tasks["owner"].id
        assert tasks["owner"].framework == backend
        assert shown(tasks["owner"].traceback) == ["owner"]
        assert shown(tasks["child"].traceback) == ["child"]
        assert tasks["child"].waits_for is not None
        assert tasks["child"].waits_for.description == "sleep"
        group_context, scope_context = contexts_of(tasks["owner"].traceback, "owner")
        assert group_context.manager is kept[0]
        assert group_context.description == "1 task"
        assert [c.root for c in group_context.children if isinstance(c, Traceback)] == [tasks["child"].target]
        description = scope_context.description
        assert description is not None
        left, _, rest = description.partition(" s left, ")
        assert 3500 < float(left) < 3601
        assert rest == "shielded"

    kept: List[Any] = []
    anyio.run(main, backend=backend)


def test_stack_goes_on_in_the_worker_thread(backend: str) -> None:
    def blocks() -> None:
        arrived.set()
        release.wait()

    async def in_thread() -> None:
        await anyio.to_thread.run_sync(blocks)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(in_thread, name="in_thread")
            await anyio.to_thread.run_sync(arrived.wait)
            task = tasks_by_name()["in_thread"]
            release.set()
        assert shown(task.traceback)[:2] == ["in_thread", "blocks"]

    arrived, release = threading.Event(), threading.Event()
    anyio.run(main, backend=backend)


def test_stack_of_a_thread_that_calls_into_a_portal(backend: str) -> None:
    async def called() -> None:
        event = anyio.Event()
        events.append(event)
        await event.wait()

    def calls() -> None:
        with anyio.from_thread.start_blocking_portal(backend) as portal:
            portals.append(portal)
            portal.call(called)

    events: List[Any] = []
    portals: List[Any] = []
    thread = threading.Thread(target=calls)
    thread.start()
    while shown(Traceback.of(thread))[-1] != "called":
        assert thread.is_alive()
    portals[0].call(events[0].set)
    thread.join()


def wait_of(name: str) -> Optional[str]:
    wait = tasks_by_name()[name].waits_for
    return None if wait is None else wait.description


@pytest.mark.parametrize("early", [False, True])
def test_locks(backend: str, early: bool) -> None:
    """Also those that are made before there is a backend."""

    def make() -> List[Any]:
        return [anyio.Lock(), anyio.Condition(), anyio.Semaphore(1), anyio.CapacityLimiter(1)]

    async def holder() -> None:
        lock, condition, semaphore, limiter = made
        async with lock, condition, semaphore, limiter:
            with ResourceGuard("holding"):
                await release[0].wait()

    async def entering(manager: Any) -> None:
        async with manager:
            pass

    async def waits_for_condition() -> None:
        async with made[1]:
            await made[1].wait()

    async def main() -> None:
        made[:] = made or make()
        lock, condition, semaphore, limiter = made
        release.append(anyio.Event())
        async with anyio.create_task_group() as group:
            group.start_soon(waits_for_condition, name="notified")
            await anyio.wait_all_tasks_blocked()
            found = contexts_of(tasks_by_name()["notified"].traceback, "waits_for_condition")
            assert [context.description for context in found] == ["not locked, 1 waiting"]
            group.start_soon(holder, name="holder")
            await anyio.wait_all_tasks_blocked()
            for name, manager in (("locks", lock), ("enters", condition), ("takes", semaphore), ("borrows", limiter)):
                group.start_soon(entering, manager, name=name)
            await anyio.wait_all_tasks_blocked()
            contexts = contexts_of(tasks_by_name()["holder"].traceback, "holder")
            waits = [wait_of(name) for name in ("notified", "locks", "enters", "takes", "borrows")]
            target = tasks_by_name()["locks"].waits_for
            # Not cancelled: anyio 4.5 can lose who waits for the lock of a condition then.
            release[0].set()
            async with condition:
                condition.notify_all()
        assert [context.manager for context in contexts[:4]] == made
        assert [context.description for context in contexts] == [
            "held by holder, 1 waiting",
            "held by holder, 1 waiting",
            "value 0, 1 waiting",
            "1 of 1 tokens borrowed, 1 waiting",
            "ResourceGuard('holding')",
        ]
        assert waits == ["condition", "lock", "lock", "semaphore", "capacity"]
        assert target is not None
        assert target.target is (lock if not early else target.target)

    from anyio._core._synchronization import ResourceGuard

    release: List[Any] = []
    made: List[Any] = make() if early else []
    anyio.run(main, backend=backend)


def test_waits(backend: str) -> None:
    async def in_group() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(child, name="in group")

    async def starts() -> None:
        async with anyio.create_task_group() as group:
            await group.start(never_starts, name="never starts")

    async def never_starts(*, task_status: Any) -> None:
        await anyio.sleep(3600)

    async def in_thread() -> None:
        await anyio.to_thread.run_sync(release.wait)

    async def process() -> None:
        async with await anyio.open_process([sys.executable, "-c", "input()"]) as running:
            entered.append(running)
            await running.wait()

    async def main() -> None:
        sends, receives = anyio.create_memory_object_stream(0)
        full, unread = anyio.create_memory_object_stream(0)
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        address = f"127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}"
        socket = await anyio.connect_tcp("127.0.0.1", int(address.rpartition(":")[2]))
        accepted = await listener.listeners[0].accept()
        event = anyio.Event()

        async def iterates() -> None:
            async for _ in receives:
                pass

        async with contextlib.AsyncExitStack() as stack, anyio.create_task_group() as group:
            for manager in (listener, socket, accepted, sends, receives, full, unread):
                await stack.enter_async_context(manager)
            functions: Dict[str, Any] = {
                "tasks of a group": in_group,
                "task to start": starts,
                "thread": in_thread,
                "process": process,
                "item of a memory stream (0 of 0)": iterates,
                "place in a memory stream (0 of 0)": lambda: full.send(1),
                "socket data": socket.receive,
                "connection": listener.listeners[0].accept,
                "event": event.wait,
            }
            for name, function in functions.items():
                group.start_soon(function, name=name)
            try:
                while not entered or wait_of("process") is None:
                    await anyio.wait_all_tasks_blocked()
                found = {name: wait_of(name) for name in functions}
            finally:
                release.set()
            entered[0].kill()
            await entered[0].wait()  # or it would be killed once more where it is gone
            group.cancel_scope.cancel()
        expected = {name: name for name in found}
        assert found == {
            **expected,
            "process": f"process {entered[0].pid}",
            "socket data": f"data from {address}",
            "connection": f"connection at {address}",
        }

    release = threading.Event()
    entered: List[Any] = []
    anyio.run(main, backend=backend)


def test_timeouts_show_what_is_left_and_none_of_their_own_frames(backend: str) -> None:
    async def late() -> None:
        with anyio.fail_after(3600):
            await anyio.sleep(3600)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(late, name="late")
            await anyio.wait_all_tasks_blocked()
            (context,) = contexts_of(tasks_by_name()["late"].traceback, "late")
            group.cancel_scope.cancel()
        assert context.inner is not None
        assert shown(context.inner) == []
        assert context.description is not None
        call, _, left = context.description.partition(", ")
        assert call == "fail_after()"
        assert 3500 < float(left.replace(" s left", "")) < 3601

    anyio.run(main, backend=backend)


# anyio imports its parts when they are used first (from 4.16 on).
EARLY = """
import sys
import anyio
import asynctb

asynctb.snapshot()

async def main():
    async with anyio.Lock():
        found = asynctb.snapshot()
        (task,) = [each for each in found.activities if each.name.rpartition(".")[2] == "main"]
        (context,) = [context for frame in task.traceback for context in frame.contexts if not frame.hide]
        print(context.description, [note for note in found.notes if "glue" in note])

anyio.run(main, backend=sys.argv[1])
"""


def test_look_before_anything_is_used(backend: str) -> None:
    command = [sys.executable, "-c", EARLY, backend]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    assert done.stdout.startswith("held by ")
    assert done.stdout.endswith("[]\n")
