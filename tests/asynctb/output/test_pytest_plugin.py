"""The plug-in for pytest, with tests that hang under the real plug-ins that people run asynchronous tests with."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import List, Sequence

import pytest

#: Two tasks wait for each other until the watchdog has written that.
DEADLOCK = """
import asyncio
import pytest

@pytest.fixture
def watchdog(request):
    return request.config.pluginmanager.get_plugin("asynctb-timeout").watchdog

async def hold(one, other):
    async with one:
        await asyncio.sleep(0)
        async with other:
            pass

async def transfer(watchdog):
    first, second = asyncio.Lock(), asyncio.Lock()
    tasks = [asyncio.ensure_future(hold(first, second)), asyncio.ensure_future(hold(second, first))]
    while not watchdog.count:
        await asyncio.wait(tasks, timeout=0.05)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
"""
TRANSFER = (
    DEADLOCK
    + """
def test_transfer(watchdog):
    asyncio.run(transfer(watchdog))
"""
)
FAILING = TRANSFER + "    assert False"
TRIO = """
import pytest
import trio

@pytest.fixture
def watchdog(request):
    return request.config.pluginmanager.get_plugin("asynctb-timeout").watchdog

@pytest.fixture
def anyio_backend():
    return "trio"

async def hold(one, other):
    async with one:
        await trio.sleep(0)
        async with other:
            pass

async def transfer(watchdog):
    first, second = trio.Lock(), trio.Lock()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(hold, first, second)
        nursery.start_soon(hold, second, first)
        while not watchdog.count:
            await trio.sleep(0.05)
        nursery.cancel_scope.cancel()
"""
#: What is printed of each of them.
STUCK = "suspended, waits for lock, held by"


def run(directory: Path, source: str, *options: str, plugins: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    for name in plugins:
        if importlib.util.find_spec(name.partition(".")[0]) is None:
            pytest.skip(f"{name} is not installed")
    (directory / "test_it.py").write_text(source)
    (directory / "pytest.ini").write_text("[pytest]\nfilterwarnings =\n    error\n    ignore:.*_loop_scope:\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COLUMNS"))}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    arguments = [each for name in ["pytest_asynctb", *plugins] for each in ("-p", name)]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments, *options, "test_it.py"]
    # The standard output and that for errors in one, as on a terminal.
    return subprocess.run(
        command, cwd=directory, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def test_stacks_are_printed(tmp_path: Path) -> None:
    done = run(tmp_path, TRANSFER, "--asynctb-timeout=0.5")
    assert done.returncode == 0, done.stdout
    assert "test_it.py::test_transfer has run for 0.5 s (--asynctb-timeout)" in done.stdout
    assert done.stdout.count(STUCK) == 2
    assert "async with other" in done.stdout
    assert "/_pytest/" not in done.stdout


def test_finding_comes_first(tmp_path: Path) -> None:
    source = (
        DEADLOCK
        + """
import faulthandler

def test_transfer():
    async def main():
        first, second = asyncio.Lock(), asyncio.Lock()
        await asyncio.gather(hold(first, second), hold(second, first))

    faulthandler.dump_traceback_later(3, exit=True)
    asyncio.run(main())
"""
    )
    done = run(tmp_path, source, "--asynctb-timeout=0.5")
    assert done.returncode == 1
    title, finding = done.stdout.split("asynctb: stacks of process")[1].splitlines()[:2]
    assert "0.5 s have passed" in title
    assert finding.startswith("Deadlock"), done.stdout


def test_report_of_a_test_that_fails(tmp_path: Path) -> None:
    done = run(tmp_path, FAILING, "--asynctb-timeout=0.5")
    assert done.returncode == 1, done.stdout
    printed, reported = done.stdout.split("Captured asynctb call")
    assert printed.count(STUCK) == reported.count(STUCK) == 2


@pytest.mark.parametrize("options", [[], ["--asynctb-timeout=0"], ["--asynctb-timeout=60"]])
def test_nothing_is_printed(tmp_path: Path, options: List[str]) -> None:
    source = """
import sys

def test_imports():
    assert ("asynctb" in sys.modules) == ("--asynctb-timeout=60" in sys.argv)
"""
    done = run(tmp_path, source, *options)
    assert done.returncode == 0, done.stdout
    assert "has run for" not in done.stdout


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "1e9"])
def test_what_is_no_time(tmp_path: Path, value: str) -> None:
    done = run(tmp_path, "", f"--asynctb-timeout={value}")
    assert done.returncode == 4
    assert f"asynctb_timeout must be a number of seconds, such as 30, or 0 for never; not '{value}'" in done.stdout


def test_setting(tmp_path: Path) -> None:
    done = run(tmp_path, TRANSFER, "-o", "asynctb_timeout=0.5")
    assert done.returncode == 0, done.stdout
    assert "test_transfer has run for 0.5 s" in done.stdout


def test_fixture(tmp_path: Path) -> None:
    source = (
        DEADLOCK
        + """
@pytest.fixture
def service(watchdog):
    asyncio.run(transfer(watchdog))

def test_service(service):
    assert False
"""
    )
    done = run(tmp_path, source, "--asynctb-timeout=0.5")
    assert "Captured asynctb setup" in done.stdout
    assert "service  " in done.stdout


def test_pytest_timeout(tmp_path: Path) -> None:
    """The stacks are those from before the test was ended, also if its own timeout is shorter than ours."""
    source = (
        DEADLOCK
        + """
class Never:
    count = 0

@pytest.mark.timeout(2)
def test_transfer():
    asyncio.run(transfer(Never))
"""
    )
    done = run(tmp_path, source, "--asynctb-timeout=30", plugins=["pytest_timeout"])
    assert done.returncode == 1, done.stdout
    assert "test_transfer has run for 1.5 s" in done.stdout
    assert STUCK in done.stdout
    assert "Timeout" in done.stdout


def test_pytest_xdist(tmp_path: Path) -> None:
    done = run(tmp_path, FAILING, "--asynctb-timeout=0.5", "-n1", plugins=["xdist"])
    assert done.returncode == 1, done.stdout
    printed, reported = done.stdout.split("Captured asynctb call")
    assert printed.count(STUCK) == reported.count(STUCK) == 2


def test_pytest_asyncio(tmp_path: Path) -> None:
    source = (
        DEADLOCK
        + """
@pytest.mark.asyncio
async def test_transfer(watchdog):
    await transfer(watchdog)
"""
    )
    done = run(tmp_path, source, "--asynctb-timeout=0.5", plugins=["pytest_asyncio.plugin"])
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(STUCK) == 2
    assert "await transfer(watchdog)" in done.stdout
    assert "/_pytest/" not in done.stdout


@pytest.mark.parametrize(("plugin", "mark"), [("pytest_trio.plugin", "trio"), ("anyio.pytest_plugin", "anyio")])
def test_trio(tmp_path: Path, plugin: str, mark: str) -> None:
    pytest.importorskip("trio")
    source = (
        TRIO
        + f"""
@pytest.mark.{mark}
async def test_transfer(watchdog):
    await transfer(watchdog)
"""
    )
    done = run(tmp_path, source, "--asynctb-timeout=0.5", plugins=[plugin])
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(STUCK) == 2
    assert "await transfer(watchdog)" in done.stdout
