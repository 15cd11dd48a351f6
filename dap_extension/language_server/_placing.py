"""Where the lines of a snapshot are in a document that may have been edited since: there, or nowhere."""

from __future__ import annotations

import collections
import difflib
import re
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

#: If more lines than this are between the first and the last difference, none of these are placed.
_MOST_BETWEEN = 2000
_DEF = re.compile(r"(\s*)(?:async\s+)?def\s+(\w+)")


def fits(lines: Sequence[str], recorded: Mapping[int, str]) -> bool:
    """Return whether a text has the lines that were recorded, at their numbers."""
    return bool(recorded) and all(
        number <= len(lines) and lines[number - 1].rstrip() == text.rstrip() for number, text in recorded.items()
    )


class Placement:
    """Maps the numbers of lines, from 1, in the source of a snapshot to those in a document.

    A line is placed only if it cannot be another one: not one that was changed, nor one whose text was put in or taken
    away elsewhere.

    :param recorded: the lines that the snapshot has.
    :param original: the whole text that these come from, if it is known.
    :param current: the document.
    """

    def __init__(self, recorded: Mapping[int, str], original: Optional[Sequence[str]], current: Sequence[str]) -> None:
        self.lines = current
        self._placed: Dict[int, int] = {}
        if original is None:
            self._place_unique(recorded)
        elif original is current:
            self._placed = {number: number for number in recorded}
        else:
            self._place_by_difference(recorded, [line.rstrip() for line in original])
        #: Lines with "def", by the name.
        self._defs: Dict[str, List[int]] = {}
        self._definitions: Dict[Tuple[str, int], Optional[int]] = {}

    def line_of(self, number: Optional[int]) -> Optional[int]:
        """Return where a line is now, or None."""
        return None if number is None else self._placed.get(number)

    def _place_unique(self, recorded: Mapping[int, str]) -> None:
        counts = collections.Counter(text.rstrip() for text in recorded.values())
        found: Dict[str, List[int]] = {}
        for number, line in enumerate(self.lines, 1):
            text = line.rstrip()
            if text in counts:
                found.setdefault(text, []).append(number)
        for number, text in recorded.items():
            places = found.get(text.rstrip(), [])
            if len(places) == 1 and counts[text.rstrip()] == 1:
                self._placed[number] = places[0]

    def _place_by_difference(self, recorded: Mapping[int, str], old: List[str]) -> None:
        new = [line.rstrip() for line in self.lines]
        least = min(len(old), len(new))
        start = 0
        while start < least and old[start] == new[start]:
            start += 1
        end = 0
        while end < least - start and old[-1 - end] == new[-1 - end]:
            end += 1
        middle_old, middle_new = old[start : len(old) - end], new[start : len(new) - end]
        places: Dict[int, int] = {}
        changed = set(middle_old + middle_new)
        if middle_old and middle_new and len(middle_old) + len(middle_new) <= _MOST_BETWEEN:
            changed = set()
            matcher = difflib.SequenceMatcher(None, middle_old, middle_new, autojunk=False)
            for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
                if tag == "equal":
                    for index in range(old_end - old_start):
                        places[start + old_start + index + 1] = start + new_start + index + 1
                else:
                    changed.update(middle_old[old_start:old_end], middle_new[new_start:new_end])
        for number in recorded:
            if number > len(old) or old[number - 1] in changed:
                continue
            if number <= start:
                self._placed[number] = number
            elif number > len(old) - end:
                self._placed[number] = number + len(new) - len(old)
            elif number in places:
                self._placed[number] = places[number]

    def definition_of(self, function: str, line: int) -> Optional[int]:
        """Return the line on which the function begins that a placed line belongs to, or None if that is not certain.

        :param function: its name, which may be qualified.
        """
        key = function, line
        if key not in self._definitions:
            self._definitions[key] = self._find_definition(function.rpartition(".")[2], line)
        return self._definitions[key]

    def _find_definition(self, name: str, line: int) -> Optional[int]:
        if not name.isidentifier():
            return None  # a module, a lambda, a comprehension
        if not self._defs:
            for number, text in enumerate(self.lines, 1):
                match = _DEF.match(text)
                if match is not None:
                    self._defs.setdefault(match[2], []).append(number)
        indentation = _indentation(self.lines[line - 1])
        for number in reversed(self._defs.get(name, [])):
            if number == line or (number < line and _indentation(self.lines[number - 1]) < indentation):
                return number
        return None


def _indentation(text: str) -> int:
    return len(text) - len(text.lstrip())
