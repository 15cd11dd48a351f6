"""Programs that stand still, and such as only seem to: what the terminal finds in them through the debugger."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import sys
from typing import Dict, Iterator, List
from unittest import mock

import pytest
from commands import asynctb, started
from stuck_programs import DIAGNOSED, FOLDER, LOOK_ALIKES, Case

from dap_extension.client._commands.messages import STUCK
from dap_extension.protocol import FindingInfo

#: How often it is looked for what has to be there, and for what must not be.
MOST_LOOKS, LOOKS = 10, 2

#: Without a pause, and with one.
on_both_ways = pytest.mark.parametrize("command", ["dump", "attach"])


@contextlib.contextmanager
def listening(case: Case) -> Iterator[int]:
    if importlib.util.find_spec(case.needs) is None:
        pytest.skip(f"{case.needs} is not installed")
    if sys.version_info < case.since:
        pytest.skip("the program uses what this version of Python does not have")
    with mock.patch.dict(os.environ, STUCK_DEBUGPY="1"):
        program = started(sys.executable, "-W", "ignore", FOLDER / f"{case.program}.py")
        with program as process:
            assert process.stdout is not None
            yield int(process.stdout.readline())


def is_found(case: Case, findings: List[FindingInfo], names: Dict[str, str]) -> bool:
    return any(
        case.is_right(each["kind"], each["certain"], [names[id] for id in each["activityIds"]]) for each in findings
    )


@on_both_ways
@pytest.mark.parametrize("case", DIAGNOSED, ids=lambda case: case.program)
def test_what_is_wrong(case: Case, command: str) -> None:
    if case.kind == "blocked_loop" and command == "attach":
        pytest.skip("at a stop a timer that is overdue proves nothing")
    if case.is_searched and command == "dump":
        pytest.skip("a program that runs is not searched")
    with listening(case) as port:
        for _ in range(MOST_LOOKS):
            result = asynctb(command, port, "--json", "--why")
            snapshot = json.loads(result.stdout)["snapshot"]
            names = {each["id"]: each["name"] for each in snapshot["activities"]}
            if is_found(case, snapshot["findings"], names):
                break
        else:
            pytest.fail(f"not among {snapshot['findings']}")
    assert result.returncode == (STUCK if any(each["certain"] for each in snapshot["findings"]) else 0)
    sources = snapshot["sources"]
    steps = [step for each in snapshot["findings"] for step in each["steps"]]
    held = [holder for each in snapshot["activities"] for holder in each.get("waitsFor", {}).get("holders", ())]
    for place in [each["location"] for each in (*steps, *held) if "location" in each]:
        assert sources[place["source"]]["path"] == str(FOLDER / f"{case.program}.py")


@on_both_ways
@pytest.mark.parametrize("case", LOOK_ALIKES, ids=lambda case: case.program)
def test_nothing_is_wrong(case: Case, command: str) -> None:
    with listening(case) as port:
        for _ in range(LOOKS):
            result = asynctb(command, port, "--json", "--why")
            findings = json.loads(result.stdout)["snapshot"]["findings"]
            assert [each["text"] for each in findings if each["certain"]] == []
            assert result.returncode == 0
