"""The shapes of stacks: most activities of a program wait at the same few places."""

from __future__ import annotations

from typing import Dict, List, Tuple

from ..protocol import StackShape


class ShapeTable:
    """The shapes that one response refers to, each once."""

    def __init__(self) -> None:
        #: For the ``shapes`` of the response.
        self.shapes: List[StackShape] = []
        self._indices: Dict[str, int] = {}

    def add(self, shape: StackShape) -> Tuple[int, bool]:
        """Return the index of a shape, and whether it is new."""
        # A shape is plain data of ours, so that its repr runs nothing of the program and is the same for equal shapes.
        # It takes as long as JSON would, and neither can the program have replaced it, nor do its audit hooks see it.
        key = repr(shape)
        index = self._indices.get(key)
        if index is not None:
            return index, False
        index = self._indices[key] = len(self.shapes)
        self.shapes.append(shape)
        return index, True
