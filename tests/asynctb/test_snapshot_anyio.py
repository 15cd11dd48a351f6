"""anyio in snapshots, on both backends: parents, task groups, cancel scopes, worker threads."""

from __future__ import annotations

import threading
from typing import Any, Dict, List, Optional

import pytest

from asynctb import Activity, ContextInfo, Traceback
from asynctb._snapshot import snapshot

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
