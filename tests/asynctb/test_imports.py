"""Imports go one way, and importing asynctb imports little."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Iterator, List, Tuple

import pytest

import asynctb

PACKAGE = Path(str(asynctb.__file__)).parent

#: From the bottom to the top: a module imports from its own layer and those below. Packages stand for their modules.
LAYERS: List[Tuple[str, ...]] = [
    ("_version", "_model", "_objects"),
    ("_heap", "_source", "_ids", "_quick", "_bytecode", "_targets", "_simulation", "_contexts"),
    ("_frames",),
    ("_customize",),
    ("_stacks", "_extract"),
    ("_discovery",),
    ("_glue",),
    ("_snapshot",),
    ("_render", "_plain", "_render_snapshot"),
    ("_dump",),
    ("", "_demo", "__main__"),
]
#: Imported inside functions or for type checkers only, so that results can offer methods.
LATE = ("_model",)
#: Made for the inspected program, so they may import nothing that it might not have.
ALLOWED_FROM_OUTSIDE = {"attrs", "typing_extensions"}


FILES = sorted(PACKAGE.rglob("*.py"))


def layer_of(module: str) -> int:
    top = module.split(".")[0]
    for index, names in enumerate(LAYERS):
        if top in names:
            return index
    pytest.fail(f"asynctb.{module} stands in no layer: add it to LAYERS")


def imports_of(path: Path) -> Iterator[Tuple[str, bool]]:
    """Yield the modules that a file imports, relative to the package where they are in it, and whether they are."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    inside = parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, False
        elif isinstance(node, ast.ImportFrom):
            if not node.level:
                yield str(node.module), False
                continue
            base = inside[: len(inside) - node.level + 1]
            if node.module:
                yield ".".join((*base, node.module)), True
            else:
                for alias in node.names:
                    is_module = (PACKAGE.joinpath(*base, alias.name + ".py")).exists() or (
                        PACKAGE.joinpath(*base, alias.name)
                    ).is_dir()
                    yield ".".join((*base, alias.name) if is_module else base), True


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_direction(path: Path) -> None:
    name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    name = "" if name == "__init__" else name
    if name in LATE:
        return
    for imported, is_own in imports_of(path):
        if is_own:
            assert layer_of(imported) <= layer_of(name), f"{name} imports {imported}"
        else:
            top = imported.split(".")[0]
            assert top != "asynctb", f"{name} imports {imported} absolutely"
            known = getattr(sys, "stdlib_module_names", None)
            if known is not None:
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
