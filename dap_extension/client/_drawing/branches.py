"""Trees of lines, as text for the terminal.

They look as those of rich do. But that takes 200 µs for each line, and thousands of tasks have ten lines each, most of
which are the same.
"""

from __future__ import annotations

import functools
from typing import Dict, List, Optional, Union

from rich.console import COLOR_SYSTEMS, Console, ConsoleOptions
from rich.style import Style

from .lines import Line

_GUIDE_WIDTH = 4
_GUIDES, _ASCII_GUIDES = ("├── ", "│   ", "└── ", "    "), ("+-- ", "|   ", "`-- ", "    ")


class Branch:
    """A line, and the branches below it."""

    __slots__ = ("_text", "below", "label")

    def __init__(self, label: Line) -> None:
        self.label = label
        self.below: List[Branch] = []
        self._text: Optional[Dict[int, List[str]]] = None

    def add(self, label: Line) -> Branch:
        """Add a branch below, and return it."""
        branch = Branch(label)
        self.below.append(branch)
        return branch

    def share(self) -> Branch:
        """Have its text made once, as it stands in several places; it and what is below must not change any more."""
        if self._text is None:
            self._text = {}
        return self

    def lines(self, width: int, pen: Pen) -> List[str]:
        """Return its lines in at most *width* columns."""
        if self._text is not None and width in self._text:
            return self._text[width]
        lines = [pen.line(self.label, width)]
        room = width - _GUIDE_WIDTH
        fork, beside, corner, beyond = pen.guides
        last = len(self.below) - 1
        for index, branch in enumerate(self.below if room > 0 else ()):
            first, *others = branch.lines(room, pen)
            lines.append((fork if index < last else corner) + first)
            guide = beside if index < last else beyond
            lines += [guide + other for other in others]
        if self._text is not None:
            self._text[width] = lines
        return lines


class Pen:
    """Turns lines into text for one console.

    :param guides: the style of the lines that connect branches.
    """

    def __init__(self, console: Console, options: ConsoleOptions, guides: str) -> None:
        self._console = console
        self._ascii_only = options.ascii_only
        name = console.color_system
        # What consoles of old versions of Windows understand is no text.
        self._colors = None if name is None or console.legacy_windows else COLOR_SYSTEMS[name]
        self._styled = functools.lru_cache(maxsize=None)(self._style_for)
        self.guides = [self._rendered(guide, guides) for guide in (_ASCII_GUIDES if options.ascii_only else _GUIDES)]

    def line(self, line: Line, width: int) -> str:
        """Return a line in at most *width* columns."""
        return "".join([self._rendered(text, style) for text, style in line.runs(width, self._ascii_only)])

    def _rendered(self, text: str, style: Union[str, Style]) -> str:
        if self._colors is None or not style:
            return text
        return self._styled(style).render(text, color_system=self._colors)

    def _style_for(self, style: Union[str, Style]) -> Style:
        found = self._console.get_style(style)
        return found.without_color if self._console.no_color else found
