"""From sessions and open documents to what the protocol of language servers has for them."""

from __future__ import annotations

import os
import re
import stat
import tokenize
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

from lsprotocol import types
from pygls import uris
from pygls.workspace import TextDocument, Workspace

from ..protocol import FindingInfo, Location
from ..snapshot_files.document import Document, SavedActivity
from ._placing import Placement, fits
from ._sessions import Block, File, Group, Session, Standing, key_of, merged
from ._texts import (
    MOST_LISTED,
    MOST_NAMES,
    MOST_TOLD,
    block_lines,
    clean,
    details,
    finding_line,
    hint,
    lens,
    listing,
    name_of,
    row,
    wait_line,
)

#: Symbols and diagnostics that are sent at most; nobody reads more.
MOST_SYMBOLS = 200
MOST_DIAGNOSTICS = 200
#: Larger source files (bytes) are not compared with what was edited.
_MAX_FILE = 10_000_000
_END_OF_LINE = re.compile("\r\n|\n|\r")
_WARNINGS = ("deadlock", "blocked_loop", "starved", "abandoned")
_WORD = re.compile(r"\w+")
SOURCE = "asynctb"
LIST, MEMBERS, OPEN, WHY = "asynctb.list", "asynctb.members", "asynctb.open", "asynctb.why"


class View(NamedTuple):
    """What a session has in a document."""

    session: Session
    file: File
    placement: Placement

    def standings(self) -> Iterator[Tuple[int, List[Standing]]]:
        """Yield each line of the document on which something stands."""
        for number, standings in self.file.standings.items():
            line = self.placement.line_of(number)
            if line is not None:
                yield line, standings

    def covers(self, location: Location, line: int) -> bool:
        """Return whether a line of the document is one of those of a location."""
        first = self.placement.line_of(location.get("line"))
        if first is None or line < first:
            return False
        length = location.get("endLine", location["line"]) - location["line"]
        return line == first or (
            line <= first + length and self.placement.line_of(location["line"] + length) == first + length
        )


