"""The pages for those who are in trouble do what they say, and links lead somewhere."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from pages import NotHere, Player, parts

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
#: Those that are followed: all with a program or a command, but for older ones, whose examples have tests elsewhere.
ELSEWHERE = {"customizing", "editors", "protocol", "snapshot-format", "terminal", "vscode"}
PAGES = sorted(page for page in DOCS.glob("*.md") if page.stem not in ELSEWHERE)
LINK = re.compile(r"\[[^]]*\]\((?!https?:|command:|mailto:)([^)\s#]*)(?:#([^)\s]+))?\)")


@pytest.mark.skipif(sys.platform == "win32", reason="the pages are for a POSIX shell")
@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in PAGES])
def test_page(page: Path, tmp_path: Path) -> None:
    if page.stem == "guide" and sys.version_info < (3, 11):
        pytest.skip("has a task group")
    with Player(tmp_path) as player:
        for part in parts(page.read_text(encoding="utf-8")):
            try:
                player.play(part)
            except NotHere as reason:
                pytest.skip(str(reason))


@pytest.mark.parametrize(
    "page", [pytest.param(page, id=page.stem) for page in [*sorted(DOCS.glob("*.md")), *sorted(ROOT.glob("*.md"))]]
)
def test_links(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        path = page.parent / target if target else page
        assert path.exists(), target
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path), f"{target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings, as GitHub and Sphinx make them."""
    text = page.read_text(encoding="utf-8")
    explicit = set(re.findall(r"(?m)^\(([\w-]+)\)=$", text))
    headings = re.findall(r"(?m)^#+ (.+)$", text)
    return explicit | {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_every_page_is_reached_from_the_index() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    assert [page.stem for page in DOCS.glob("*.md") if page.stem != "index" and page.stem not in index.split()] == []


def test_recipes_for_editors_are_in_files_too() -> None:
    page = (DOCS / "editors.md").read_text(encoding="utf-8")
    recipes = {text for _, text in re.findall(r"(?ms)^```(elisp|json|lua|toml)\n(.*?)^```", page)}
    assert recipes == {path.read_text(encoding="utf-8") for path in (ROOT / "examples" / "editors").iterdir()}
