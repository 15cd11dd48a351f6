"""The folder through which adapters tell language servers of the same user about paused programs.

There is a file for each paused program, and an empty one for each server. Whoever has made a file removes it; what a
process that was killed has left behind is removed by the next that looks. The folder is its owner's alone, so what is
in it comes from the same user.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from typing import Dict, Iterator, NamedTuple, Optional, Tuple

from .document import Document
from .writing import write_document

_PAUSED = re.compile(r"paused-(\d+)-(\d+)\.json")
_SERVER = re.compile(r"server-(\d+)")


class Published(NamedTuple):
    """A snapshot of a paused program."""

    path: str
    #: Differs between two snapshots of the same name.
    version: Tuple[int, int, int]


def folder(*, make: bool) -> Optional[str]:
    """Return the folder; None if there is none, or none that is certain to be of this user alone.

    :param make: whether to make it if it does not exist.
    """
    parent = os.environ.get("XDG_RUNTIME_DIR")
    if parent:
        path = os.path.join(parent, "asynctb")
    else:
        owner = os.getuid() if hasattr(os, "getuid") else ""  # on Windows the folder for temporary files is the user's
        path = os.path.join(tempfile.gettempdir(), f"asynctb-{owner}")
    try:
        if make:
            with contextlib.suppress(FileExistsError):
                os.mkdir(path, 0o700)
        found = os.lstat(path)
    except OSError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        return None
    if hasattr(os, "getuid") and (found.st_uid != os.getuid() or found.st_mode & 0o077):
        return None
    return path


@contextlib.contextmanager
def server_announced() -> Iterator[None]:
    """Let adapters know, during the ``with`` block, that somebody reads what they write."""
    path = folder(make=True)
    if path is None:
        yield
        return
    name = os.path.join(path, f"server-{os.getpid()}")
    try:
        with contextlib.suppress(OSError), open(name, "xb"):
            pass
        yield
    finally:
        _remove(name)
        with contextlib.suppress(OSError):
            os.rmdir(path)  # unless somebody else needs it


def has_server() -> bool:
    """Return whether a language server is there to read what is published."""
    return any(True for _ in _files(_SERVER))


def publish(session: int, document: Document) -> None:
    """Let language servers show a paused program.

    :param session: a number of the caller's.
    :raises OSError: if it cannot be written.
    """
    path = folder(make=True)
    if path is not None:
        write_document(os.path.join(path, f"paused-{os.getpid()}-{session}.json"), document)


def withdraw(session: int) -> None:
    """Let language servers show the program no more; nothing happens if they do not."""
    path = folder(make=False)
    if path is not None:
        _remove(os.path.join(path, f"paused-{os.getpid()}-{session}.json"))
        with contextlib.suppress(OSError):
            os.rmdir(path)


def published() -> Dict[str, Published]:
    """Return what is published, by name."""
    found: Dict[str, Published] = {}
    for path in _files(_PAUSED):
        try:
            status = os.stat(path)
        except OSError:
            continue  # it has just been withdrawn
        found[os.path.basename(path)] = Published(path, (status.st_mtime_ns, status.st_size, status.st_ino))
    return found


def _files(kind: re.Pattern[str]) -> Iterator[str]:
    path = folder(make=False)
    try:
        names = os.listdir(path) if path is not None else []
    except OSError:
        return
    for name in names:
        match = kind.fullmatch(name)
        if match is None or path is None:
            continue
        full = os.path.join(path, name)
        if _is_alive(int(match[1])):
            yield full
        else:
            _remove(full)


def _is_alive(process_id: int) -> bool:
    if os.name == "nt":
        return True  # os.kill would end it
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return True


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
