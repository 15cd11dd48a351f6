"""The description of the package for the index: the README, whose links lead to the repository there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

#: A link of Markdown, or a picture, to a file of the repository.
_LINK = re.compile(r"(!?)\[([^]]*)\]\((?!https?:|#|mailto:)([^)]+)\)")


class ReadmeHook(MetadataHookInterface):
    """Makes relative links absolute, with the address of the repository in ``project.urls``."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the description."""
        repository = metadata["urls"]["Repository"]
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": with_absolute_links(text, repository)}


def with_absolute_links(text: str, repository: str) -> str:
    """Return Markdown whose links to files of the repository can be followed from anywhere."""
    return _LINK.sub(
        lambda link: f"{link[1]}[{link[2]}]({repository}/{'raw' if link[1] else 'blob'}/main/{link[3]})", text
    )
