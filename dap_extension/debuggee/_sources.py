"""Places in source files, as a client understands them.

Paths are mapped to the client's, columns turned from offsets in UTF-8 (what CPython records) into UTF-16 code units
(what DAP and editors count).
"""

from __future__ import annotations

import types
from typing import Dict, List, Optional, Sequence, Tuple

from asynctb._model import FrameInfo, Position
from asynctb._objects import exact_str, filename_of
from asynctb._own_code import is_own_file
from asynctb._process import is_starter as is_starter
from asynctb._source import line_of_file, utf16_column

from ..protocol import Location, SourceRef
from . import _pydevd

#: Longest path that is sent, in characters; longer ones are no paths.
_LONGEST_PATH = 4096


class SourceTable:
    """The sources that one response refers to.

    :param py_db: the debugger, which knows the path mappings of this session.
    """

    def __init__(self, py_db: _pydevd.Debugger) -> None:
        self._py_db = py_db
        #: For the ``sources`` of the response.
        self.sources: List[SourceRef] = []
        self._indices: Dict[Tuple[str, int], int] = {}
        self._files: Dict[str, Tuple[_pydevd.ClientSource, int]] = {}
        self._hidden: Dict[str, bool] = {}
        self._own: Dict[str, bool] = {}
        self._lines: Dict[Tuple[str, int], str] = {}
        self._line_mapped = _pydevd.maps_lines(py_db)

    def is_debugger_file(self, filename: str) -> bool:
        """Whether frames of this file are part of debugpy or of the helper, which nobody wants to see."""
        filename = exact_str(filename) or ""  # all that follows, pydevd's functions included, would run its methods
        hidden = self._hidden.get(filename)
        if hidden is None:
            hidden = self._hidden[filename] = _pydevd.is_debugger_file(self._py_db, filename)
        return hidden

    def program_part(self, infos: Sequence[FrameInfo]) -> Sequence[FrameInfo]:
        """Return those of a stack's frames, outermost first, that are not the debugger's, nor called by it to trace."""
        for index, info in enumerate(infos):
            if self.is_tracing(info.frame.f_code):
                infos = infos[:index]
                break
        return [info for info in infos if not self.is_debugger_file(info.filename)]

    def is_tracing(self, code: types.CodeType) -> bool:
        """Whether the debugger, and not the program, calls what is further inward than *code*."""
        filename = filename_of(code)
        if not self.is_debugger_file(filename):
            return False
        name = filename.replace("\\", "/").rpartition("/")[2]
        return exact_str(code.co_name) == _pydevd.SUSPENDING_FUNCTION or name in _pydevd.TRACING_FILES

    def is_machinery(self, filename: str) -> bool:
        """Whether frames of this file are the debugger's, or only start the program: no place that anyone is at."""
        return is_starter(filename) or self.is_debugger_file(filename)

    def is_own(self, filename: str) -> bool:
        """Whether a file has code of the user's own, by our rules and those of ``justMyCode``."""
        filename = exact_str(filename) or ""
        own = self._own.get(filename)
        if own is None:
            try:
                is_program = is_own_file(filename) and not self.is_machinery(filename)
                own = is_program and _pydevd.is_user_code(self._py_db, filename)
            except Exception:  # pydevd cannot make anything of the name
                own = False
            self._own[filename] = own
        return own

    def program_frame(self, frame: types.FrameType) -> Optional[types.FrameType]:
        """Return the innermost frame of the program in the stack that ends with *frame*, or None."""
        start: Optional[types.FrameType] = frame
        current = start
        while current is not None:
            if self.is_tracing(current.f_code):
                start = current
            current = current.f_back
        while start is not None and self.is_debugger_file(filename_of(start.f_code)):
            start = start.f_back
        return start

    def location(self, filename: str, position: Position, frame_id: Optional[int] = None) -> Location:
        """Return where *position* is for the client.

        :param frame_id: ``id()`` of a frame that is there, if the client may refer to it: it is shown its bytecode if
            there is no source.
        """
        filename = (exact_str(filename) or "?")[:_LONGEST_PATH]
        line = position.line
        found = self._files.get(filename)
        if found is None or self._line_mapped:
            source, mapped_line = _pydevd.client_source(self._py_db, filename, line or 1, frame_id)
            shift = mapped_line - (line or 1)
            index = self._index(source)
            if not self._line_mapped and (source.reference or not filename.startswith("<") or frame_id is not None):
                # Otherwise a later frame of the same name may give the client a text to show.
                self._files[filename] = source, index
        else:
            source, index = found
            shift = 0
        location: Location = {"source": index}
        if line is not None:
            location["line"] = line + shift
            if position.end_line is not None:
                location["endLine"] = position.end_line + shift
            start = self._column(source.local_path, line, position.column)
            end = self._column(source.local_path, position.end_line, position.end_column)
            if start is not None:
                location["column"] = start
                if end is not None:
                    location["endColumn"] = end
        return location

    def _index(self, source: _pydevd.ClientSource) -> int:
        key = source.path, source.reference
        index = self._indices.get(key)
        if index is None:
            index = self._indices[key] = len(self.sources)
            name = source.path.replace("\\", "/").rpartition("/")[2] or source.path
            entry: SourceRef = {"name": name, "path": source.path}
            if source.reference:
                entry["sourceReference"] = source.reference
            self.sources.append(entry)
        return index

    def _column(self, path: str, line: Optional[int], offset: Optional[int]) -> Optional[int]:
        """Return the column, from 1, at an offset in the line's UTF-8; None if the line's text does not tell."""
        if line is None or offset is None:
            return None
        text = self._lines.get((path, line))
        if text is None:
            text = self._lines[path, line] = line_of_file(path, line)
        return utf16_column(text, offset)
