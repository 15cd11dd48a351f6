"""The helper as one Python expression, for the ``expression`` of a DAP ``evaluate`` request.

The expression carries the source of `asynctb`, of `dap_extension.debuggee` and of attrs, compressed, so that nothing
needs to be installed where the program runs. Its value is None: debugpy before 1.8.21 prints other values to the
program's standard output.

``python -m dap_extension.payload OUT`` writes it to a file, for clients that are not written in Python. The same
sources always give the same expression.
"""

from __future__ import annotations

import argparse
import base64
import functools
import hashlib
import importlib.util
import re
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Dict, Iterator, List, Optional, Set, Tuple

if TYPE_CHECKING:
    from importlib.abc import Traversable

#: What runs first, in this order and as one program.
_FIRST = ("dap_extension/debuggee/_standard.py", "dap_extension/debuggee/_importer.py")
#: Standard modules that the Python which packs the helper may not know.
_NEWER = frozenset({"annotationlib"})
#: What does not travel: it runs outside, or as a program.
_LEFT_OUT = (
    "dap_extension/client/",
    "dap_extension/language_server/",
    "dap_extension/snapshot_files/",
    "dap_extension/payload.py",
)
#: More would take three times as long for less than one percent.
_LEVEL = 6
#: An import at the beginning of a line. To parse all of the sources takes fifty times as long.
_IMPORT = re.compile(r"^[ \t]*(?:from|import)[ \t]+([A-Za-z_][\w.]*(?:[ \t]*,[ \t]*[A-Za-z_][\w.]*)*)", re.MULTILINE)


def payload_key() -> str:
    """Return what identifies the helper's sources: the same key means the same helper."""
    return _sources_and_key()[1]


@functools.lru_cache(maxsize=None)
def payload_expression() -> str:
    """Return the expression; evaluating it again in the same process does no harm."""
    found, key = _sources_and_key()
    sources = dict(found)
    first = "\n\n".join([sources.pop(path) for path in _FIRST])
    standard = sorted(_standard_imports(sources))
    program = (
        f"{first}\n\n"
        f"Importer({f'asynctb_helper_{key}.'!r}, {sources!r}, frozenset({standard!r}))"
        f".load('dap_extension.debuggee._bootstrap').install({key!r})\n"
    )
    data = base64.b64encode(zlib.compress(program.encode("utf-8"), _LEVEL)).decode("ascii")
    return (
        "exec(__import__('zlib').decompress(__import__('binascii').a2b_base64("
        f"'{data}')), {{'__name__': 'asynctb_bootstrap'}})"
    )


@functools.lru_cache(maxsize=None)
def _sources_and_key() -> Tuple[Dict[str, str], str]:
    sources = collect_sources()
    digest = hashlib.sha256()
    for path, text in sources.items():
        digest.update(f"{path}\0{text}\0".encode())
    return sources, digest.hexdigest()[:16]


def collect_sources() -> Dict[str, str]:
    """Return what travels: path inside the payload -> source text, sorted by path.

    :raises ModuleNotFoundError: if attrs or asynctb is not installed here.
    """
    found: List[Tuple[str, str]] = []
    for package in ("asynctb", "dap_extension", "attr"):
        for path, file in _python_files(_folder_of(package), package):
            if not path.startswith(_LEFT_OUT) and not path.endswith("/__main__.py"):
                found.append((path, file.read_text(encoding="utf-8")))
    return dict(sorted(found))


def _folder_of(package: str) -> Traversable:
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise ModuleNotFoundError(f"there is no package {package!r}, which the helper needs", name=package)
    folder = Path(spec.origin or "").parent
    if folder.is_dir():
        return folder
    from importlib.resources import files  # in an archive; imports the package, which takes longer than all the rest

    return files(package)


def _python_files(folder: Traversable, prefix: str) -> Iterator[Tuple[str, Traversable]]:
    for entry in folder.iterdir():
        path = f"{prefix}/{entry.name}"
        if entry.is_dir():
            yield from _python_files(entry, path)
        elif entry.name.endswith(".py"):
            yield path, entry


def _standard_imports(sources: Dict[str, str]) -> Set[str]:
    """Return the top-level modules of the standard library that *sources* import."""
    names = {
        name.strip().partition(".")[0]
        for text in sources.values()
        for found in _IMPORT.finditer(text)
        for name in found[1].split(",")
    }
    return names & (sys.stdlib_module_names | _NEWER)


def main(arguments: Optional[List[str]] = None) -> int:
    """Write the expression to a file."""
    parser = argparse.ArgumentParser(prog="python -m dap_extension.payload", description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path, help="file to write")
    options = parser.parse_args(arguments)
    options.out.write_text(payload_expression(), encoding="ascii", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
