"""Finds the Python interpreters of this machine that the tests run programs on.

``ASYNCTB_TEST_PYTHONS`` names them instead, separated like ``PATH`` (an empty value: only the one that runs the
tests). ``python tests/interpreters.py`` prints what was found, one path a line; with ``--names``, the names of all that
are supported, found or not.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Tuple

OLDEST = (3, 8)
NEWEST = (3, 15)
#: Those that have a wheel of their own with the core alone, made by ``tools/older.py``.
OLDER = ((3, 7), (3, 6))
OLDER_NAMES = tuple("{}.{}".format(*version) for version in OLDER)
#: Names of those that the core is tested on. Those whose tests take longest come first: others run beside them.
NAMES = ("pypy3.11", *(f"3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)))
_PROBE = (
    "import json, platform, sys;"
    "print(json.dumps([sys.executable, platform.python_implementation(), list(sys.version_info[:3])]))"
)


class Interpreter(NamedTuple):
    path: str
    #: "CPython" or "PyPy".
    implementation: str
    version: Tuple[int, ...]

    @property
    def name(self) -> str:
        """Such as "3.12" or "pypy3.11"."""
        prefix = "" if self.implementation == "CPython" else self.implementation.lower()
        return "{}{}.{}".format(prefix, *self.version)


@functools.lru_cache(maxsize=None)
def find_interpreters(oldest: Tuple[int, int] = OLDEST) -> List[Interpreter]:
    """Return one interpreter of each implementation and minor version, oldest first."""
    chosen = os.environ.get("ASYNCTB_TEST_PYTHONS")
    paths = list(_candidates()) if chosen is None else [sys.executable, *filter(None, chosen.split(os.pathsep))]
    found: Dict[str, Interpreter] = {}
    for path in paths:
        interpreter = _probe(path)
        if interpreter is not None and oldest <= interpreter.version[:2] <= NEWEST:
            found.setdefault(interpreter.name, interpreter)
    return sorted(found.values(), key=lambda interpreter: (interpreter.implementation, interpreter.version))


def _candidates() -> Iterator[str]:
    yield sys.executable
    for minor in range(OLDER[-1][1], NEWEST[1] + 1):
        for name in (f"python3.{minor}", f"pypy3.{minor}"):
            path = shutil.which(name)
            if path is not None:
                yield path
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for python in sorted(root.glob("versions/*/bin/python")):
        yield str(python)


def _probe(path: str) -> Interpreter | None:
    try:
        # -I: nothing of the environment, such as PYTHONPATH, is meant for it.
        result = subprocess.run([path, "-I", "-c", _PROBE], capture_output=True, text=True, timeout=60, check=True)
        _, implementation, version = json.loads(result.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):  # a shim without an interpreter behind it
        return None
    # Not its sys.executable: for a virtual environment, that is this path anyway, and for a shim it may be gone soon.
    return Interpreter(path, implementation, tuple(version))


if __name__ == "__main__":
    print(
        *((*NAMES, *OLDER_NAMES) if "--names" in sys.argv else [found.path for found in find_interpreters()]), sep="\n"
    )
