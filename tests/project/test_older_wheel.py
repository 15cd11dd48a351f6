"""Which of the two wheels pip takes, and that it works there."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import older
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from interpreters import OLDER, Interpreter, find_interpreters

ROOT = Path(__file__).parents[2]
PROGRAM = """
import asyncio, asynctb

async def sleeper():
    await asyncio.sleep(60)

async def main():
    task = asyncio.ensure_future(sleeper())
    await asyncio.sleep(0)
    print(asynctb.Traceback.of(task))
    task.cancel()

asyncio.get_event_loop_policy().new_event_loop().run_until_complete(main())
"""
INTERPRETERS = [each for each in find_interpreters(OLDER[-1]) if each.name in ("3.6", "3.7", "3.13")]


def run(*command: object) -> str:
    result = subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with both."""
    folder = tmp_path_factory.mktemp("wheels")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, ".")
    (ordinary,) = folder.glob("*.whl")
    older.make_wheel(ordinary)
    return folder


def test_what_it_says(wheels: Path) -> None:
    (path,) = wheels.glob("*cp36*.whl")
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        (metadata,) = [message_from_bytes(wheel.read(name)) for name in names if name.endswith("/METADATA")]
    assert metadata["Requires-Python"] == ">=3.6.2,<3.8"
    assert metadata.get_all("Requires-Dist") == ["attrs>=22.2", "typing-extensions>=4.1"]
    assert not [name for name in names if not name.startswith("asynctb")]


@pytest.mark.parametrize("interpreter", INTERPRETERS, ids=[each.name for each in INTERPRETERS])
def test_pip_chooses_right(wheels: Path, tmp_path: Path, interpreter: Interpreter) -> None:
    run(interpreter.path, "-m", "venv", tmp_path / "environment")
    python = tmp_path / "environment/bin/python"
    # The pip that comes with 3.6 does not know which releases of attrs still run there.
    if interpreter.version < (3, 8):
        run(python, "-m", "pip", "install", "-q", "pip==21.3.1")
    run(python, "-m", "pip", "install", "-q", "attrs>=22.2", "typing-extensions>=4.1")
    run(python, "-m", "pip", "install", "-q", "--no-index", "--find-links", wheels, "asynctb")
    printed = run(python, "-W", "ignore", "-I", "-c", PROGRAM)
    assert "sleeper" in printed


def test_annotations_are_text_and_lines_stay() -> None:
    lines = ["from __future__ import annotations", "from typing import List, Literal"]
    lines += ["def f(a: List[int]) -> Literal[1]:", "    b: object = a, 1", "    return *a, 1"]
    assert older.older("\n".join(lines)).splitlines() == [
        "pass",
        "from typing import List; from typing_extensions import Literal",
        "def f(a: 'List[int]') -> 'Literal[1]':",
        "    b: 'object' = (a, 1)",
        "    return (*a, 1)",
    ]
