"""Tells whether a process of Linux runs Python, from what it has loaded, without touching it."""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import struct
from typing import Iterator, List, Tuple

# From elf.h: the type of section that holds the dynamic symbols.
_SHT_DYNSYM = 11
# What extension modules and debuggers of processes look for in each CPython and PyPy, and what debugpy calls first.
_SYMBOLS = (b"Py_IsInitialized", b"PyPy_IsInitialized")
# Where CPython 3.11 and later keeps its state, even if the executable exports nothing.
_SECTION = b".PyRuntime"
#: Such as "/usr/lib/libpython3.11.so.1.0", which may have been replaced on the disk ("(deleted)").
_LIBRARY = re.compile(r"lib(?:python|pypy)\d[^/]*\.so")
_PYPY_LIBRARY = re.compile(r"libpypy\d[^/]*\.so")


def runs_python(process_id: int) -> bool:
    """Return whether there is a Python interpreter among the programs and libraries in a process.

    :raises ProcessLookupError: if there is no such process, or it has ended.
    :raises OSError: if the system does not tell.
    """
    folder = f"/proc/{process_id}"
    try:
        with open(f"{folder}/maps", encoding="utf-8", errors="surrogateescape") as file:
            mappings = [line.split(None, 5) for line in file]
        executable = os.readlink(f"{folder}/exe") if mappings else ""
    except FileNotFoundError:
        raise ProcessLookupError(f"there is no process {process_id}") from None
    if not mappings and _has_ended(process_id):
        raise ProcessLookupError(f"process {process_id} has ended")
    paths = {fields[5].rstrip("\n") for fields in mappings if "x" in fields[1] and len(fields) == 6}
    if any(_LIBRARY.match(os.path.basename(path)) for path in paths):
        return True
    # The executable by the link of its own, as the file may have been replaced since.
    refused = None
    files = [f"{folder}/exe", *(f"{folder}/root{path}" for path in sorted(paths - {executable}) if path[0] == "/")]
    for path in files if mappings else ():
        try:
            if _has_interpreter(path):
                return True
        except FileNotFoundError:
            pass  # replaced, or a piece of memory with a name
        except PermissionError as error:
            refused = error
    if refused is not None:
        raise refused
    return False


def runs_pypy(process_id: int) -> bool:
    """Return whether the library that PyPy consists of is loaded in a process.

    :raises OSError: if the system does not tell.
    """
    with open(f"/proc/{process_id}/maps", encoding="utf-8", errors="surrogateescape") as file:
        paths = [line.rstrip("\n").split(None, 5)[5:] for line in file]
    return any(_PYPY_LIBRARY.match(os.path.basename(path)) for named in paths for path in named)


def uses_gevent(process_id: int) -> bool:
    """Return whether a library of gevent is loaded in a process, as far as the system tells."""
    try:
        with open(f"/proc/{process_id}/maps", encoding="utf-8", errors="surrogateescape") as file:
            return any("/gevent/" in line for line in file)
    except OSError:
        return False


def process_name(process_id: int) -> str:
    """Return the name of a process, such as ``sleep``."""
    try:
        with open(f"/proc/{process_id}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return "?"


def _has_ended(process_id: int) -> bool:
    with open(f"/proc/{process_id}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[0] in ("Z", "X")


def _has_interpreter(path: str) -> bool:
    """Return whether a file in the Executable and Linkable Format contains a Python interpreter."""
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size < 64:
            return False
        with contextlib.closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as content:
            if content[:4] != b"\x7fELF" or not any(content.find(each) >= 0 for each in (*_SYMBOLS, _SECTION)):
                return False
            try:
                return _Elf(content).has_interpreter()
            except (struct.error, IndexError):
                return False  # damaged


class _Elf:
    """The section headers of a file, which `man 5 elf` explains."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self._wide = content[4] == 2
        self._order = ">" if content[5] == 2 else "<"
        header, offset = ("QIHHHHHH", 40) if self._wide else ("IIHHHHHH", 32)
        start, _, _, _, _, size, number, names = self._unpack(header, offset)
        layout = "IIQQQQII" if self._wide else "IIIIIIII"
        #: Name (an offset), type, offset, size and link of each section.
        self._sections: List[Tuple[int, int, int, int, int]] = []
        for index in range(number):
            name, kind, _, _, offset, length, link, _ = self._unpack(layout, start + index * size)
            self._sections.append((name, kind, offset, length, link))
        self._names = self._sections[names][2]

    def _unpack(self, layout: str, offset: int) -> Tuple[int, ...]:
        return struct.unpack_from(self._order + layout, self._content, offset)

    def has_interpreter(self) -> bool:
        return any(self._string(self._names + name) == _SECTION for name, *_ in self._sections) or any(
            self._defines(offset, size, self._sections[link])
            for _, kind, offset, size, link in self._sections
            if kind == _SHT_DYNSYM
        )

    def _string(self, offset: int) -> bytes:
        return self._content[offset : self._content.find(b"\0", offset)]

    def _defines(self, offset: int, size: int, strings: Tuple[int, int, int, int, int]) -> bool:
        """Return whether one of the symbols is in a table, and not only wanted from another file."""
        wanted = set(self._names_in(strings[2], strings[3]))
        layout = struct.Struct(self._order + ("IBBHQQ" if self._wide else "IIIBBH"))
        section = 3 if self._wide else 5
        symbols = self._content[offset : offset + size - size % layout.size]
        return any(symbol[0] in wanted and symbol[section] != 0 for symbol in layout.iter_unpack(symbols))

    def _names_in(self, start: int, length: int) -> Iterator[int]:
        # One name may be the end of another.
        for symbol in _SYMBOLS:
            found = self._content.find(symbol + b"\0", start, start + length)
            while found >= 0:
                yield found - start
                found = self._content.find(symbol + b"\0", found + 1, start + length)
