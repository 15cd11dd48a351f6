"""Lines for the terminal that become shorter where it is narrow, and do not control it."""

from __future__ import annotations

import itertools
from typing import Iterable, List, Literal, NamedTuple, Optional, Tuple, Union

from rich.cells import cell_len, get_character_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.text import Text

_UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"
Where = Literal["start", "middle", "end"]


class _Part(NamedTuple):
    text: str
    style: Union[str, Style]
    #: When it is shortened: those with lower numbers first. None: never.
    order: Optional[int]
    #: Where it is shortened.
    where: Where
    #: Columns that it keeps.
    least: int
    #: Whether it is left out if it cannot have that many.
    optional: bool


class Line:
    """One line, of parts that are shortened one after the other until they fit. What is left over is cut off.

    :param wrap: whether it takes several lines instead.
    """

    def __init__(self, text: str = "", style: Union[str, Style] = "", *, wrap: bool = False) -> None:
        self._parts: List[_Part] = []
        self._wrap = wrap
        self.append(text, style)

    def append(
        self,
        text: str,
        style: Union[str, Style] = "",
        *,
        order: Optional[int] = None,
        where: Where = "end",
        least: int = 0,
        optional: bool = False,
    ) -> Line:
        """Add a part, and return the line."""
        if text:
            # Much of it comes from the program.
            printable = text if text.isprintable() else "".join(map(_printable, text))
            self._parts.append(_Part(printable, style, order, where, least, optional))
        return self

    @property
    def plain(self) -> str:
        return "".join(part.text for part in self._parts)

    @property
    def style(self) -> str:
        """The style of its beginning."""
        return str(self._parts[0].style)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        text = Text() if self._wrap else Text(no_wrap=True, overflow="crop")
        for run, style in self.runs(None if self._wrap else options.max_width, options.ascii_only):
            text.append(run, style)
        yield text

    def runs(self, width: Optional[int], ascii_only: bool) -> List[Tuple[str, Union[str, Style]]]:
        """Return the line as texts that have one style each.

        :param width: columns that it may have; None: any number.
        """
        ellipsis = "..." if ascii_only else "…"
        parts = self._parts
        if ascii_only:
            parts = [part._replace(text=part.text.replace("…", "...").replace(_UNPRINTABLE, "?")) for part in parts]
        if width is not None:
            parts = _fitted(parts, width, ellipsis)
        return [
            ("".join([part.text for part in same]), style)
            for style, same in itertools.groupby(parts, key=lambda part: part.style)
        ]


def _fitted(parts: List[_Part], width: int, ellipsis: str) -> List[_Part]:
    excess = sum([cell_len(part.text) for part in parts]) - width
    if excess <= 0:
        return parts
    parts = list(parts)
    for index, part in sorted(enumerate(parts), key=lambda item: item[1].order or 0):
        if excess > 0 and part.order is not None:
            length = cell_len(part.text)
            wanted, least = length - excess, min(part.least, length)
            leave_out = part.optional and wanted < least
            text = "" if leave_out else shortened(part.text, max(wanted, least), part.where, ellipsis)
            parts[index] = part._replace(text=text)
            excess -= length - cell_len(text)
    return parts if excess <= 0 else _cropped(parts, max(width, 0), ellipsis)


def _cropped(parts: List[_Part], width: int, ellipsis: str) -> List[_Part]:
    room = max(0, width - len(ellipsis))
    kept = []
    for part in parts:
        text = _beginning(part.text, room)
        kept.append(part._replace(text=text))
        room -= cell_len(text)
        if text != part.text:
            break
    return [*kept, _Part(ellipsis[:width], "", None, "end", 0, False)]


def shortened(text: str, width: int, where: Where, ellipsis: str) -> str:
    """Return *text* in at most *width* columns, with an ellipsis where something was left out."""
    if cell_len(text) <= width:
        return text
    room = width - cell_len(ellipsis)
    if room <= 0:
        return ellipsis[: max(width, 0)]
    behind = {"start": room, "middle": room // 2, "end": 0}[where]
    return _beginning(text, room - behind) + ellipsis + _beginning(reversed(text), behind)[::-1]


def _beginning(text: Iterable[str], width: int) -> str:
    taken = []
    for character in text:
        width -= get_character_cell_size(character)
        if width < 0:
            break
        taken.append(character)
    return "".join(taken)


def _printable(character: str) -> str:
    return character if character.isprintable() else _UNPRINTABLE
