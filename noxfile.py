"""The test matrix: the tests of the core on every supported interpreter that this machine has.

``make test-core`` runs it, with the interpreters that ``tests/interpreters.py`` finds, several at a time. One of them:
``nox -p 3.13``.
"""

import os
import sys
from pathlib import Path

import nox
from nox.command import CommandFailed

sys.path.insert(0, str(Path(__file__).parent / "tests"))
from interpreters import NAMES, OLDER, OLDER_NAMES, find_interpreters

nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = False
folders = [os.path.dirname(interpreter.path) for interpreter in find_interpreters(OLDER[-1])]
os.environ["PATH"] = os.pathsep.join([*folders, os.environ["PATH"]])

# What the glue is tested with, and what results are compared with. A package without a wheel for an interpreter is left
# out there, and said so.
FRAMEWORKS = [
    "trio",
    "anyio",
    "greenlet",
    "gevent",
    "greenback",
    "asgiref",
    "sqlalchemy",
    "uvloop",
    "twisted",
    "tornado",
    "aiohttp",
    "httpx",
    "redis",
]
FRAMEWORKS += ["async_generator", "async_exit_stack", "stackscope"]
# Plug-ins of pytest: the tests of ours run them in processes of their own.
FRAMEWORKS += ["pytest-asyncio", "pytest-timeout", "pytest-trio", "pytest-xdist"]
WITHOUT_PLUGINS = ["-p", "no:asyncio", "-p", "no:timeout", "-p", "no:trio", "-p", "no:xdist"]
# Each folder in a process of its own: looks at all that there is in a process take the longer the more other tests have
# left there. Of the frameworks each file: what a framework has made is searched for as soon as it is imported. On PyPy,
# all in one process would take four times as long.
TESTS = Path("tests/asynctb")
PARTS = [
    [str(folder)] for folder in sorted(TESTS.iterdir()) if folder.name != "frameworks" and any(folder.glob("test_*"))
]
PARTS += [[str(module)] for module in sorted((TESTS / "frameworks").glob("test_*.py"))]
PARTS += [[str(module) for module in sorted(TESTS.glob("test_*.py"))]]
#: What pytest returns if a part has no test of those that were asked for (-k).
NO_TESTS = 5
# Without wheels, but they need no compiler: written in Python alone, or so for PyPy. Later interpreters lack what curio
# imports.
FRAMEWORKS_FROM_SOURCE = {
    "curio": ("3.8", "3.9", "3.10", "3.11", "pypy3.11"),
    "twisted": ("pypy3.11",),
    "tornado": ("pypy3.11",),
}


OLDER_PACKAGES = ["attrs>=22.2", "typing-extensions>=4.1", "pytest", "pytest-rerunfailures", "greenlet", "trio"]
OLDER_PACKAGES += ["async_generator", "async_exit_stack"]
#: Those of the tests that have been adapted to these interpreters.
OLDER_TESTS = {"3.7": ["frames", "code", "frameworks/test_contextlib.py"], "3.6": ["frames", "code"]}


# virtualenv no longer makes environments for 3.8; the standard library's venv does.
@nox.session(python="3.8", venv_backend="venv")
def core_oldest(session: nox.Session) -> None:
    """Run tests/asynctb on the oldest interpreter."""
    test_core(session)


@nox.session(python=[name for name in NAMES if name != "3.8"], venv_backend="virtualenv")
def core(session: nox.Session) -> None:
    """Run tests/asynctb."""
    test_core(session)


@nox.session(python=list(OLDER_NAMES), venv_backend="venv")
def older(session: nox.Session) -> None:
    """Run the tests for which CPython 3.6 and 3.7 have all, on the wheel that is made for these."""
    folder = Path(session.create_tmp())
    for wheel in folder.glob("*.whl"):
        wheel.unlink()
    # With the packages of the one who runs nox, as the tool needs a later interpreter.
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), "."]
    session.run(*build, external=True)
    (ordinary,) = folder.glob("*.whl")
    tree = folder / "tree"
    copied = ("tests", "docs", "examples", "pytest_asynctb.py", "pyproject.toml")
    session.run(sys.executable, "tools/older.py", "wheel", str(ordinary), external=True)
    session.run(sys.executable, "tools/older.py", "tree", *copied, str(tree), external=True)
    # The pip that comes with them does not know which releases still run there.
    session.install("-q", "pip==21.3.1")
    session.install("-q", *OLDER_PACKAGES)
    session.install("-q", "--force-reinstall", "--no-deps", "--find-links", str(folder), "--no-index", "asynctb")
    session.chdir(tree)
    tests = [f"tests/asynctb/{name}" for name in OLDER_TESTS[str(session.python)]]
    session.run("python", "-X", "dev", "-m", "pytest", "-p", "no:cacheprovider", *tests, *session.posargs)


def test_core(session: nox.Session) -> None:
    """Install the core with what its tests need, and run them in development mode."""
    pyproject = nox.project.load_toml("pyproject.toml")
    session.install("-q", "-e", ".", *nox.project.dependency_groups(pyproject, "test-core"))
    # Wheels only: compiling gevent takes minutes, and a failure would say nothing about this project.
    wheels = ("-q", "--only-binary", ":all:")
    missing = []
    try:
        session.install(*wheels, *FRAMEWORKS, silent=True)
    except CommandFailed:
        # Not all have one: those that do.
        for package in FRAMEWORKS:
            try:
                session.install(*wheels, package, silent=True)
            except CommandFailed:
                missing.append(package)
    for package, versions in FRAMEWORKS_FROM_SOURCE.items():
        if session.python in versions:
            session.install("-q", package)
            missing = [name for name in missing if name != package]
    if missing:
        session.warn(f"no wheel for {session.python}, tests skipped: {', '.join(missing)}")
    # A cache for each interpreter: they may be tested at the same time.
    cache = f"cache_dir=.pytest_cache/{session.name}"
    failed = []
    for part in PARTS:
        try:
            command = ["python", "-X", "dev", "-m", "pytest", *WITHOUT_PLUGINS, "-o", cache, *part, *session.posargs]
            session.run(*command, success_codes=[0, NO_TESTS])
        except CommandFailed:
            failed.append(part[0])
    if failed:
        session.error(f"failed: {', '.join(failed)}")
