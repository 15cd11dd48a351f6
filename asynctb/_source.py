"""Lines of source files, without the ways of `linecache` that run code of the program.

`linecache.getline` asks a module's ``__loader__.get_source``, which anybody can write. Here a line comes from the file
itself, or from what is already in the cache of `linecache` (where notebooks and consoles put what has no file).
"""

from __future__ import annotations

import codecs
import os
import re
import stat
import sys
from typing import Dict, List, Optional, Tuple, cast

from ._objects import exact_str

_MAX_BYTES = 10_000_000
_MAX_FILES = 500
#: The declaration of an encoding in one of the first two lines (:pep:`263`).
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
#: Not `codecs.lookup`: the program can register codecs of its own.
_SINGLE_BYTE = ("latin-1", "iso-8859-1", "iso-latin-1", "latin1", "l1")

_files: Dict[str, Tuple[int, int, List[str]]] = {}


def line_of_file(filename: str, lineno: Optional[int]) -> str:
    """Return line *lineno* (counted from 1) of a file without its line end, or "" if there is none.

    :param filename: path as a code object records it.
    """
    name = exact_str(filename)
    if name is None or lineno is None or lineno < 1:
        return ""
    lines = _lines_of_file(name)
    if lines is None:
        lines = _lines_in_linecache(name)
    return lines[lineno - 1].rstrip("\n") if lines is not None and lineno <= len(lines) else ""


def _lines_of_file(name: str) -> Optional[List[str]]:
    try:
        status = os.stat(name)
        # Reading a pipe or a device could wait for ever.
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_BYTES:
            return None
        known = _files.get(name)
        if known is not None and known[:2] == (status.st_mtime_ns, status.st_size):
            return known[2]
        with open(name, "rb") as file:
            data = file.read(_MAX_BYTES)
    except Exception:  # ValueError: a null character in the name; the program's audit hooks can raise any
        return None
    # Not splitlines(): form feeds and other separators do not end a line of Python.
    lines = _decode(data).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(_files) >= _MAX_FILES:
        _files.clear()
    _files[name] = status.st_mtime_ns, status.st_size, lines
    return lines


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
