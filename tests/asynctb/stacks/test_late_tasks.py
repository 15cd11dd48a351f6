"""The examples of the guide for tasks that take too long."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

import asynctb

GUIDE = Path(__file__).parents[3] / "docs" / "guide.md"


pytestmark = pytest.mark.skipif(not GUIDE.exists(), reason="only in the repository")


def examples() -> Dict[str, Any]:
    section = GUIDE.read_text(encoding="utf-8").partition("## A task that takes too long\n")[2].partition("\n## ")[0]
    space: Dict[str, Any] = {
        "Iterator": Iterator,
        "asyncio": asyncio,
        "asynctb": asynctb,
        "contextlib": contextlib,
        "logging": logging,
    }
    for code in re.findall("```python\n(.*?)```", section, re.DOTALL):
        # The types of tasks are generic from Python 3.9 on, which is what a type checker asks for.
        exec("from __future__ import annotations\n" + code.replace("timeout=5", "timeout=0.01"), space)
    return space


async def hangs() -> None:
    await asyncio.Event().wait()


def logged(caplog: pytest.LogCaptureFixture) -> List[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def test_tasks_that_are_late(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        task = asyncio.ensure_future(hangs())
        await examples()["fetch_all"](task)
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(main())
    (text,) = logged(caplog)
    assert "takes too long" in text
    assert "─ hangs  " in text


def test_a_block_before_its_timeout(caplog: pytest.LogCaptureFixture) -> None:
    async def work(seconds: float) -> None:
        with examples()["logged_after"](seconds):
            await hangs()

    async def main() -> None:
        for seconds in (0, 3600):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(work(seconds), 0.1)

    asyncio.run(main())
    (text,) = logged(caplog)
    assert "takes long" in text
    assert "─ hangs  " in text
