"""Source text of locations: what the protocol leaves to the client, which has the files."""

from __future__ import annotations

import ast
import collections
import functools
import os
import re
import stat
import tokenize
import warnings
from pathlib import PurePath
from typing import DefaultDict, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, cast

from ...protocol import Location, SourceRef
from ...snapshot_files.document import MOST_LINES, RecordedSource

#: Files larger than this (bytes) are not read.
_MAX_FILE = 10_000_000
# Names of files that do not say which file it is, even if there is only one.
_USUAL_NAMES = frozenset({"", "__init__.py", "__main__.py"})


class Sources:
    """The sources of one answer of the helper, or of a snapshot file, which has the lines that it refers to."""

    def __init__(self, sources: Sequence[SourceRef]) -> None:
        self._sources = sources
        names = collections.Counter(os.path.basename(path) for path in {source.get("path", "") for source in sources})
        #: Names of files that say which file it is.
        self._unique = {name for name, number in names.items() if number == 1 and name not in _USUAL_NAMES}

    def place(self, location: Location) -> Tuple[str, Optional[str]]:
        """Return how to name a location, such as ``"app/shop.py:12"``, and the path of its file, if it has one."""
        source = self._sources[location["source"]]
        path = source.get("path")
        name = short_path(path) if path else source.get("name", "<unknown>")
        line = location.get("line")
        return name if line is None else f"{name}:{line}", path

    def short_place(self, location: Location) -> Tuple[str, Optional[str]]:
        """Like `place`, but without folders if the file's name is enough to tell it from the others."""
        place, path = self.place(location)
        name = os.path.basename(place)
        return (name if name.rpartition(":")[0] in self._unique else place), path

    def text(self, location: Location) -> str:
        """Return the line of a location without indentation and comment; "" if there is no file."""
        return strip_comment(self._line(location, location.get("line"))).strip()

    def with_item(self, location: Location, ordinal: int, varname: Optional[str] = None) -> str:
        """Return the text of one item of a ``with`` statement, without the keyword; "" if it cannot be told.

        :param location: of the item (CPython 3.11 and later, PyPy) or of the statement (before).
        :param ordinal: which item of the statement it is, from 0, if the location is that of a statement.
        :param varname: the target after ``as``, where the text may not be there.
        """
        recorded = self._recorded(location)
        if recorded is not None:
            return _recorded_item(recorded, location, ordinal, varname)
        path, line, column = self._sources[location["source"]].get("path"), location.get("line"), location.get("column")
        if path is None or line is None:
            return ""
        for statement in _with_statements(path).get(line, ()):
            if column is None or column == statement.column:
                if ordinal < len(statement.items):
                    return statement.items[ordinal]
            elif (line, column) in statement.places:
                return statement.items[statement.places.index((line, column))]
        return ""

    def _recorded(self, location: Location) -> Optional[Dict[str, str]]:
        return cast(RecordedSource, self._sources[location["source"]]).get("lines")

    def _line(self, location: Location, line: Optional[int]) -> str:
        recorded = self._recorded(location)
        if recorded is not None:
            return recorded.get(str(line), "")
        path = self._sources[location["source"]].get("path")
        if path is None or line is None:
            return ""
        lines = lines_of(path)
        return lines[line - 1] if 0 < line <= len(lines) else ""


def short_path(path: str) -> str:
    """Return a path as short as it can be understood: relative to the current folder, or as an importable module is."""
    parts = PurePath(path).parts
    for index in range(len(parts) - 1, 0, -1):
        if parts[index - 1] in ("site-packages", "dist-packages") or (
            index > 1 and parts[index - 2] in ("lib", "lib64", "Lib") and re.fullmatch(r"python\d.*", parts[index - 1])
        ):
            return str(PurePath(*parts[index:]))
    try:
        relative = os.path.relpath(path)
    except ValueError:  # on another drive
        return path
    return path if relative.startswith("..") and len(relative) >= len(path) else relative


