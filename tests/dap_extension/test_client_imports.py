"""Imports inside the client go one way: commands draw and talk, drawing knows what was said, talking knows neither."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Iterator

import pytest

import dap_extension.client

CLIENT = Path(str(dap_extension.client.__file__)).parent
#: From the bottom to the top: each imports from itself and from what stands further down.
ROOMS = ("_session", "_drawing", "_commands", "__main__")
#: What both ends of the protocol have in common.
SHARED = {"protocol", "payload", "snapshot_files"}


def imported_by(path: Path) -> Iterator[str]:
    """Yield what a file of the client imports of this project: a room, or a module of the package around the client."""
    inside = path.relative_to(CLIENT.parent).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            parts = (*inside[: len(inside) - node.level + 1], *(node.module or "").split("."))
            yield parts[1] if parts[0] == "client" else parts[0]
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [str(node.module)]
            assert not [name for name in names if name.split(".")[0] in ("asynctb", "dap_extension")], path


@pytest.mark.parametrize("path", sorted(CLIENT.rglob("*.py")), ids=lambda path: str(path.relative_to(CLIENT)))
def test_direction(path: Path) -> None:
    room = path.relative_to(CLIENT).with_suffix("").parts[0]
    if room == "__init__":
        assert not list(imported_by(path))
        return
    for imported in imported_by(path):
        assert imported in SHARED or ROOMS.index(imported) <= ROOMS.index(room), f"{path} imports {imported}"


@pytest.mark.parametrize(
    "path", sorted((CLIENT.parent / "snapshot_files").glob("*.py")), ids=lambda path: str(path.name)
)
def test_files_know_the_messages_only(path: Path) -> None:
    """What is read and written outside must be usable without the client, without the library and inside an editor."""
    assert set(imported_by(path)) <= {"protocol", "snapshot_files"}


@pytest.mark.parametrize("path", sorted((CLIENT.parent / "language_server").glob("*.py")), ids=lambda path: path.name)
def test_the_language_server_needs_no_client(path: Path) -> None:
    assert set(imported_by(path)) <= {"protocol", "snapshot_files", "language_server"}
