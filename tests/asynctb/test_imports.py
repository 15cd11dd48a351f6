"""Imports go one way, between folders and between files, and importing asynctb imports little."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Set, Tuple

import pytest

import asynctb

PACKAGE = Path(str(asynctb.__file__)).parent

#: From the bottom to the top: what stands in the package itself, and its folders. Each imports only from itself and
#: from what stands further down.
ROOMS: List[str] = [
    "_version",
    "_data",
    "_collector",
    "_objects",
    "_heap",
    "_interpreters",
    "_process",
    "_ids",
    "_own_code",
    "_refusal",
    "_source",
    "_model",
    "_quick",
    "_code",
    "_frames",
    "_stacks",
    "_waits",
    "_snapshot",
    "_frameworks",
    "_output",
    "_methods",
    "",
    "_demo",
    "__main__",
]
#: The same inside `_frameworks`: what frameworks share, and then those that others of them are built on.
FRAMEWORKS: List[str] = [
    "",
    "_addresses",
    "_known",
    "_calls",
    "_describing",
    "_hiding",
    "_entry_points",
    "_kernel",
    "_resumed",
    "_room",
    "_pools",
    "builtins",
    "contextlib",
    "pytest",
    "backports",
    "threading",
    "multiprocessing",
    "asgiref",
    "greenlet",
    "gevent",
    "greenback",
    "sqlalchemy",
    "aiohttp",
    "httpcore",
    "redis",
    "asyncio",
    "nest_asyncio",
    "trio",
    "curio",
    "twisted",
    "tornado",
    "anyio",
    "_registry",
]
#: Made for the inspected program, so they may import nothing that it might not have.
ALLOWED_FROM_OUTSIDE = {"attrs", "typing_extensions"}


def module_of(path: Path) -> str:
    """Return the name of a module relative to the package, which itself is "" there."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES: Dict[str, Path] = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports_of(name: str) -> Iterator[Tuple[str, bool]]:
    """Yield what a module imports, wherever in it, and whether that is a module of the package.

    Modules of the package are named relative to it.
    """
    path = FILES[name]
    inside = path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, False
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module), False
        elif isinstance(node, ast.ImportFrom):
            base = ".".join((*inside[: len(inside) - node.level + 1], *(node.module or "").split("."))).strip(".")
            for alias in node.names:
                module = f"{base}.{alias.name}".strip(".")
                yield (module if module in FILES else base), True


def own_imports(name: str) -> Set[str]:
    return {imported for imported, is_own in imports_of(name) if is_own}


def place_in(rooms: List[str], name: str) -> int:
    room = name.split(".")[0]
    assert room in rooms, f"{room} has no place: add it to the list"
    return rooms.index(room)


@pytest.mark.parametrize("name", FILES)
def test_direction_between_rooms(name: str) -> None:
    for imported in own_imports(name):
        assert place_in(ROOMS, imported) <= place_in(ROOMS, name), f"{name} imports {imported}"


@pytest.mark.parametrize("name", [name for name in FILES if name.split(".")[0] == "_frameworks"])
def test_direction_between_frameworks(name: str) -> None:
    for imported in own_imports(name):
        room, _, inside = imported.partition(".")
        if room == "_frameworks":
            own = name.partition(".")[2]
            assert place_in(FRAMEWORKS, inside) <= place_in(FRAMEWORKS, own), f"{name} imports {imported}"


def folders_of(name: str) -> Set[str]:
    """Return the packages around a module, but for asynctb: importing the module imports them first."""
    parts = name.split(".")
    return {".".join(parts[:length]) for length in range(1, len(parts))}


def test_no_circle() -> None:
    left: Dict[str, Set[str]] = {}
    for name in FILES:
        imported = own_imports(name)
        implied = set().union(*map(folders_of, imported)) - folders_of(name)
        left[name] = (imported | implied) - {name}
    while left:
        free = [name for name, imported in left.items() if not imported & set(left)]
        for name in free:
            del left[name]
        if not free:
            path = [next(iter(left))]
            while path[-1] not in path[:-1]:
                path.append(next(name for name in left[path[-1]] if name in left))
            pytest.fail(f"a circle: {path[path.index(path[-1]) :]}")


@pytest.mark.parametrize("name", FILES)
def test_what_is_imported_from_outside(name: str) -> None:
    known = getattr(sys, "stdlib_module_names", None)
    for imported, is_own in imports_of(name):
        top = imported.split(".")[0]
        assert top != "asynctb", f"{name} imports {imported} absolutely"
        if not is_own and known is not None:
            assert top in known or top in ALLOWED_FROM_OUTSIDE, f"{name} imports {imported}"


def test_a_framework_is_not_imported() -> None:
    """Neither by importing asynctb, nor by using it, nor the heavy parts of the standard library."""
    script = """
import json, sys
before = set(sys.modules)
import asynctb
def generate():
    yield
list(map(str, [asynctb.Traceback.of(generate()), asynctb.snapshot()]))
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    output = subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.PIPE, timeout=60).stdout
    imported = set(json.loads(output))
    assert not imported & {
        "asyncio",
        "trio",
        "anyio",
        "greenlet",
        "gevent",
        "concurrent.futures",
        "importlib.metadata",
        "email",
        "unittest",
        "pydoc",
    }
