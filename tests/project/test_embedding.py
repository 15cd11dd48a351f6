"""A program written in C with an interpreter inside of it: the library works there, too."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAM = """
import sys

sys.path[:0] = {path!r}
sys.stdout.reconfigure(encoding="utf-8")
import threading
import asynctb


def held():
    with threading.Lock():
        yield


generator = held()
next(generator)
print(asynctb.Traceback.of(generator))
snapshot = asynctb.snapshot()
print(snapshot, snapshot.notes)
"""


def variable(name: str) -> str:
    return str(sysconfig.get_config_var(name) or "")


COMPILER = shutil.which("cc") or shutil.which("gcc")


@pytest.mark.skipif(sys.platform == "win32" or COMPILER is None, reason="needs a C compiler")
@pytest.mark.skipif(not Path(variable("INCLUDEPY"), "Python.h").exists(), reason="needs Python's headers")
def test_embedded_interpreter(tmp_path: Path) -> None:
    library = variable("LIBDIR")
    command = [
        *(str(COMPILER), str(HERE / "embedded.c"), "-o", str(tmp_path / "embedded"), f"-I{variable('INCLUDEPY')}"),
        *(f"-L{library}", f"-Wl,-rpath,{library}", f"-lpython{variable('LDVERSION')}"),
        *f"{variable('LIBS')} {variable('SYSLIBS')}".split(),
    ]
    compiled = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if compiled.returncode:
        pytest.skip(f"Python cannot be embedded here: {compiled.stderr}")
    path = [item for item in sys.path if item and os.path.isdir(item)]
    (tmp_path / "program.py").write_text(PROGRAM.format(path=path), encoding="utf-8")
    result = subprocess.run(
        [str(tmp_path / "embedded"), "program.py"], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
    )
    assert result.returncode == 0, result.stderr
    assert "with locked Lock" in result.stdout
    assert "Thread MainThread  running" in result.stdout
    assert result.stdout.endswith(" ()\n")  # no notes
