"""The workflows run the whole matrix, with commands that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github" / "workflows"

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="only in the repository")


def test_each_interpreter_is_tested_on_each_system() -> None:
    text = (FOLDER / "test.yml").read_text(encoding="utf-8")
    matrix = re.search(r"system: \[(.*)\]\n +python: \[(.*)\]", text)
    assert matrix is not None
    assert {name.split("-")[0] for name in matrix[1].split(", ")} == {"ubuntu", "macos", "windows"}
    names = re.search(r"(?s)^OLDEST = \(3, (\d+)\)\nNEWEST = \(3, (\d+)\)$", interpreters(), re.MULTILINE)
    assert names is not None
    expected = {f"3.{minor}" for minor in range(int(names[1]), int(names[2]) + 1)}
    assert set(re.findall(r'"(.*?)"', matrix[2])) == {*expected, "pypy3.11"}


def interpreters() -> str:
    return (ROOT / "tests" / "interpreters.py").read_text(encoding="utf-8")


def test_targets_exist() -> None:
    targets = set(re.findall(r"(?m)^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    for path in FOLDER.iterdir():
        for command in re.findall(r"run: make (.*)", path.read_text(encoding="utf-8")):
            assert set(command.split()) <= targets, path.name