class Answers:
    """All sessions, and what is to be said about them.

    :param workspace: the documents that are open; None before there is a client.
    """

    def __init__(self) -> None:
        self.workspace: Optional[Workspace] = None
        self.encoding: Union[str, types.PositionEncodingKind] = types.PositionEncodingKind.Utf16
        self.sessions: Dict[str, Session] = {}
        #: When waits were first seen, by session: it outlives the snapshots.
        self._since: Dict[str, Dict[Any, str]] = {}
        #: The texts that snapshots were taken of, and where their lines are; both by session and document.
        self._originals: Dict[Tuple[int, str], Optional[List[str]]] = {}
        self._placements: Dict[Tuple[int, str], Tuple[str, Placement]] = {}
        self._lines: Dict[str, Tuple[str, List[str]]] = {}

    # Sessions and documents

    def paused(self, session_id: str, document: Document) -> None:
        """Take a snapshot of a session, in place of the one before."""
        session = Session(session_id, document, self._since.setdefault(session_id, {}))
        self.resumed(session_id)
        self.sessions[session_id] = session
        for each in self._open_documents():
            self.opened(each)

    def resumed(self, session_id: str) -> None:
        """Forget the snapshot of a session."""
        old = self.sessions.pop(session_id, None)
        for table in (self._originals, self._placements):
            for key in [key for key in table if old is not None and key[0] == id(old)]:
                del table[key]

    def ended(self, session_id: str) -> None:
        """Forget a session that will not stop again."""
        self._since.pop(session_id, None)

    def opened(self, document: TextDocument) -> None:
        """Remember the text of a document as it is on disk, before it is edited."""
        for session in self.sessions.values():
            file = self._file_of(session, document)
            if file is not None:
                self._original(session, file, document)

    def closed(self, uri: str) -> None:
        """Forget a document."""
        for key in [key for key in self._placements if key[1] == uri]:
            del self._placements[key]
        for key in [key for key in self._originals if key[1] == uri]:
            del self._originals[key]
        self._lines.pop(uri, None)

    def _open_documents(self) -> List[TextDocument]:
        return [] if self.workspace is None else list(self.workspace.text_documents.values())

    def lines_of(self, document: TextDocument) -> List[str]:
        """Return the lines of a document, as editors count them."""
        source = document.source
        known = self._lines.get(document.uri)
        if known is None or known[0] is not source:
            known = self._lines[document.uri] = source, _END_OF_LINE.split(source)
        return known[1]

    def views(self, document: TextDocument) -> Iterator[View]:
        """Yield what each session has in a document."""
        for session in self.sessions.values():
            file = self._file_of(session, document)
            if file is not None:
                yield View(session, file, self._placement(session, file, document))

    def _file_of(self, session: Session, document: TextDocument) -> Optional[File]:
        path = uris.to_fs_path(document.uri)
        if path is None or not document.uri.startswith("file:"):
            return None
        found = session.files.get(key_of(path))
        return session.files.get(key_of(os.path.realpath(path))) if found is None else found

    def _placement(self, session: Session, file: File, document: TextDocument) -> Placement:
        key = id(session), document.uri
        known = self._placements.get(key)
        if known is None or known[0] is not document.source:
            original = self._original(session, file, document)
            placement = Placement(file.lines, original, self.lines_of(document))
            known = self._placements[key] = document.source, placement
        return known[1]

    def _original(self, session: Session, file: File, document: TextDocument) -> Optional[List[str]]:
        key = id(session), document.uri
        if key not in self._originals:
            found: Optional[List[str]] = None
            for lines in (_lines_on_disk(document), self.lines_of(document)):
                if fits(lines, file.lines):
                    found = lines
                    break
            self._originals[key] = found
        return self._originals[key]

    # Positions

    def _units(self, text: str, column: Optional[int]) -> int:
        """Return what the client calls a column, which is from 1 and in UTF-16 code units."""
        before = text.encode("utf-16-le", "surrogatepass")[: 2 * max(0, (column or 1) - 1)]
        return self._length(before.decode("utf-16-le", "replace"))

    def _length(self, text: str) -> int:
        if self.encoding == types.PositionEncodingKind.Utf8:
            return len(text.encode("utf-8", "surrogatepass"))
        if self.encoding == types.PositionEncodingKind.Utf32:
            return len(text)
        return len(text.encode("utf-16-le", "surrogatepass")) // 2

    def _end_of(self, lines: Sequence[str], line: int) -> types.Position:
        return types.Position(line - 1, self._length(lines[line - 1]))

    def _whole_line(self, lines: Sequence[str], line: int) -> types.Range:
        text = lines[line - 1]
        start = self._length(text[: len(text) - len(text.lstrip())])
        return types.Range(types.Position(line - 1, start), self._end_of(lines, line))

    def _range(self, view: View, location: Location) -> Optional[types.Range]:
        """Return where a location is in a document, or None if that is not certain."""
        line = view.placement.line_of(location.get("line"))
        if line is None:
            return None
        lines = view.placement.lines
        length = location.get("endLine", location["line"]) - location["line"]
        last = line + length
        if "column" not in location or "endColumn" not in location or not line <= last <= len(lines):
            return self._whole_line(lines, line)
        if length and view.placement.line_of(location["line"] + length) != last:
            return self._whole_line(lines, line)
        return types.Range(
            types.Position(line - 1, self._units(lines[line - 1], location["column"])),
            types.Position(last - 1, self._units(lines[last - 1], location["endColumn"])),
        )

    def _location(self, session: Session, location: Optional[Location]) -> Optional[types.Location]:
        """Return where something is in the editor; None if there is no such file, or the document has other lines."""
        if location is None or "line" not in location or location["line"] < 1:
            return None
        source = session.sources[location["source"]]
        path = source.get("path")
        if path is None or not os.path.isabs(path):
            return None
        for document in self._open_documents():
            file = self._file_of(session, document)
            if file is not None and file is session.files.get(key_of(path)):
                found = self._range(View(session, file, self._placement(session, file, document)), location)
                return None if found is None else types.Location(document.uri, found)
        uri = uris.from_fs_path(path)
        if uri is None:
            return None
        text = source.get("lines", {}).get(str(location["line"]), "")
        start = types.Position(location["line"] - 1, self._units(text, location.get("column")))
        return types.Location(uri, types.Range(start, start))

    # Answers

    def code_lenses(self, document: TextDocument) -> List[types.CodeLens]:
        """Return how many are in each function."""
        found = []
        for view in self.views(document):
            for line, group in sorted(self._functions(view).items()):
                arguments = [view.session.id, document.uri, line]
                found.append(
                    types.CodeLens(
                        self._whole_line(view.placement.lines, line), types.Command(lens(group), LIST, None, arguments)
                    )
                )
        return found

    def _functions(self, view: View) -> Dict[int, Group]:
        """Return who is in each function, by the lines of the document on which these begin."""
        found: Dict[int, Group] = {}
        for line, standings in view.standings():
            for standing in standings:
                start = view.placement.definition_of(standing.frame["name"], line)
                if start is not None:
                    if start not in found:
                        found[start] = Group(view.session, MOST_LISTED)
                    found[start].add(standing.shape)
        return found

    def inlay_hints(self, document: TextDocument, wanted: types.Range) -> List[types.InlayHint]:
        """Return who is on each line."""
        found = []
        for view in self.views(document):
            for line, standings in view.standings():
                if not wanted.start.line <= line - 1 <= wanted.end.line:
                    continue
                tops = [each.shape for each in standings if each.is_top]
                others = [each.shape for each in standings if not each.is_top and each.shape not in set(tops)]
                texts = []
                for shapes, is_top in ((tops, True), (others, False)):
                    group = merged(view.session, shapes, MOST_NAMES)
                    if group.size:
                        texts.append(hint(group, is_top=is_top))
                found.append(
                    types.InlayHint(
                        self._end_of(view.placement.lines, line),
                        "  ".join(texts),
                        padding_left=True,
                        # For clients that know the snapshot, too: what it calls the line.
                        data={"sessionId": view.session.id, "line": standings[0].frame["location"]["line"]},
                    )
                )
        found.sort(key=lambda each: each.position.line)
        return found

    def hover(self, document: TextDocument, position: types.Position) -> Optional[Tuple[str, types.Range]]:
        """Return all that is known about a line, as text."""
        line = position.line + 1
        parts: List[str] = []
        for view in self.views(document):
            # The innermost managers stand in the stack of whoever is on the line; others are told by their item.
            blocks = self._blocks_at(view, position)
            parts += block_lines(view.session, blocks)
            standings = [
                each
                for number in view.file.standings
                for each in view.file.standings[number]
                if view.covers(each.frame["location"], line)
            ]
            tops = [each.shape for each in standings if each.is_top]
            group = merged(view.session, [*tops, *[each.shape for each in standings]], MOST_TOLD)
            if group.size:
                if parts:
                    parts.append("")
                title = lens(group)
                parts.append((title if tops else title.replace(" here", " in what is called here", 1)) + ":")
                for index, activity in enumerate(group.activities):
                    parts += details(view.session, activity, with_stack=index < MOST_NAMES)
                if group.size > len(group.activities):
                    parts.append(f"... and {group.size - len(group.activities)} more")
        lines = self.lines_of(document)
        if not parts or line > len(lines):
            return None
        return "\n".join(parts), self._whole_line(lines, line)

    def _blocks_at(self, view: View, position: types.Position) -> List[Block]:
        found = []
        for blocks in view.file.blocks.values():
            for block in blocks:
                if not view.covers(block.location, position.line + 1):
                    continue
                place = self._range(view, block.location)
                # Several items may stand on one line.
                if place is not None and (
                    "column" not in block.location or place.start.line != place.end.line or _contains(place, position)
                ):
                    found.append(block)
        return found

    def diagnostics(self, document: TextDocument) -> List[types.Diagnostic]:
        """Return the findings whose steps are in a document."""
        found: Dict[Tuple[str, int, int], types.Diagnostic] = {}
        for view in self.views(document):
            for finding in view.session.findings:
                steps = _places(view.session, finding)
                for index, (_, location) in enumerate(steps):
                    source = view.session.sources[location["source"]].get("path", "")
                    if view.session.files.get(key_of(source)) is not view.file:
                        continue
                    place = self._range(view, location)
                    if place is None:
                        continue
                    key = finding["text"], place.start.line, place.start.character
                    if key in found or len(found) >= MOST_DIAGNOSTICS:
                        continue
                    is_warning = finding["kind"] in _WARNINGS
                    found[key] = types.Diagnostic(
                        place,
                        finding_line(finding),
                        types.DiagnosticSeverity.Warning if is_warning else types.DiagnosticSeverity.Information,
                        code=clean(finding["kind"], 40),
                        source=SOURCE,
                        related_information=self._related(view.session, [*steps[:index], *steps[index + 1 :]]),
                    )
        return list(found.values())

    def _related(
        self, session: Session, steps: Sequence[Tuple[str, Location]]
    ) -> List[types.DiagnosticRelatedInformation]:
        found = []
        for text, location in steps[:MOST_LISTED]:
            place = self._location(session, location)
            if place is not None:
                found.append(types.DiagnosticRelatedInformation(place, clean(text)))
        return found

    def symbols(self, query: str) -> List[types.WorkspaceSymbol]:
        """Return the activities whose names contain a text, each where it is."""
        query = query.casefold()
        found: List[types.WorkspaceSymbol] = []
        for session in self.sessions.values():
            for activity in session.activities.values():
                if query in activity["name"].casefold():
                    place = self._location(session, session.place_of(activity))
                    if place is not None:
                        container = f"{SOURCE}: {clean(activity['kind'], 20)} {wait_line(session, activity)}"
                        found.append(
                            types.WorkspaceSymbol(
                                place, name_of(activity), types.SymbolKind.Event, container_name=container
                            )
                        )
                        if len(found) >= MOST_SYMBOLS:
                            return found
        return found

    def references(self, document: TextDocument, position: types.Position) -> List[types.Location]:
        """Return where those stand that are in the function which is named at a position."""
        found: Dict[int, types.Location] = {}
        for view in self.views(document):
            start = self._function_at(view, position)
            for line, standings in view.standings() if start is not None else ():
                for standing in standings:
                    if line not in found and view.placement.definition_of(standing.frame["name"], line) == start:
                        place = self._range(view, standing.frame["location"])
                        if place is not None:
                            found[line] = types.Location(document.uri, place)
        return [found[line] for line in sorted(found)]

    def _function_at(self, view: View, position: types.Position) -> Optional[int]:
        """Return the line on which the function begins that is named at a position."""
        lines = view.placement.lines
        if position.line >= len(lines):
            return None
        functions = self._functions(view)
        if position.line + 1 in functions:
            return position.line + 1
        word = self._word_at(lines[position.line], position.character)
        named = (
            [line for line in functions if re.search(rf"\bdef\s+{re.escape(word)}\b", lines[line - 1])] if word else []
        )
        # Of several functions of that name, nothing tells which is meant.
        return named[0] if len(named) == 1 else None

    def _word_at(self, text: str, character: int) -> str:
        for match in _WORD.finditer(text):
            if self._length(text[: match.start()]) <= character <= self._length(text[: match.end()]):
                return match[0]
        return ""

    def listing(self, session_id: object, uri: object, line: object) -> str:
        """Return who is in the function that begins on a line of a document."""
        session = self.sessions.get(session_id) if isinstance(session_id, str) else None
        if session is None or self.workspace is None or not isinstance(uri, str):
            return "The program goes on."
        group = self._function(session, uri, line)
        return "Nothing stands there." if group is None else listing(session, group)

    def members(self, session_id: object, uri: object, line: object) -> List[str]:
        """Return the identifiers of the activities in the function that begins on a line of a document."""
        session = self.sessions.get(session_id) if isinstance(session_id, str) else None
        if session is None or self.workspace is None or not isinstance(uri, str):
            return []
        group = self._function(session, uri, line)
        shapes = () if group is None else group.shapes
        return [each["id"] for shape in shapes for each in session.summaries[shape].activities]

    def _function(self, session: Session, uri: str, line: object) -> Optional[Group]:
        assert self.workspace is not None
        for view in self.views(self.workspace.get_text_document(uri)):
            group = self._functions(view).get(line) if isinstance(line, int) and view.session is session else None
            if group is not None:
                return group
        return None

    def why(self) -> str:
        """Return all findings as text."""
        lines = [finding_line(each) for session in self.sessions.values() for each in session.findings]
        if lines:
            return "\n".join(lines)
        return "Nothing is known to be stuck." if self.sessions else "There is no snapshot."

    # Call hierarchy

    def prepared(self, document: TextDocument, position: types.Position) -> List[types.CallHierarchyItem]:
        """Return the activities that are on a line, or in the function that begins there."""
        found = []
        line = position.line + 1
        for view in self.views(document):
            shapes = [
                each.shape
                for number in view.file.standings
                for each in view.file.standings[number]
                if view.covers(each.frame["location"], line)
            ]
            group = merged(view.session, shapes, MOST_LISTED)
            start = None if group.size else self._function_at(view, position)
            if start is not None:
                group = self._functions(view)[start]
            found += [self._item(view.session, each) for each in group.activities[:MOST_LISTED]]
        return [each for each in found if each is not None]

    def _item(self, session: Session, activity: SavedActivity) -> Optional[types.CallHierarchyItem]:
        place = self._location(session, session.place_of(activity))
        if place is None:
            return None
        return types.CallHierarchyItem(
            name_of(activity),
            types.SymbolKind.Event,
            place.uri,
            place.range,
            place.range,
            detail=row(session, activity),
            data={"sessionId": session.id, "activityId": activity["id"]},
        )

    def waiting_for(self, item: types.CallHierarchyItem) -> List[types.CallHierarchyIncomingCall]:
        """Return who waits for an activity."""
        session, activity = self._of_item(item)
        if session is None or activity is None:
            return []
        items = [self._item(session, session.activities[each]) for each in session.waiting_for[activity["id"]]]
        found = [each for each in items[:MOST_SYMBOLS] if each is not None]
        return [types.CallHierarchyIncomingCall(each, [each.range]) for each in found]

    def needed_by(self, item: types.CallHierarchyItem) -> List[types.CallHierarchyOutgoingCall]:
        """Return whom an activity waits for."""
        session, activity = self._of_item(item)
        if session is None or activity is None:
            return []
        ids = dict.fromkeys(session.needed_by(activity["id"]))
        found = [self._item(session, session.activities[each]) for each in list(ids)[:MOST_SYMBOLS]]
        # What it is called from is where the one that calls stands.
        return [types.CallHierarchyOutgoingCall(each, [item.range]) for each in found if each is not None]

    def _of_item(self, item: types.CallHierarchyItem) -> Tuple[Optional[Session], Optional[SavedActivity]]:
        data: Any = item.data
        values = [
            data.get(key) if isinstance(data, dict) else getattr(data, key, None) for key in ("sessionId", "activityId")
        ]
        session = self.sessions.get(str(values[0]))
        return session, session.activities.get(str(values[1])) if session is not None else None


