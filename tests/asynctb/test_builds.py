"""Programs that are started or packed in unusual ways: the core works there as it does anywhere else."""

from __future__ import annotations

import ast
import compileall
import importlib.util
import os
import shutil
import subprocess
import sys
import zipapp
from pathlib import Path
from typing import Any, Iterator, List

import pytest

#: Has a task that waits, with managers of all kinds, and prints what is seen of it.
PROGRAM = '''
"""A program with a docstring."""
import asyncio
import contextlib
import threading

import asynctb


@contextlib.contextmanager
def transaction():
    """Has one, too."""
    with threading.Lock():
        yield


async def fetch(lock):
    async with lock:
        with transaction() as it:
            await asyncio.sleep(60)


async def main():
    task = asyncio.ensure_future(fetch(asyncio.Lock()))
    await asyncio.sleep(0)
    print(asynctb.Traceback.of(task))
    (row,) = [found for found in asynctb.snapshot().activities if found.top and found.top.funcname == "fetch"]
    print(row.kind, row.state, row.waits_for.kind)
    print(*asynctb.snapshot().notes)
    task.cancel()


asyncio.run(main())
'''
#: What is expected of it, without addresses.
SEEN = ["async with asyncio.locks.Lock", "with transaction() as it", "with locked Lock", "task suspended sleep"]


def package_folders(*names: str) -> Iterator[Path]:
    """Return the folders of asynctb and of what it needs."""
    for name in ("asynctb", "attr", "attrs", *names):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        yield Path(spec.origin).parent


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the program and all that it imports."""
    folder = tmp_path_factory.mktemp("application")
    for package in package_folders():
        shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    return folder


def output_of(*arguments: object, cwd: Any = None) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        env={**environment, "PYTHONIOENCODING": "utf-8"},
        cwd=cwd,
        check=False,
    )
    assert result.stderr == ""
    assert result.returncode == 0
    return result.stdout


def assert_seen(output: str, *more: str) -> None:
    for text in (*SEEN, *more):
        assert text in output
    assert "unknown" not in output
    assert "Stacks are read less exactly" not in output


@pytest.mark.parametrize("options", [["-OO"], ["-I", "-S"]], ids=" ".join)
def test_options_of_the_interpreter(options: List[str], application: Path) -> None:
    assert_seen(output_of(*options, application), "await asyncio.sleep(60)")


def test_zipped_program(application: Path, tmp_path: Path) -> None:
    zipapp.create_archive(application, tmp_path / "application.pyz")
    output = output_of(tmp_path / "application.pyz")
    assert_seen(output)
    # Only the loader could read it, which the program may have made.
    assert "await asyncio.sleep(60)" not in output


def test_program_without_sources(application: Path, tmp_path: Path) -> None:
    folder = tmp_path / "compiled"
    shutil.copytree(application, folder)
    assert compileall.compile_dir(folder, quiet=2, legacy=True)
    for path in folder.rglob("*.py"):
        path.unlink()
    output = output_of(folder / "__main__.pyc", cwd=folder)
    assert_seen(output)
    assert "await asyncio.sleep(60)" not in output


REPLACED = """
import sys
import types
{before}

asked = []


class Lazy(types.ModuleType):
    def __getattr__(self, name):
        asked.append(name)
        raise AttributeError(name)


def replace():
    for name in ("asyncio", "asyncio.locks", "contextlib", "threading", "trio", "greenlet", "gevent"):
        sys.modules[name] = Lazy(name)
    sys.modules["twisted"] = None
    sys.modules["tornado"] = object()


def held():
    with lock:
        yield

import threading
lock = threading.Lock()
generator = held()
next(generator)
asynctb.snapshot()
before = dict(sys.modules)
replace()
print(asynctb.Traceback.of(generator))
print(asynctb.snapshot())
print("asked:", asked)
sys.modules.update(before)
"""


def test_program_that_has_replaced_modules(application: Path) -> None:
    program = REPLACED.format(before=f"sys.path.insert(0, {str(application)!r})\nimport asynctb")
    output = output_of("-c", program)
    assert "with locked Lock" in output
    assert "Thread thread " in output  # the program's module has no name for it
    assert "note: The glue for threading:threading failed, what it knows is missing" in output
    assert "asked: []" in output


def test_tools_that_pack_programs_find_the_rooms() -> None:
    """They look at the code, not at strings."""
    from asynctb._frameworks import _registry

    with open(str(_registry.__file__), encoding="utf-8") as file:
        tree = ast.parse(file.read())
    written = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module is None
        for alias in node.names
    }
    assert written == {name for name, _ in _registry._ROOMS}
