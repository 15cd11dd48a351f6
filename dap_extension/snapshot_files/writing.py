"""Writes snapshot files."""

from __future__ import annotations

import json
import os
import stat
import tempfile

from .document import Document


def write_document(path: str, document: Document) -> None:
    """Write a snapshot to a file, which is a new one as a whole or stays as it was.

    A new file is for its owner alone, as snapshots have names and texts of the program; another one keeps its mode.

    :raises OSError: if it cannot be written.
    """
    data = json.dumps(document, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode):  # a pipe, a terminal
        with open(path, "wb") as file:
            file.write(data)
        return
    # Where a link leads to, so that it stays a link.
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{name[:100]}.", dir=folder)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        if mode is not None:
            os.chmod(temporary, stat.S_IMODE(mode))
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
