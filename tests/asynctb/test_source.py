"""Lines of source files, also of awkward ones."""

from __future__ import annotations

import linecache
import os
from pathlib import Path
from typing import Any

import pytest

from asynctb._source import line_of_file


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"first\nsecond\n", ["first", "second"]),
        (b"first\r\nsecond\rthird", ["first", "second", "third"]),
        (b"form\x0cfeed\nsecond", ["form\x0cfeed", "second"]),
        ("# é\n".encode(), ["# é"]),
        ("\ufeffx = 1\n".encode(), ["x = 1"]),
        ("# -*- coding: latin-1 -*-\n# é\n".encode("latin-1"), ["# -*- coding: latin-1 -*-", "# é"]),
        (b"# coding: unknown-codec\n# \xff\n", ["# coding: unknown-codec", "# \ufffd"]),
        (b"", [""]),
    ],
)
def test_lines(tmp_path: Path, data: bytes, lines: Any) -> None:
    path = tmp_path / "module.py"
    path.write_bytes(data)
    assert [line_of_file(str(path), number + 1) for number in range(len(lines))] == lines
    for number in (0, -1, 100, None):
        assert line_of_file(str(path), number) == ""


def test_changed_file(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text("old\n")
    assert line_of_file(str(path), 1) == "old"
    path.write_text("newer\n")
    assert line_of_file(str(path), 1) == "newer"


def test_no_file(tmp_path: Path) -> None:
    for name in ("<string>", "", str(tmp_path), str(tmp_path / "missing.py"), "null\0character"):
        assert line_of_file(name, 1) == ""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_pipe(tmp_path: Path) -> None:
    """Reading it would wait for ever."""
    os.mkfifo(tmp_path / "pipe")
    assert line_of_file(str(tmp_path / "pipe"), 1) == ""


def test_linecache(monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> str:
        raise AssertionError

    monkeypatch.setitem(linecache.cache, "<cell>", (5, None, ["first\n", "second\n"], "<cell>"))
    monkeypatch.setitem(linecache.cache, "<lazy>", (load,))
    assert line_of_file("<cell>", 2) == "second"
    assert line_of_file("<lazy>", 1) == ""
