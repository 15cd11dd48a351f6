"""Lines of source files, also of awkward ones."""

from __future__ import annotations

import linecache
import os
from pathlib import Path
from typing import Any, Iterator, List
from unittest import mock

import pytest

from asynctb import _source
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


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[List[str]]:
    """The names of files that were read."""
    names: List[str] = []

    def note(name: str, mode: str) -> Any:
        names.append(Path(name).name)
        return open(name, mode)

    _source.forget_files()
    monkeypatch.setattr(_source, "_open", note)
    yield names
    _source.forget_files()


def test_little_is_kept(tmp_path: Path, opened: List[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_source, "_MAX_KEPT", 1000)
    monkeypatch.setattr(_source, "_MAX_LINES", 20)
    names = [f"{number}.py" for number in range(10)]
    for name in names:
        (tmp_path / name).write_text("first\nsecond\n" + 300 * "#")
    (tmp_path / "large.py").write_text("first\nsecond\n" + 3000 * "#")
    for name in (*names, "large.py"):
        for _ in range(2):
            for number, text in (1, "first"), (2, "second"), (4, ""):
                assert line_of_file(str(tmp_path / name), number) == text
            assert _source._cache.size <= 1000 or list(_source._cache.files) == [str(tmp_path / "large.py")]
            assert len(_source._cache.lines) <= 20
    # Each once, although two calls were about each of the lines.
    assert opened == [*names, "large.py"]
    _source.forget_files()
    assert not _source._cache.files
    assert not _source._cache.lines


def test_files_in_turns_are_not_read_again(tmp_path: Path, opened: List[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_source, "_MAX_KEPT", 0)
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(name)
    for _ in range(3):
        assert [line_of_file(str(tmp_path / name), 1) for name in ("a.py", "b.py")] == ["a.py", "b.py"]
    assert opened == ["a.py", "b.py"]


def test_open_replaced_by_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise AssertionError

    path = tmp_path / "module.py"
    path.write_text("first\n")
    for replacement in (fail, mock.mock_open(read_data="text")):
        with monkeypatch.context() as patch:
            patch.setattr("builtins.open", replacement)
            _source.forget_files()
            assert line_of_file(str(path), 1) == "first"
    # Nor does it matter if that was before this module was imported.
    monkeypatch.setattr(_source, "_open", mock.mock_open(read_data="text"))
    _source.forget_files()
    assert line_of_file(str(path), 1) == ""


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
