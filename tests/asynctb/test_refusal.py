"""CPython 3.13 without the global interpreter lock: nothing is read, and every way to ask says why."""

from __future__ import annotations

import asyncio
import io
import sys
import threading
from typing import Any, List

import pytest
from support import pause, suspended

import asynctb
from asynctb import _refusal


@pytest.fixture
def _without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_refusal, "_IS_AFFECTED", True)
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)


def no_frames(*args: Any) -> Any:
    raise AssertionError("frames are read")


@pytest.mark.usefixtures("_without_lock")
def test_every_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> List[asynctb.Traceback]:
        task: Any = asyncio.current_task()
        return [asynctb.Traceback.of(task)]

    frame = sys._getframe()
    with suspended(pause()) as coroutine:
        monkeypatch.setattr(sys, "_current_frames", no_frames)
        stacks = [
            *asyncio.run(main()),
            asynctb.Traceback.of(coroutine),
            asynctb.Traceback.of(threading.main_thread()),
            asynctb.Traceback.of(frame),
            asynctb.Traceback.since(None),
            asynctb.Traceback.since(frame),
            asynctb.Traceback.until(frame),
        ]
        snapshots = [asynctb.snapshot(), asynctb.snapshot(tracebacks=False, loose_objects=True)]
        out = io.StringIO()
        asynctb.dump(out)
    for stack in stacks:
        assert len(stack) == 0
        assert "PYTHON_GIL=1" in str(stack.error)
    for found in snapshots:
        assert found.activities == ()
        assert "PYTHON_GIL=1" in found.notes[0]
    assert "PYTHON_GIL=1" in out.getvalue()


@pytest.mark.usefixtures("_without_lock")
def test_the_lock_can_be_switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: True)
    assert len(asynctb.snapshot().activities) > 0


@pytest.mark.skipif(sys.version_info[:2] == (3, 13), reason="it is that version")
def test_other_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    assert len(asynctb.snapshot().activities) > 0
