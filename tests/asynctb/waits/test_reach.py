"""Who waits for what nothing can wake any more, by a search of the heap, and who only seems to."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from typing import Any, List, Tuple

import pytest

pytestmark = pytest.mark.skipif(
    sys.implementation.name != "cpython", reason="the variables of threads cannot be read without a trace"
)


def _run(name: str) -> Tuple[List[Any], List[str]]:
    program = pathlib.Path(__file__).with_name("reach_programs.py")
    done = subprocess.run([sys.executable, str(program), name], stdout=subprocess.PIPE, check=True, timeout=60)
    found, notes = json.loads(done.stdout)
    return found, notes


def test_an_event_that_nobody_can_set_is_told() -> None:
    found, notes = _run("nobody")
    assert not notes
    assert [each[:2] for each in found] == [["abandoned", True]]
    assert " waits for event at reach_programs.py:" in found[0][2]
    assert found[0][2].endswith(", and nothing that can still run refers to it")


def test_nothing_is_searched_unless_asked_for() -> None:
    assert _run("not_asked") == ([], [])


def test_too_much_gives_no_finding_but_a_note() -> None:
    found, notes = _run("too_much")
    assert not found
    assert [note for note in notes if "too many objects" in note]


@pytest.mark.parametrize(
    "name",
    [
        "timer",
        "partial",
        "signal_of_loop",
        "signal",
        "method_of_global",
        "thread",
        "context",
        "weak_callback",
        "weak",
        "done_callback",
        "generator",
        "chain",
        "iterated_generator",
    ],
)
def test_who_can_be_woken_is_not_told(name: str) -> None:
    assert _run(name) == ([], [])


@pytest.mark.parametrize(
    ("name", "words"), [("producer_and_consumer", "place in a queue (1 of 1)"), ("left_generator", "held by async gen")]
)
def test_who_waits_for_the_only_one_that_could_wake_is_in_a_deadlock(name: str, words: str) -> None:
    found, notes = _run(name)
    assert not notes
    assert [each[:2] for each in found] == [["deadlock", True]]
    assert words in found[0][2]
