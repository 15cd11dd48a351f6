"""Wheel and sdist are complete, and can be installed without a network; names and versions agree."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Set

import pytest
import release

ROOT = Path(__file__).parents[2]
#: In the repository, and of no use elsewhere.
ONLY_IN_REPOSITORY = (".ci/", ".github/")
PROGRAM = """
import asyncio, asynctb, dap_extension

async def main():
    task = asyncio.create_task(asyncio.sleep(60), name="sleeper")
    await asyncio.sleep(0)
    print(asynctb.__file__)
    print(asynctb.Traceback.of(task))
    task.cancel()

asyncio.run(main())
"""

in_the_repository = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="only in the repository")


def tracked() -> Set[str]:
    """Return the files of the repository, also new ones."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout
    return {name for name in names.decode().split("\0") if name and (ROOT / name).exists()}


def run(*command: object, cwd: Path = ROOT) -> str:
    result = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, encoding="utf-8", check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the sdist and the wheel that was made of it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "-o", folder, ".")
    return folder


def wheel_of_installed(name: str, folder: Path) -> None:
    """Make a wheel of a package written in Python that is installed here."""
    distribution = importlib.metadata.distribution(name)
    path = folder / f"{name}-{distribution.version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file in distribution.files or ():
            if file.parts[0] != ".." and "__pycache__" not in file.parts:
                wheel.write(str(file.locate()), str(file))


@in_the_repository
def test_sdist_is_complete(distributions: Path) -> None:
    (path,) = distributions.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    expected = {name for name in tracked() if not name.startswith(ONLY_IN_REPOSITORY)}
    assert names - {"PKG-INFO"} == expected


@in_the_repository
def test_wheel_is_complete(distributions: Path) -> None:
    (path,) = distributions.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == {name for name in tracked() if re.match(r"asynctb/|dap_extension/|pytest_asynctb\.py$", name)}


def test_the_index_can_show_the_description(distributions: Path) -> None:
    run(sys.executable, "-m", "twine", "check", "--strict", *distributions.iterdir())
    (path,) = distributions.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        text = archive.read(name).decode()
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert targets
    assert [target for target in targets if not target.startswith("https://")] == []
    for target in targets:
        if target.startswith(release.address(ROOT)):
            assert (ROOT / re.sub(r".*?/(blob|raw)/main/", "", target)).exists(), target


def test_a_fresh_environment_installs_it_by_name_from_a_folder(distributions: Path, tmp_path: Path) -> None:
    wheel_of_installed("attrs", distributions)
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    python = tmp_path / "venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    options = ("-q", "--no-index", "--disable-pip-version-check", "--no-cache-dir")
    pip = (sys.executable, "-m", "pip", "--python", python, "install", *options)
    run(*pip, "--find-links", distributions, "asynctb")
    printed = run(python, "-I", "-c", PROGRAM, cwd=tmp_path)
    assert printed.startswith(str(tmp_path / "venv"))
    assert "Task sleeper" in printed
    assert "sleep  " in printed


def test_versions_agree() -> None:
    (version,) = set(release.versions(ROOT))
    assert len(release.versions(ROOT)) == 4
    for name in release.CHANGES:
        first = re.search(r"(?m)^## (\S+)", (ROOT / name).read_text(encoding="utf-8"))
        assert first is not None
        assert first[1] == version, name


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a repository with a copy of all files."""
    for name in tracked():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    run("git", "init", "-q", cwd=tmp_path)
    run("git", "add", "-A", cwd=tmp_path)
    return tmp_path


@in_the_repository
def test_one_command_changes_the_version(copy: Path) -> None:
    run(sys.executable, copy / "tools" / "release.py", "version", "12.3.4")
    assert set(release.versions(copy)) == {"12.3.4"}
    for name in release.CHANGES:
        assert "\n## 12.3.4 (not released yet)\n\n\n## " in (copy / name).read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="three numbers"):
        release.set_version(copy, "12.3.4rc1")


@in_the_repository
def test_one_command_changes_the_address(copy: Path) -> None:
    old, new = release.address(copy), "https://example.org/somebody/stacks"
    release.set_address(copy, new, publisher="somebody")
    assert release.address(copy) == new
    assert run("git", "grep", "-c", "-F", new, cwd=copy).count("\n") > 5
    assert subprocess.run(["git", "grep", "-q", "-F", old], cwd=copy, check=False).returncode == 1
    manifest = json.loads((copy / "vscode-extension" / "package.json").read_text(encoding="utf-8"))
    assert manifest["publisher"] == "somebody"
    assert manifest["homepage"].startswith(new)
    assert manifest["bugs"]["url"] == f"{new}/issues"
    assert manifest["repository"]["url"] == f"{new}.git"
    with pytest.raises(ValueError, match="an address"):
        release.set_address(copy, "somewhere")
