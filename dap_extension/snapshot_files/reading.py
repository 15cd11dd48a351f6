"""Reads snapshot files, which may come from anywhere: what they refer to is neither executed nor opened."""

from __future__ import annotations

import json
import os
import re
import stat
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple, cast

from ..protocol import VARYING
from .checking import problem
from .document import FORMAT, VERSION, Document

#: Larger files (bytes) are not read.
MAX_SIZE = 256_000_000
#: How many parts all stacks may have together once each has its values. A small file can describe a giant.
MAX_PARTS = 10_000_000
#: How many stacks and context managers may stand inside each other.
MAX_NESTING = 60


class DocumentError(Exception):
    """A file is no snapshot that can be shown. The message says why, in one line that controls no terminal."""


def read_document(path: str, *, only_files: bool = False) -> Document:
    """Return what stands in a file. Of several snapshots, each in a line of its own, the last.

    :param only_files: whether to refuse what is no regular file, and could keep us waiting.
    :raises DocumentError: if it cannot be read or is no snapshot.
    """
    try:
        status = os.stat(path)
        if only_files and not stat.S_ISREG(status.st_mode):
            raise DocumentError("it is no regular file")
        with open(path, "rb") as file:
            data = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise DocumentError(error.strerror or "it cannot be read") from error
    except ValueError as error:  # a null character in the path
        raise DocumentError("there is no such file") from error
    return parse_document(data)


def parse_document(data: bytes) -> Document:
    """Return the snapshot that is written in *data*.

    :raises DocumentError: if it is none.
    """
    if len(data) > MAX_SIZE:
        raise DocumentError(f"it is larger than {MAX_SIZE // 1_000_000} MB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError("it is no snapshot of asynctb: it is not text in UTF-8") from error
    if not text.strip():
        raise DocumentError("it is empty")
    try:
        return check_document(_parse(text))
    except RecursionError as error:
        raise DocumentError("it is nested too deeply") from error


def _parse(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and text.lstrip().startswith("{"):
            last = text.rstrip().rpartition("\n")[2]
            if last != text.rstrip():
                return _parse(last)
        where = f"line {error.lineno}, column {error.colno}"
        looks_right = FORMAT in text[:200]
        what = "it is damaged or incomplete" if looks_right else "it is no snapshot of asynctb: no JSON"
        raise DocumentError(f"{what} ({where})") from error
    except ValueError as error:  # a number of thousands of digits, or not finite
        raise DocumentError("it is damaged: it has a number that cannot be") from error


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def check_document(value: object) -> Document:
    """Return *value*, which comes from JSON, if it is a snapshot.

    :raises DocumentError: if it is none.
    """
    if type(value) is not dict or value.get("format") != FORMAT:
        hint = ""
        if type(value) is dict and {"handshake", "snapshot", "stacks"} <= set(value):
            hint = ": it is what --json prints; --output FILE writes snapshot files"
        raise DocumentError(f"it is no snapshot of asynctb{hint}")
    version = value.get("version")
    if type(version) is int and version > VERSION:
        raise DocumentError(
            f"it was written by a newer asynctb, in version {str(version)[:20]} of the format, and this one reads "
            f"version {VERSION}: update asynctb"
        )
    try:
        wrong = problem(value)
        if wrong is None:
            wrong = _Consistency(value).problem()
    except RecursionError as error:
        raise DocumentError("it is nested too deeply") from error
    if wrong is not None:
        raise DocumentError(f"it is damaged: {wrong}")
    document = cast(Document, value)
    for source in document["sources"]:
        for key in ("name", "path"):
            if key in source:
                source[key] = _encodable(source[key])
    return document


def _encodable(text: str) -> str:
    """Return a path without what no path can have, and what makes functions fail that take one."""
    text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


class _Size(NamedTuple):
    """What a shape is made of."""

    #: Parts of it.
    parts: int
    #: The largest index into the values, or -1.
    last_value: int


class _Consistency:
    """Checks what a schema cannot say: that references lead somewhere, and that the whole fits into memory."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._sources = len(document["sources"])

    def problem(self) -> Optional[str]:
        sizes = []
        for shape in self._document["shapes"]:
            size = self._measure(shape)
            if isinstance(size, str):
                return size
            sizes.append(size)
        seen: Set[str] = set()
        parts = 0
        for activity in self._document["activities"]:
            if activity["id"] in seen:
                return "two activities have the same id"
            seen.add(activity["id"])
            if "stack" in activity:
                index, values = activity["stack"]["shape"], activity["stack"]["values"]
                if index >= len(sizes) or sizes[index].last_value >= len(values):
                    return "a stack refers to what is not there"
                parts += sizes[index].parts
        if parts > MAX_PARTS:
            return "its stacks are too large to be shown"
        others = [self._document["findings"], self._document.get("stop"), self._document["activities"]]
        return self._locations(others)

    def _measure(self, shape: Any) -> _Size | str:
        parts, last = 0, -1
        pending: List[Tuple[Any, int]] = [(shape, 0)]
        while pending:
            each, nesting = pending.pop()
            if isinstance(each, dict):
                parts += 1
                if "frames" in each or "phase" in each:
                    nesting += 1
                    if nesting > MAX_NESTING:
                        return "its stacks are nested too deeply"
                for key, item in each.items():
                    if key in VARYING:
                        last = max(last, item)
                    elif isinstance(item, (dict, list)):
                        pending.append((item, nesting))
            elif isinstance(each, list):
                pending.extend((item, nesting) for item in each)
        return self._locations(shape) or _Size(parts, last)

    def _locations(self, value: Any) -> Optional[str]:
        pending = [value]
        while pending:
            each = pending.pop()
            if isinstance(each, dict):
                location = each.get("location")
                if location is not None and location["source"] >= self._sources:
                    return "a location refers to a source that is not there"
                pending.extend(item for item in each.values() if isinstance(item, (dict, list)))
            elif isinstance(each, list):
                pending.extend(each)
        return None


def map_paths(document: Document, mappings: Sequence[Tuple[str, str]]) -> List[str]:
    """Replace the beginnings of paths, remote by local ones. What is named by them is allowed to be read.

    :returns: the remote ones that no path begins with.
    """
    unused: Dict[str, None] = {remote: None for remote, _ in mappings}
    # The longest says most.
    ordered = sorted(mappings, key=lambda each: len(each[0]), reverse=True)
    for source in document["sources"]:
        for remote, local in ordered:
            rest = _below(source.get("path", ""), remote)
            if rest is not None:
                unused.pop(remote, None)
                source["path"] = os.path.join(os.path.abspath(local), *rest)
                if not source.get("lines"):
                    source.pop("lines", None)
                break
    return list(unused)


def _below(path: str, folder: str) -> Optional[List[str]]:
    """Return the parts of *path* below *folder*, if it is there."""
    separators = r"[\\/]" if re.match(r"[A-Za-z]:|\\\\", path) else "/"
    trimmed = folder.rstrip("\\/")
    if not path.startswith(trimmed):
        return None
    rest = path[len(trimmed) :]
    if rest and re.match(separators, rest) is None:
        return None
    parts = [part for part in re.split(separators, rest) if part not in ("", ".")]
    return None if ".." in parts else parts
