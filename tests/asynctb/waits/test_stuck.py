"""Programs that stand still, and such as only seem to: what the library finds in them from within."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
from stuck_programs import DIAGNOSED, FOLDER, LOOK_ALIKES, Case

import asynctb

#: How often it is looked for what has to be there, and for what must not be.
MOST_LOOKS, LOOKS = 30, 4


@contextlib.contextmanager
def looks(case: Case) -> Iterator[Iterator[List[Dict[str, Any]]]]:
    """Yield the findings of one look after another, each with the names of its activities."""
    if importlib.util.find_spec(case.needs) is None:
        pytest.skip(f"{case.needs} is not installed")
    if case.is_searched and sys.implementation.name == "pypy":
        pytest.skip("the variables of running frames cannot be read there")
    if sys.version_info < case.since:
        pytest.skip("the program uses what this version of Python does not have")
    package = str(Path(asynctb.__file__).parents[1])
    command = [sys.executable, "-W", "ignore", str(FOLDER / f"{case.program}.py")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([package, os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    try:
        yield (json.loads(line) for line in process.stdout)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def is_found(case: Case) -> bool:
    with looks(case) as found:
        for _, findings in zip(range(MOST_LOOKS), found):
            if any(case.is_right(each["kind"], each["certain"], each["names"]) for each in findings):
                return True
    return False


@pytest.mark.parametrize("case", DIAGNOSED, ids=lambda case: case.program)
def test_what_is_wrong(case: Case) -> None:
    assert is_found(case)


@pytest.mark.parametrize("case", LOOK_ALIKES, ids=lambda case: case.program)
def test_nothing_is_wrong(case: Case) -> None:
    with looks(case) as found:
        for _ in range(LOOKS):
            assert [each["text"] for each in next(found) if each["certain"]] == []
