"""What is said about this process: its program, and the interpreter."""

from __future__ import annotations

import os
import platform
import sys
import time
from typing import Any, Dict, Optional

from ._objects import exact_str

#: Tells the identifiers that are given here from those of another process, and of another copy of asynctb in this one.
INSTANCE = format(int(time.time() * 1e9), "x")
#: Files that run the main module.
_STARTERS = ("<frozen runpy>", os.path.join(os.path.dirname(os.__file__), "runpy.py"))


def is_starter(filename: str) -> bool:
    """Whether a file only runs the main module."""
    return exact_str(filename) in _STARTERS


def describe_python() -> Dict[str, str]:
    """Return the name and version of the interpreter, and the platform."""
    return {
        "implementation": platform.python_implementation(),
        "version": "{}.{}.{}".format(*sys.version_info[:3]),
        "platform": sys.platform,
    }


def program_name() -> Optional[str]:
    """Return the name of the file that the process runs, as far as ``sys.argv`` tells."""
    argv: Any = sys.__dict__.get("argv")
    # What the program may have replaced it by is not asked.
    first = exact_str(argv[0]) if type(argv) is list and argv else None
    return first.replace("\\", "/").rpartition("/")[2] or None if first is not None else None
