"""Tasks of curio in snapshots, and what is inside curio's context managers."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from typing import Any, Awaitable, Callable, Dict, List

import pytest

from asynctb import Activity, Snapshot, Traceback, snapshot

pytestmark = pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="curio cannot be imported by CPython 3.12 and later"
)
if sys.version_info < (3, 12):
    curio = pytest.importorskip("curio", reason="curio is not installed")


def tasks_of(found: Snapshot) -> Dict[str, Activity]:
    """Return the tasks of curio by the last part of their names, without the kernel's own."""
    tasks = [activity for activity in found.activities if activity.framework == "curio"]
    assert all(task.loop == tasks[0].loop for task in tasks)
    return {task.name.rpartition(".")[2]: task for task in tasks if not task.name.endswith("_kernel_task")}


def shown(stack: Traceback) -> List[str]:
    return [frame.frame.f_code.co_name for frame in stack if not frame.hide]


def run(main: Callable[..., Awaitable[Any]]) -> None:
    curio.run(main)


def test_states_parents_and_waits() -> None:
    async def sleeper() -> None:
        await curio.sleep(1000)

    async def holder() -> None:
        async with lock:
            await curio.sleep(1000)

    async def locked_out() -> None:
        async with lock:
            pass

    async def listener() -> None:
        await event.wait()

    async def woken() -> None:
        await gate.wait()

    async def taker() -> None:
        await queue.get()

    async def threaded() -> None:
        await curio.run_in_thread(go_on.wait)

    async def joiner() -> None:
        await sleeping.join()

    async def fresh() -> None:
        pass

    async def main() -> None:
        nonlocal lock, event, gate, queue, sleeping
        lock, event, gate, queue = curio.Lock(), curio.Event(), curio.Event(), curio.Queue()
        async with curio.TaskGroup() as group:
            sleeping = await group.spawn(sleeper)
            for function in (holder, locked_out, listener, woken, taker, joiner):
                await group.spawn(function)
            in_thread = await curio.spawn(threaded)
            while True:
                found.append(snapshot())
                tasks = tasks_of(found[-1])
                if all(task.state == "suspended" for task in tasks.values() if not task.name.endswith("main")):
                    break
                await curio.sleep(0)
            await gate.set()
            await group.spawn(fresh)
            found.append(snapshot())
            go_on.set()
            await in_thread.join()
            await group.cancel_remaining()

    lock = event = gate = queue = sleeping = None
    go_on = threading.Event()
    found: List[Snapshot] = []
    run(main)

    tasks = tasks_of(found[-2])
    waits = {name: task.waits_for.description for name, task in tasks.items() if task.waits_for is not None}
    assert waits == {
        "sleeper": "sleep",
        "holder": "sleep",
        "locked_out": "lock",
        "listener": "event",
        "woken": "event",
        "taker": "item of a queue (empty)",
        "threaded": "thread",
        "joiner": f"task {sleeping.name}",
    }
    assert tasks["locked_out"].waits_for is not None
    assert tasks["locked_out"].waits_for.target is lock
    assert tasks["main"].state == "running"
    for name, task in tasks.items():
        assert task.parent == (task.thread if name == "main" else tasks["main"].id), name
        assert task.traceback is not None
        assert shown(task.traceback) == [name]
        assert task.top is not None
        assert task.top.frame.f_code.co_name == name
    assert not found[-2].notes

    later = tasks_of(found[-1])
    assert later["woken"].state == "ready"
    assert later["fresh"].state == "created"
    assert later["sleeper"].id == tasks["sleeper"].id


def test_context_managers() -> None:
    async def child() -> None:
        async with semaphore:
            await curio.sleep(1000)

    async def main() -> None:
        nonlocal semaphore
        semaphore = curio.Semaphore(2)
        async with curio.TaskGroup() as group, curio.timeout_after(1000):
            task = await group.spawn(child)
            while task.state != "TIME_SLEEP":
                await curio.sleep(0)
            async with curio.Lock():
                stacks["main"] = Traceback.of(await curio.current_task(), recurse_child_tasks=True)
            stacks["child"] = Traceback.of(task)
            managers["group"] = group
            await group.cancel_remaining()

    semaphore = None
    stacks: Dict[str, Traceback] = {}
    managers: Dict[str, object] = {}
    run(main)
    (frame,) = (frame for frame in stacks["main"] if not frame.hide)
    group, timeout, lock = frame.contexts
    assert group.manager is managers["group"]
    assert group.description == "1 task"
    (inside,) = group.children
    assert isinstance(inside, Traceback)
    assert shown(inside) == ["child"]
    assert timeout.description is not None
    assert timeout.description.endswith(" s left")
    assert 900 < float(timeout.description.split()[0]) <= 1000
    assert lock.description == "locked"
    (frame,) = (frame for frame in stacks["child"] if not frame.hide)
    (held,) = frame.contexts
    assert held.manager is semaphore
    assert held.description == "value 1"


def test_nothing_is_kept_alive() -> None:
    class Held:
        pass

    async def child(held: Held) -> None:
        await curio.sleep(1000)
        del held

    async def main() -> None:
        held = Held()
        references.append(weakref.ref(held))
        task = await curio.spawn(child, held)
        del held
        await curio.sleep(0)
        assert "child" in tasks_of(snapshot())
        await task.cancel()

    references: List[Any] = []
    run(main)
    for _ in range(3):
        gc.collect()
    assert references[0]() is None
