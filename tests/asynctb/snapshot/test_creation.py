"""Where tasks and threads were made."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import sys
import threading
import weakref
from typing import Any, Dict, Iterator, List, Optional, Tuple

import pytest

import asynctb
from asynctb._snapshot import creation

Place = Optional[Tuple[str, str]]


@pytest.fixture
def recording() -> Iterator[None]:
    asynctb.record_creation()
    yield
    asynctb.record_creation(False)


def _places(snapshot: Optional[asynctb.Snapshot] = None) -> Dict[str, Place]:
    found: Dict[str, Place] = {}
    for each in (snapshot or asynctb.snapshot(tracebacks=False)).activities:
        place = each.created_at
        found[each.name] = None
        if place is not None:
            assert type(place.line) is int
            found[each.name] = place.filename, place.funcname.rpartition(".")[2]
    return found


def _start(function: Any, name: str) -> Any:
    task = asyncio.ensure_future(function())
    task.set_name(name)
    return task


async def _forever() -> None:
    await asyncio.sleep(1000)


async def _main() -> Dict[str, Place]:
    task = _start(_forever, "one")
    gathered = asyncio.gather(_forever())
    await asyncio.sleep(0)
    try:
        snapshot = asynctb.snapshot()
        assert ("created at " in str(snapshot)) == (_places(snapshot)["one"] is not None)
        for data, activity in zip(snapshot.as_data()["activities"], snapshot.activities):
            assert ("createdAt" in data) == (activity.created_at is not None)
        return _places(snapshot)
    finally:
        task.cancel()
        gathered.cancel()
        await asyncio.gather(task, gathered, return_exceptions=True)


def test_nothing_is_recorded_unless_asked_for() -> None:
    create_task = asyncio.BaseEventLoop.create_task
    assert set(asyncio.run(_main(), debug=False).values()) == {None}
    asynctb.record_creation()
    assert asyncio.BaseEventLoop.create_task is not create_task
    asynctb.record_creation(False)
    assert asyncio.BaseEventLoop.create_task is create_task


@pytest.mark.usefixtures("recording")
def test_tasks() -> None:
    found = asyncio.run(_main(), debug=False)
    assert found.pop("one") == (__file__, "_start")
    # Of what other tests have left behind, nothing was recorded.
    assert set(found.values()) - {None} == {(__file__, "_main"), (__file__, "test_tasks")}


@pytest.mark.usefixtures("recording")
def test_threads() -> None:
    release = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(1, "pool") as pool:
        pool.submit(release.wait)
        thread = threading.Thread(target=release.wait, name="own")
        thread.start()
        try:
            found = _places()
        finally:
            release.set()
            thread.join()
    assert found["own"] == (__file__, "test_threads")
    assert found["pool_0"] == (__file__, "test_threads")


@pytest.mark.usefixtures("recording")
def test_trio() -> None:
    trio = pytest.importorskip("trio")
    asynctb.record_creation()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever, name="child")
            await trio.testing.wait_all_tasks_blocked()
            found.append(_places())
            nursery.cancel_scope.cancel()

    pytest.importorskip("trio.testing")
    found: List[Dict[str, Place]] = []
    trio.run(main)
    assert found[0]["child"] == (__file__, "main")


def test_the_debug_mode_of_asyncio() -> None:
    async def main() -> Dict[str, Place]:
        asyncio.get_running_loop().set_debug(True)
        return await _main()

    loop = asyncio.new_event_loop()
    try:
        found = loop.run_until_complete(main())
    finally:
        loop.close()
    assert found["one"] == (__file__, "_start")


@pytest.mark.usefixtures("recording")
def test_nothing_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creation, "_FEWEST", 100)
    monkeypatch.setattr(creation, "_most", 100)

    async def nothing() -> None:
        pass

    async def main() -> Any:
        for _ in range(1000):
            await asyncio.ensure_future(nothing())
        return weakref.ref(asyncio.ensure_future(nothing()))

    reference = asyncio.run(main())
    for _ in range(3 if sys.implementation.name == "pypy" else 1):
        gc.collect()
    assert reference() is None
    assert sys.implementation.name == "pypy" or len(creation._records) < 300


@pytest.mark.usefixtures("recording")
def test_objects_that_cannot_be_recorded() -> None:
    creation._record(5, sys._getframe())
    creation._record(object(), None)
    assert asynctb.snapshot().activities[0].created_at is None