def _contains(place: types.Range, position: types.Position) -> bool:
    return place.start.character <= position.character <= place.end.character


def _places(session: Session, finding: FindingInfo) -> List[Tuple[str, Location]]:
    """Return what each activity of a finding does, and where."""
    found: List[Tuple[str, Location]] = []
    told = set()
    for step in finding["steps"]:
        activity = session.activities.get(step["activityId"])
        location = step.get("location") or (session.place_of(activity) if activity is not None else None)
        told.add(step["activityId"])
        if location is not None:
            found.append((step["text"], location))
    for each in finding["activityIds"][:MOST_LISTED]:
        activity = session.activities.get(each)
        location = session.place_of(activity) if activity is not None and each not in told else None
        if activity is not None and location is not None:
            found.append((row(session, activity), location))
    # The place of a step has a line only; that of its activity is more precise.
    return [(text, _precise(session, finding, location)) for text, location in found]


def _precise(session: Session, finding: FindingInfo, location: Location) -> Location:
    if "column" not in location:
        for each in finding["activityIds"][:MOST_LISTED]:
            activity = session.activities.get(each)
            place = session.place_of(activity) if activity is not None else None
            if place is not None and (place["source"], place.get("line")) == (location["source"], location.get("line")):
                return place
    return location


def _lines_on_disk(document: TextDocument) -> List[str]:
    """Return the lines of the file that a document is opened from; none if it cannot be read."""
    path = uris.to_fs_path(document.uri)
    try:
        if path is None:
            return []
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_FILE:
            return []
        with tokenize.open(path) as file:
            return file.read().split("\n")
    except (OSError, SyntaxError, UnicodeDecodeError, ValueError):
        return []
