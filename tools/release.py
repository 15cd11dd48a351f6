"""What has to be said in several files is changed by one command, here.

``python tools/release.py version 0.2.0``
    The version of the package and of the extension, and a heading for it in their lists of changes.
``python tools/release.py address https://github.com/OWNER/NAME [--publisher NAME]``
    The address of the repository, in all files that have it, and who publishes the extension. The place where it is
    looked up is ``project.urls`` in pyproject.toml.
"""

from __future__ import annotations

import argparse
import re
import subprocess
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).parents[1]
UNRELEASED = "(not released yet)"
_EXTENSION = "vscode-extension"
#: The version of each file is the first group but one; the lock file has two.
_VERSIONS = {
    "asynctb/_version.py": re.compile(r'(?m)(^__version__ = ")([^"]+)'),
    f"{_EXTENSION}/package.json": re.compile(r'(?m)(^  "version": ")([^"]+)'),
    f"{_EXTENSION}/package-lock.json": re.compile(r'("name": "asynctb",\s+"version": ")([^"]+)'),
}
CHANGES = ("CHANGELOG.md", f"{_EXTENSION}/CHANGELOG.md")
_REPOSITORY = re.compile(r'(?m)^Repository = "([^"]+)"')
_PUBLISHER = re.compile(r'(?m)(^  "publisher": ")([^"]+)')


def versions(root: Path) -> List[str]:
    """Return every version that the files have."""
    return [match[2] for name, pattern in _VERSIONS.items() for match in pattern.finditer(_read(root / name))]


def set_version(root: Path, version: str) -> None:
    """Write *version* to all files, and begin its list of changes.

    :raises ValueError: if it is not three numbers, which is all that VS Code takes.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise ValueError(f"a version is three numbers, such as 0.2.0, not {version!r}")
    for name, pattern in _VERSIONS.items():
        _write(root / name, pattern.sub(rf"\g<1>{version}", _read(root / name)))
    for name in CHANGES:
        text = _read(root / name)
        if f"\n## {version} " not in text:
            _write(root / name, text.replace("\n## ", f"\n## {version} {UNRELEASED}\n\n\n## ", 1))


def address(root: Path) -> str:
    """Return the address of the repository."""
    found = _REPOSITORY.search(_read(root / "pyproject.toml"))
    assert found is not None
    return found[1]


def set_address(root: Path, new: str, publisher: Optional[str] = None) -> None:
    """Write the address *new* to all files that have the present one.

    :raises ValueError: if it is not an address.
    """
    if not re.fullmatch(r"https://[^\s/]+(/[^\s/\"]+)+", new):
        raise ValueError(f"an address is such as https://github.com/OWNER/NAME, not {new!r}")
    old = re.compile(re.escape(address(root)) + r"\b")
    for path in _tracked(root):
        try:
            text = _read(path)
        except (UnicodeDecodeError, OSError):  # a picture, or a file that was deleted
            continue
        if old.search(text):
            _write(path, old.sub(new, text))
    if publisher is not None:
        path = root / _EXTENSION / "package.json"
        _write(path, _PUBLISHER.sub(rf"\g<1>{publisher}", _read(path)))


def _tracked(root: Path) -> List[Path]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True).stdout
    return [root / name for name in names.decode().split("\0") if name]


def _read(path: Path) -> str:
    return path.read_bytes().decode("utf-8")


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("version").add_argument("version")
    addresses = commands.add_parser("address")
    addresses.add_argument("address")
    addresses.add_argument("--publisher")
    arguments = parser.parse_args()
    try:
        if arguments.command == "version":
            set_version(ROOT, arguments.version)
        else:
            set_address(ROOT, arguments.address, arguments.publisher)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
