"""Requests about many activities stop when their time is over, and go on from there when they are sent again."""

from __future__ import annotations

import types
from typing import Any, List, Tuple, cast

import pytest

from asynctb import _source
from dap_extension.debuggee import _pydevd, _service, _summary
from dap_extension.debuggee._errors import RequestError
from dap_extension.debuggee._rows import Row

TOTAL = 1000


def row(index: int) -> Row:
    info: Any = {"id": f"task-{index}", "kind": "task", "framework": "asyncio", "name": "", "state": "suspended"}
    return Row(info, None, None, None, None)


class Rows:
    """Stands in for what describes activities, and notes which ones."""

    def __init__(self) -> None:
        self.described: List[Tuple[int, int]] = []

    def make(self, listing: object, start: int, count: int) -> List[Row]:
        self.described.append((start, count))
        return [row(index) for index in range(start, min(start + count, TOTAL))]


class Sources:
    sources: Tuple[()] = ()


class Listing:
    def __init__(self) -> None:
        self.notes: List[str] = []


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Rows:
    held = _summary._Held(cast(Any, Listing()))
    monkeypatch.setattr(_pydevd, "held", lambda ref: held)
    return Rows()


@pytest.fixture
def activities(rows: Rows) -> _summary._Undescribed:
    return _summary._Undescribed(cast(Any, None), cast(Any, rows), TOTAL)


@pytest.mark.parametrize("is_over", [False, True])
def test_a_page(is_over: bool, rows: Rows, activities: _summary._Undescribed, monkeypatch: pytest.MonkeyPatch) -> None:
    class Snapshot:
        id = 1
        paused = True

    snapshot: Any = Snapshot()
    snapshot.activities = activities
    monkeypatch.setattr(_service, "SourceTable", lambda py_db: Sources())
    monkeypatch.setattr(_service, "PAGE_SECONDS", -1.0 if is_over else 3600.0)
    service = _service.Service("key")
    monkeypatch.setattr(service._snapshots, "get", lambda py_db, snapshot_id: snapshot)
    answer = service._snapshot(None, {"snapshotId": 1, "start": 10, "count": 120})
    assert answer["total"] == TOTAL
    if is_over:
        assert [info["id"] for info in answer["activities"]] == ["task-10"]
        assert rows.described == [(10, 50)]
    else:
        assert [info["id"] for info in answer["activities"]] == [f"task-{index}" for index in range(10, 130)]
        assert rows.described == [(10, 50), (60, 50), (110, 20)]


def test_looking_for_an_activity(
    rows: Rows, activities: _summary._Undescribed, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0

    def monotonic() -> float:
        nonlocal now
        now += 0.4
        return now

    monkeypatch.setattr(_summary, "time", types.SimpleNamespace(monotonic=monotonic))
    for _ in range(9):
        with pytest.raises(RequestError, match="ask again") as refused:
            activities.find("task-999")
        assert refused.value.code == "timeout"
    assert activities.find("task-999") is not None
    assert rows.described == [(start, 50) for start in range(0, TOTAL, 50)]
    assert activities.find("task-0") is not None
    assert activities.find("task-1000") is None
    assert len(rows.described) == 20


def test_stacks_that_were_found_in_time_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    class Reader:
        def __init__(self, *args: object, **options: object) -> None:
            pass

        def read(self, activity_id: str) -> Any:
            if activity_id == "slow":
                raise RequestError("timeout", "takes long")
            return {"activityId": activity_id}

    class Snapshot:
        id = 1

    service = _service.Service("key")
    monkeypatch.setattr(service._snapshots, "get", lambda py_db, snapshot_id: Snapshot())
    monkeypatch.setattr(_service, "StackReader", Reader)
    monkeypatch.setattr(_service, "SourceTable", lambda py_db: Sources())
    answer = service._stacks(None, {"snapshotId": 1, "activityIds": ["quick", "slow", "quick"]})
    assert answer["stacks"] == [{"activityId": "quick"}]
    with pytest.raises(RequestError, match="takes long"):
        service._stacks(None, {"snapshotId": 1, "activityIds": ["slow", "quick"]})


def test_no_file_is_kept_after_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(py_db: object, arguments: object) -> Any:
        assert _source.line_of_file(__file__, 1)
        kept.append(len(_source._cache.files))
        return {}

    kept: List[int] = []
    monkeypatch.setattr(_pydevd, "respond", lambda *args: kept.append(len(_source._cache.files)))
    _service.Service("key")._respond(None, types.SimpleNamespace(arguments=None), answer)
    assert kept == [1, 1]
    assert not _source._cache.files
    assert not _source._cache.lines
