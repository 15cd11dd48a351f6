"""Lines of source files, without the ways of `linecache` that run code of the program.

`linecache.getline` asks a module's ``__loader__.get_source``, which anybody can write. Here a line comes from the file
itself, or from what is already in the cache of `linecache` (where notebooks and consoles put what has no file).
"""

from __future__ import annotations

import codecs
import io
import os
import re
import stat
import sys
from typing import Dict, List, Optional, Tuple, cast

from ._objects import exact_str

_MAX_BYTES = 10_000_000
#: How many bytes of files are kept (or one larger file), how many lines, and the longest, in characters.
_MAX_KEPT = 5_000_000
_MAX_LINES = 10_000
_LONGEST_KEPT = 1000
#: The declaration of an encoding in one of the first two lines (:pep:`263`).
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
#: Not `codecs.lookup`: the program can register codecs of its own.
_SINGLE_BYTE = ("latin-1", "iso-8859-1", "iso-latin-1", "latin1", "l1")

#: Taken when this module is imported, as programs (and their tests) replace them by functions of their own.
_open, _stat = io.open, os.stat


class _Cache:
    """What has been read. A stack refers to few lines, but again and again, and to many files."""

    def __init__(self) -> None:
        #: Whole files, by name: when it was changed, its size, and its lines.
        self.files: Dict[str, Tuple[int, int, List[str]]] = {}
        self.size = 0
        #: The lines that were asked for, by name, when the file was changed, its size, and the number of the line.
        self.lines: Dict[Tuple[str, int, int, int], str] = {}

    def clear(self) -> None:
        self.clear_files()
        self.lines.clear()

    def clear_files(self) -> None:
        self.files.clear()
        self.size = 0


_cache = _Cache()
#: Forgets all that was read.
forget_files = _cache.clear


def line_of_file(filename: str, lineno: Optional[int]) -> str:
    """Return line *lineno* (counted from 1) of a file without its line end, or "" if there is none.

    :param filename: path as a code object records it.
    """
    name = exact_str(filename)
    if name is None or lineno is None or lineno < 1:
        return ""
    try:
        found = _line_of_file(name, lineno)
    except Exception:  # ValueError: a null character in the name; the program's audit hooks can raise any
        found = None
    if found is None:
        lines = _lines_in_linecache(name)
        found = lines[lineno - 1] if lines is not None and lineno <= len(lines) else ""
    return found.rstrip("\n")


def utf16_column(text: str, offset: int) -> Optional[int]:
    """Return the column that editors count, from 1 and in UTF-16 code units, at an offset in the UTF-8 of a line.

    None if the line is too short, and so not the one that the offset is of.
    """
    if text.isascii():
        return offset + 1 if offset <= len(text) else None
    data = text.encode("utf-8", "surrogatepass")
    if offset > len(data):
        return None
    before = data[:offset].decode("utf-8", "ignore")
    return len(before.encode("utf-16-le", "surrogatepass")) // 2 + 1


def _line_of_file(name: str, lineno: int) -> Optional[str]:
    status = _stat(name)
    # Reading a pipe or a device could wait for ever.
    if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_BYTES:
        return None
    key = name, status.st_mtime_ns, status.st_size, lineno
    found = _cache.lines.get(key)
    if found is None:
        known = _cache.files.get(name)
        if known is not None and known[:2] == key[1:3]:
            lines = known[2]
        else:
            with _open(name, "rb") as file:
                data = file.read(_MAX_BYTES)
            # Not splitlines(): form feeds and other separators do not end a line of Python.
            lines = _decode(data).replace("\r\n", "\n").replace("\r", "\n").split("\n")
            if _cache.size + len(data) > _MAX_KEPT:
                _cache.clear_files()
            _cache.files[name] = status.st_mtime_ns, status.st_size, lines
            _cache.size += len(data)
        found = lines[lineno - 1] if lineno <= len(lines) else ""
        if len(found) <= _LONGEST_KEPT:
            if len(_cache.lines) >= _MAX_LINES:
                _cache.lines.clear()
            _cache.lines[key] = found
    return found


def _decode(data: bytes) -> str:
    if data.startswith(codecs.BOM_UTF8):
        data = data[len(codecs.BOM_UTF8) :]
    else:
        for line in data.split(b"\n", 2)[:2]:
            match = _COOKIE.match(line)
            if match is not None and match[1].decode("ascii", "replace").lower().replace("_", "-") in _SINGLE_BYTE:
                return data.decode("latin-1")
    return data.decode("utf-8", "replace")


def _lines_in_linecache(name: str) -> Optional[List[str]]:
    module = sys.modules.get("linecache")
    cache: object = getattr(module, "cache", None)
    entry: object = dict.get(cache, name) if type(cache) is dict else None
    # An entry of one item stands for a loader that has not been asked yet.
    if type(entry) is tuple and len(entry) == 4 and type(entry[2]) is list:
        lines = cast(List[object], entry[2])
        return [line if type(line) is str else "" for line in lines]
    return None
