"""Programs with several interpreters: a snapshot says how many are not shown."""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import Any, List

import pytest

import asynctb

modern = pytest.mark.skipif(
    sys.implementation.name != "cpython" or sys.version_info < (3, 12), reason="has no interpreters beside the first"
)
NAME = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"


def notes_on_others() -> List[str]:
    return [note for note in asynctb.snapshot(tracebacks=False).notes if "interpreter" in note]


@modern
def test_they_are_counted() -> None:
    interpreters: Any = importlib.import_module(NAME)
    assert notes_on_others() == []
    first = interpreters.create()
    rest = "not shown: an interpreter sees its own threads and tasks alone."
    assert notes_on_others() == [f"1 other interpreter of this process is {rest}"]
    second = interpreters.create()
    assert notes_on_others() == [f"2 other interpreters of this process are {rest}"]
    interpreters.destroy(first)
    interpreters.destroy(second)
    assert notes_on_others() == []


@modern
def test_what_stands_in_the_place_of_the_function_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    def never() -> None:
        raise AssertionError("called")

    monkeypatch.setattr(importlib.import_module(NAME), "list_all", never)
    assert notes_on_others() == []


@pytest.mark.skipif(sys.version_info < (3, 14), reason="needs concurrent.interpreters")
def test_inside_of_another_one() -> None:
    program = """
from concurrent import interpreters
import sys

code = f'''
import sys
sys.path[:] = {sys.path!r}
import warnings
warnings.simplefilter("ignore")
import threading, asynctb

def held():
    with threading.Lock():
        yield

generator = held()
next(generator)
print(asynctb.Traceback.of(generator))
print(*asynctb.snapshot().notes, sep="\\\\n")
'''
other = interpreters.create()
other.exec(code)
other.close()
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=False)
    assert result.stderr == ""
    assert "with locked Lock" in result.stdout
    assert "reader 'full' cannot be used: this is a subinterpreter" in result.stdout