def strip_comment(line: str) -> str:
    """Return *line* without the comment at its end, if it is certain that there is one."""
    if "#" not in line:
        return line
    if "'" not in line and '"' not in line:
        return line[: line.index("#")].rstrip()
    # A "#" in a string is none; a string with both is rare enough to be shown as it is.
    before = line[: line.rindex("#")]
    return before.rstrip() if before.count("'") % 2 == 0 and before.count('"') % 2 == 0 else line


class _With(NamedTuple):
    """A ``with`` statement."""

    #: Of its first character; columns count UTF-16 code units from 1, as on the wire.
    column: int
    #: Text of each item, in one line.
    items: List[str]
    #: Line and column of each item.
    places: List[Tuple[int, int]]


@functools.lru_cache(maxsize=64)
def _with_statements(path: str) -> Mapping[int, List[_With]]:
    """Return the ``with`` statements of a file by each line on which they or one of their items begin."""
    found: DefaultDict[int, List[_With]] = collections.defaultdict(list)
    lines = lines_of(path)
    for node in _parsed_withs(lines):
        places = [_utf16_place(lines, item.context_expr) for item in node.items]
        statement = _With(_utf16_place(lines, node)[1], [_item_text(lines, item) for item in node.items], places)
        for line in {node.lineno, *(line for line, _ in places)}:
            found[line].append(statement)
    return found


def _parsed_withs(lines: Sequence[str]) -> List[ast.With | ast.AsyncWith]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the program's authors should know about it is not our business
            tree = ast.parse("\n".join(lines))
        return [node for node in ast.walk(tree) if isinstance(node, (ast.With, ast.AsyncWith))]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []  # no Python, or one that is newer than ours


def _recorded_item(lines: Mapping[str, str], location: Location, ordinal: int, varname: Optional[str]) -> str:
    """Return the text of an item of which no more is there than the lines on which its location is."""
    line, column = location.get("line"), location.get("column")
    end_line, end_column = location.get("endLine", line), location.get("endColumn")
    if line is None or end_line is None or not 0 <= end_line - line < MOST_LINES:
        return ""
    parts = [lines.get(str(number), "") for number in range(line, end_line + 1)]
    if column is not None and end_column is not None and all(parts):
        # The end first: it may be on the same line.
        parts[-1] = _utf16_part(parts[-1], 0, end_column - 1)
        parts[0] = _utf16_part(parts[0], column - 1, None)
        text = " ".join(part.strip() for part in map(strip_comment, parts))
        if re.match(r"(async\s+)?with\b", text) is None:
            return text + ("" if varname is None else f" as {varname}")
    header = ["async def _():", f" {parts[0].strip()}", "  pass"]
    items = [item for node in _parsed_withs(header) for item in node.items]
    return _item_text(header, items[ordinal]) if ordinal < len(items) else ""


def _utf16_part(text: str, start: int, end: Optional[int]) -> str:
    data = text.encode("utf-16-le", "surrogatepass")
    return data[2 * start : None if end is None else 2 * end].decode("utf-16-le", "replace")


def _item_text(lines: Sequence[str], item: ast.withitem) -> str:
    first, last = item.context_expr, item.optional_vars or item.context_expr
    if first.lineno == last.end_lineno:
        text = (
            lines[first.lineno - 1].encode("utf-8")[first.col_offset : last.end_col_offset].decode("utf-8", "replace")
        )
        if text.count("(") == text.count(")"):  # parentheses around an expression do not belong to it
            return text
    return ast.unparse(item)


def _utf16_place(lines: Sequence[str], node: ast.expr | ast.stmt) -> Tuple[int, int]:
    before = lines[node.lineno - 1].encode("utf-8")[: node.col_offset].decode("utf-8", "replace")
    return node.lineno, len(before.encode("utf-16-le")) // 2 + 1


@functools.lru_cache(maxsize=256)
def lines_of(path: str) -> List[str]:
    """Return the lines of a source file; none if there is no such file here."""
    try:
        status = os.stat(path)
        # Reading a pipe or a device could wait for ever.
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_FILE:
            return []
        with tokenize.open(path) as file:
            # Not splitlines(): form feeds and other separators do not end a line of Python.
            return file.read().split("\n")
    except (OSError, SyntaxError, UnicodeDecodeError, ValueError):
        return []  # not on this machine, or no text
