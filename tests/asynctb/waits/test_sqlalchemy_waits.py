"""Pools of SQLAlchemy: who waits for a connection, how full the pool is, and who has those that there are."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest

import asynctb

sqlalchemy = pytest.importorskip("sqlalchemy")
pools = pytest.importorskip("sqlalchemy.pool")
orm = pytest.importorskip("sqlalchemy.orm")
concurrency = pytest.importorskip("sqlalchemy.util.concurrency")

FULL = "connection (pool full: 2 of 2 connections used)"


@contextlib.contextmanager
def _engine(path: Path, timeout: float) -> Iterator[Any]:
    engine = sqlalchemy.create_engine(
        f"sqlite:///{path}/db", poolclass=pools.QueuePool, pool_size=1, max_overflow=1, pool_timeout=timeout
    )
    yield engine
    engine.dispose()


@contextlib.contextmanager
def _threads(**functions: Callable[[], None]) -> Iterator[None]:
    threads = [threading.Thread(target=function, name=name) for name, function in functions.items()]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join()


def _by_name(snapshot: asynctb.Snapshot) -> Dict[str, asynctb.Activity]:
    return {each.name: each for each in snapshot.activities}


def _look_until(*waiting: str) -> asynctb.Snapshot:
    for _ in range(1000):
        snapshot = asynctb.snapshot()
        waits = [_by_name(snapshot)[name].waits_for for name in waiting if name in _by_name(snapshot)]
        if len(waits) == len(waiting) and all(wait is not None and wait.kind == "limiter" for wait in waits):
            return snapshot
        time.sleep(0.01)
    raise AssertionError(waits)


def test_threads(tmp_path: Path) -> None:
    release, ready = threading.Event(), threading.Barrier(3)

    with _engine(tmp_path, 1000) as engine:

        def connection() -> None:
            with engine.connect():
                ready.wait()
                release.wait()

        def session() -> None:
            with orm.Session(engine) as current:
                current.execute(sqlalchemy.text("select 1"))
                ready.wait()
                release.wait()

        def waiter() -> None:
            ready.wait()
            engine.connect().close()

        with _threads(connection=connection, session=session, waiter=waiter):
            try:
                snapshot = _look_until("waiter")
                named = _by_name(snapshot)
                wait = named["waiter"].waits_for
                assert wait is not None
                assert (wait.kind, wait.description, wait.target) == ("limiter", FULL, engine.pool)
                ids = {named[name].id for name in ("connection", "session")}
                assert {holder.activity for holder in wait.holders} == ids
                assert {holder.evidence for holder in wait.holders} == {"block"}
                assert all(holder.since and holder.since.filename == __file__ for holder in wait.holders)
                assert wait.deadline is not None
                assert 900 < wait.deadline <= 1000
                (finding,) = snapshot.findings
                assert finding.kind == "starved"
                assert finding.text.startswith(f"1 waits for {FULL}: all 2 are held by ")
            finally:
                release.set()


def test_each_has_one_and_wants_another(tmp_path: Path) -> None:
    ready = threading.Barrier(2)
    errors: List[Exception] = []

    with _engine(tmp_path, 3) as engine:

        def work() -> None:
            with engine.connect():
                ready.wait()
                try:
                    engine.connect().close()
                except sqlalchemy.exc.TimeoutError as error:
                    errors.append(error)

        with _threads(left=work, right=work):
            (finding,) = _look_until("left", "right").findings
            assert (finding.kind, finding.certain) == ("deadlock", False)
            assert re.search(r" \(for \d s, until the timeout of thread (left|right)\)$", finding.text)
    assert errors


def test_tasks() -> None:
    async def main() -> None:
        pool = pools.AsyncAdaptedQueuePool(connect, pool_size=1, max_overflow=1, timeout=1000)
        used = [await concurrency.greenlet_spawn(pool.connect) for _ in range(2)]
        task = asyncio.ensure_future(concurrency.greenlet_spawn(pool.connect))
        task.set_name("waiter")
        for _ in range(20):
            await asyncio.sleep(0)
        wait = _by_name(asynctb.snapshot())["waiter"].waits_for
        assert wait is not None
        assert (wait.kind, wait.description, wait.target) == ("limiter", FULL, pool)
        used.pop().close()
        used.append(await task)
        for each in used:
            each.close()
        for connection in connections:
            connection.close()

    connections: List[sqlite3.Connection] = []

    def connect() -> sqlite3.Connection:
        connections.append(sqlite3.connect(":memory:"))
        return connections[-1]

    asyncio.run(main())
