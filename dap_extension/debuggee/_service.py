"""Answers the custom requests."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, List, Mapping, cast

from asynctb import __version__
from asynctb._frames import reader_mode, reader_notes
from asynctb._frameworks import _registry
from asynctb._model import Finding
from asynctb._output.fields import finding_fields
from asynctb._process import INSTANCE, describe_python
from asynctb._source import forget_files

from .. import protocol
from . import _pydevd, _requests
from ._breakpoints import Breakpoints, trace_suspended
from ._call_stack import CallStack
from ._errors import RequestError, evaluating
from ._hooks import program_hooks
from ._rows import mapped, unmapped
from ._serialize import Budget, Serializer, clip, internal_error
from ._shapes import ShapeTable
from ._snapshots import SnapshotStore, StoredSnapshot
from ._sources import SourceTable
from ._stacks import StackReader
from ._summary import find_activities, in_chunks, place_unknown
from ._wake import wake_loops

#: What one response may cost, in seconds and bytes; what did not fit comes in the next one.
PAGE_SECONDS = 1.0
PAGE_SIZE = 3_000_000
#: Rough size of an activity in JSON, without its top frame, in bytes.
ACTIVITY_SIZE = 400

#: Answers one request: arguments as they came in -> body of the response.
Answer = Callable[[_pydevd.Debugger, object], Mapping[str, Any]]


class Service:
    """The helper of this process.

    :param key: what identifies its sources.
    """

    def __init__(self, key: str) -> None:
        self._key = key
        self._process_id = os.getpid()
        self._snapshots = SnapshotStore()
        self._call_stack = CallStack()
        #: What takes our changes to the debugger back.
        self._undo: List[Callable[[], None]] = []
        self._answers: Dict[str, Answer] = {
            protocol.HANDSHAKE: self._handshake,
            protocol.SNAPSHOT: self._snapshot,
            protocol.STACKS: self._stacks,
            protocol.CONFIGURE: self._configure,
            protocol.FOCUS: self._focus,
        }

    def install(self) -> None:
        """Start to answer requests."""
        handlers = {command: self._handler(answer) for command, answer in self._answers.items()}
        _pydevd.install(self._key, handlers, self._uninstall)
        self._undo.append(_pydevd.wrap_request("pause", self._paused))
        self._undo += self._call_stack.install()
        self._undo += Breakpoints().install()

    def _uninstall(self) -> None:
        self._snapshots.clear()
        while self._undo:
            self._undo.pop()()
        _pydevd.uninstall(self._answers)

    def _handler(self, answer: Answer) -> _pydevd.Handler:
        def handle(py_db: _pydevd.Debugger, request: _pydevd.Request) -> None:
            if _pydevd.is_evaluating(py_db):
                _pydevd.respond_error(py_db, request, evaluating())
            else:
                _pydevd.post(py_db, lambda: self._respond(py_db, request, answer))

        return handle

    def _respond(self, py_db: _pydevd.Debugger, request: _pydevd.Request, answer: Answer) -> None:
        """Answer *request*, whatever happens: without an answer the adapter would wait for good."""
        try:
            try:
                if os.getpid() != self._process_id:
                    self._forked()
                body = program_hooks.around(py_db, lambda: answer(py_db, request.arguments))
                _pydevd.respond(py_db, request, body)
            except RequestError as error:
                _pydevd.respond_error(py_db, request, error)
        except BaseException as error:
            try:
                _pydevd.respond_error(py_db, request, internal_error(error))
            except BaseException:
                # There is nobody left to tell: pydevd's writer itself has failed, as it does at the end of a process.
                return
        finally:
            forget_files()

    def _forked(self) -> None:
        """Drop what was inherited from the process that this one was forked from."""
        self._process_id = os.getpid()
        self._snapshots.clear()
        self._call_stack.clear()

    def _paused(self, original: Callable[[], Any], py_db: _pydevd.Debugger, request: _pydevd.Request) -> Any:
        """Help a ``pause`` along."""
        answer = original()

        def wake() -> None:
            try:
                wake_loops(py_db)
            except BaseException:
                return  # then the program stops when it next does something, as without us

        _pydevd.post(py_db, wake)
        return answer

    def _handshake(self, py_db: _pydevd.Debugger, arguments: object) -> protocol.Handshake:
        _requests.parse_handshake(arguments)
        # What takes its time at first, so that the first stop does not wait for it.
        _registry.refresh()
        trace_suspended(py_db)  # for breakpoints that were set before
        return {
            "protocolVersion": protocol.PROTOCOL_VERSION,
            "helperVersion": __version__,
            "helperKey": self._key,
            "python": cast(protocol.PythonInfo, describe_python()),
            "processId": os.getpid(),
            "instance": INSTANCE,
            "capabilities": {
                "frameIds": True,
                "whileRunning": True,
                "wakesLoops": True,
                "callStack": True,
                "asText": True,
                "focus": True,
            },
            "contexts": reader_mode(),
            "notes": [clip(note) for note in (*reader_notes(), *_registry.notes(), *program_hooks.notes())],
        }

    def _snapshot(self, py_db: _pydevd.Debugger, arguments: object) -> Mapping[str, Any]:
        query = _requests.parse_snapshot(arguments)
        if query.snapshot_id is None:
            suspended = _pydevd.suspended_threads(py_db)
            snapshot = self._snapshots.add(find_activities(py_db, suspended), suspended)
        else:
            snapshot = self._snapshots.get(py_db, query.snapshot_id)
        found = snapshot.activities
        if query.start > found.total:
            raise RequestError("badRequest", f'"start" must be at most {found.total}, the number of activities')
        budget = Budget(PAGE_SECONDS, PAGE_SIZE)
        sources = SourceTable(py_db)
        serializer = Serializer(sources, ShapeTable(), budget, found.id_of, lambda frame: None)
        activities: List[protocol.ActivityInfo] = []
        notes: List[str] = []
        for row in in_chunks(found, query.start, query.limit):
            try:
                activities.append(row.to_wire(serializer.top, sources.location))
            except Exception as error:  # pydevd cannot make anything of a file name
                activities.append(row.info.copy())
                notes.append(clip(place_unknown(row.info["id"], error)))
            budget.spend(ACTIVITY_SIZE)
            if budget.used_up:
                break
        self._check_still(py_db, snapshot)
        body: protocol.SnapshotResponse = {
            "snapshotId": snapshot.id,
            "total": found.total,
            "start": query.start,
            "activities": activities,
            "sources": sources.sources,
            "paused": snapshot.paused,
            "notes": [*found.notes, *notes, *map(clip, program_hooks.notes())],
            "findings": [] if query.start else self._findings(found.findings, sources),
        }
        if query.start == 0:
            body["counts"] = found.counts
        return _pydevd.as_text(body) if query.as_text else body

    @staticmethod
    def _findings(findings: List[Finding], sources: SourceTable) -> List[protocol.FindingInfo]:
        found: List[protocol.FindingInfo] = []
        for finding in findings:
            data = cast(protocol.FindingInfo, finding_fields(finding, clip, unmapped))
            data["steps"] = [mapped(step, sources.location) for step in data["steps"]]
            found.append(data)
        return found

    def _stacks(self, py_db: _pydevd.Debugger, arguments: object) -> Mapping[str, Any]:
        query = _requests.parse_stacks(arguments)
        snapshot = self._snapshots.get(py_db, query.snapshot_id)
        budget = Budget(PAGE_SECONDS, PAGE_SIZE)
        sources, shapes = SourceTable(py_db), ShapeTable()
        reader = StackReader(py_db, snapshot, sources, shapes, budget, frame_ids=query.frame_ids, hooks=query.hooks)
        stacks: List[protocol.ActivityStack] = []
        for activity_id in query.activity_ids:
            try:
                stacks.append(reader.read(activity_id))
            except RequestError as error:
                if error.code == "timeout" and stacks:  # the client asks again for the rest
                    break
                raise
            if budget.used_up:
                break
        self._check_still(py_db, snapshot)
        body: protocol.StacksResponse = {
            "snapshotId": snapshot.id,
            "stacks": stacks,
            "shapes": shapes.shapes,
            "sources": sources.sources,
        }
        return _pydevd.as_text(body) if query.as_text else body

    def _check_still(self, py_db: _pydevd.Debugger, snapshot: StoredSnapshot) -> None:
        """Raise `RequestError` if the program went on while it was read: then what was read does not fit together."""
        self._snapshots.get(py_db, snapshot.id)

    def _focus(self, py_db: _pydevd.Debugger, arguments: object) -> protocol.FocusResponse:
        query = _requests.parse_focus(arguments)
        snapshot = self._snapshots.get(py_db, query.snapshot_id)
        row = snapshot.activities.find(query.activity_id)
        if row is None:
            raise RequestError("unknownActivity", "this snapshot has no such activity")
        reader = StackReader(py_db, snapshot, SourceTable(py_db), ShapeTable(), Budget(PAGE_SECONDS, PAGE_SIZE))
        host = reader.host(row)
        if host is None:
            raise RequestError("unknownActivity", "the debugger does not hold the thread of this activity")
        return {"threadId": self._call_stack.focus(py_db, row, host, query.frame_id, query.reason)}

    def _configure(self, py_db: _pydevd.Debugger, arguments: object) -> protocol.ConfigureResponse:
        return {"callStack": self._call_stack.configure(py_db, _requests.parse_configure(arguments))}
