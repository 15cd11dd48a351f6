"""The helper inside the debugged process: load it, ask it.

What the functions return has the types of `dap_extension.protocol`; pages are put together, and stacks expanded.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Protocol, Sequence, TypedDict, cast

from ...payload import payload_expression, payload_key
from ...protocol import (
    HANDSHAKE,
    MAX_PAGE,
    PROTOCOL_VERSION,
    SNAPSHOT,
    STACKS,
    Handshake,
    Json,
    SnapshotResponse,
    SourceRef,
    StacksArguments,
    StacksResponse,
    split_error_message,
)
from .dap import DapError, RequestFailed
from .shapes import ExpandedStacks, expand_stacks

if TYPE_CHECKING:
    from typing_extensions import NotRequired

#: Seconds for one request. Loading the helper compiles it; a page is limited by the helper's own budget.
TIMEOUT = 60.0
_INTRODUCTION: Json = {"client": "asynctb"}
# How often a snapshot of a running program is begun anew because the program changed under it.
_ATTEMPTS = 3


class HelperError(DapError):
    """The helper cannot be loaded, or answered with an error. `code` is the protocol's error code, if there is one."""

    def __init__(self, message: str, code: Optional[str] = None) -> None:
        self.code = code
        super().__init__(message)

    @property
    def program_ended(self) -> bool:
        """Whether it is debugpy's adapter that answered, because the program has gone."""
        return "disconnected unexpectedly" in str(self)


class Capture(TypedDict):
    """Everything that is to know about a program at one moment: what ``--json`` prints for each stop."""

    handshake: Handshake
    #: The DAP ``stopped`` event's body, and the frame that the program stopped in; None if it was not paused.
    stop: Optional[Json]
    #: When the snapshot was taken, in seconds since 1970.
    time: float
    #: All activities.
    snapshot: SnapshotResponse
    #: Their stacks, in the same order. It has `sources` of its own.
    stacks: ExpandedStacks
    #: The same stacks as the helper sent them, for what is the same for all that have the same shape. Not printed.
    shared: NotRequired[StacksResponse]
    #: If it comes from a snapshot file: when and by what that was written.
    saved: NotRequired[str]


class Connection(Protocol):
    """Where requests go, such as a `DapClient`."""

    def request(self, command: str, arguments: Optional[Json] = None, *, timeout: float = ...) -> Json: ...


class Helper:
    """The helper in one program. One object per connection."""

    def __init__(self, client: Connection) -> None:
        self._client = client
        self._handshake: Optional[Handshake] = None

    def load(self) -> Handshake:
        """Load the helper into the program, unless this was done before, and return what it says about itself.

        :raises HelperError: if it cannot run there.
        """
        if self._handshake is None:
            handshake = self._handshake_of_same()
            if handshake is None:
                expression = payload_expression()
                try:
                    self._client.request("evaluate", {"expression": expression, "context": "repl"}, timeout=TIMEOUT)
                except RequestFailed as error:
                    # The last line of a traceback says what it was.
                    reason = error.text.strip().rpartition("\n")[2]
                    raise HelperError(f"the helper could not be loaded into the program: {reason}") from error
                handshake = cast(Handshake, self._request(HANDSHAKE, _INTRODUCTION))
            if handshake["protocolVersion"] != PROTOCOL_VERSION:
                raise HelperError(
                    f"the program already has the helper of asynctb {handshake['helperVersion']}, which speaks "
                    f"version {handshake['protocolVersion']} of the protocol, not {PROTOCOL_VERSION}: "
                    "use that version of asynctb, or restart the program"
                )
            self._handshake = handshake
        return self._handshake

    def _handshake_of_same(self) -> Optional[Handshake]:
        """Return the handshake of a helper made of our own sources that the program has already, or None."""
        try:
            handshake = cast(Handshake, self._client.request(HANDSHAKE, _INTRODUCTION, timeout=TIMEOUT))
        except RequestFailed:
            return None
        return handshake if handshake.get("helperKey") == payload_key() else None

    def snapshot(self) -> SnapshotResponse:
        """Return a new snapshot with all its pages."""
        result = cast(SnapshotResponse, self._ask(SNAPSHOT, {}))
        merger = _Sources(result["sources"])
        activities = result["activities"]
        while len(activities) < result["total"]:
            start = result["start"] + len(activities)
            page = cast(SnapshotResponse, self._ask(SNAPSHOT, {"snapshotId": result["snapshotId"], "start": start}))
            if not page["activities"]:
                raise HelperError(f"the helper sent {start} of {result['total']} activities")
            merger.add(page["sources"], page["activities"])
            result["notes"] = list(dict.fromkeys([*result["notes"], *page["notes"]]))
            activities.extend(page["activities"])
        return result

    def stacks(
        self,
        snapshot_id: int,
        activity_ids: Sequence[str],
        progress: Optional[Callable[[int, int], object]] = None,
        *,
        hooks: bool = True,
    ) -> ExpandedStacks:
        """Return the stacks of activities of a snapshot.

        :param progress: called now and then with how many there are, of how many.
        :param hooks: whether hooks may change them.
        """
        return _expanded(self._stacks(snapshot_id, activity_ids, progress, hooks))

    def _stacks(
        self,
        snapshot_id: int,
        activity_ids: Sequence[str],
        progress: Optional[Callable[[int, int], object]] = None,
        hooks: bool = True,
    ) -> StacksResponse:
        result: StacksResponse = {"snapshotId": snapshot_id, "stacks": [], "shapes": [], "sources": []}
        merger = _Sources(result["sources"])
        stacks, shapes = result["stacks"], result["shapes"]
        indexes: Dict[str, int] = {}
        while len(stacks) < len(activity_ids):
            wanted = list(activity_ids[len(stacks) : len(stacks) + MAX_PAGE])
            arguments: StacksArguments = {"snapshotId": snapshot_id, "activityIds": wanted}
            if not hooks:
                arguments["hooks"] = False
            page = cast(StacksResponse, self._ask(STACKS, {**arguments}))
            if not page["stacks"]:
                raise HelperError(f"the helper sent the stacks of {len(stacks)} of {len(activity_ids)} activities")
            merger.add(page["sources"], page["shapes"])
            known = []
            for shape in page["shapes"]:
                known.append(indexes.setdefault(json.dumps(shape), len(shapes)))
                if known[-1] == len(shapes):
                    shapes.append(shape)
            for entry in page["stacks"]:
                if "shape" in entry:
                    entry["shape"] = known[entry["shape"]]
            stacks.extend(page["stacks"])
            if progress is not None:
                progress(len(stacks), len(activity_ids))
        return result

    def capture(
        self,
        stop: Optional[Json] = None,
        *,
        progress: Optional[Callable[[int, int], object]] = None,
        hooks: bool = True,
    ) -> Capture:
        """Return every activity with its stack.

        :param stop: the ``stopped`` event's body, if the program is paused.
        :param progress: called now and then with how many stacks there are, of how many.
        :param hooks: whether hooks may change the stacks.
        """
        handshake = self.load()
        for attempt in range(_ATTEMPTS):
            try:
                moment = time.time()
                snapshot = self.snapshot()
                ids = [activity["id"] for activity in snapshot["activities"]]
                shared = self._stacks(snapshot["snapshotId"], ids, progress, hooks)
                break
            except HelperError as error:
                if error.code != "staleSnapshot" or attempt == _ATTEMPTS - 1:
                    raise
        return {
            "handshake": handshake,
            "stop": stop,
            "time": moment,
            "snapshot": snapshot,
            "stacks": _expanded(shared),
            "shared": shared,
        }

    def _ask(self, command: str, arguments: Json) -> Json:
        """Return the answer to a request that can be large."""
        if self._handshake is None or not self._handshake["capabilities"].get("asText"):
            return self._request(command, arguments)
        # Nobody looks into a frame when the answer has been printed.
        options: Json = {"asText": True, **({"frameIds": False} if command == STACKS else {})}
        answer: Json = json.loads(self._request(command, {**arguments, **options})["text"])
        return answer

    def _request(self, command: str, arguments: Json) -> Json:
        try:
            return self._client.request(command, arguments, timeout=TIMEOUT)
        except RequestFailed as error:
            text = split_error_message(error.text)[1]
            raise HelperError(f"{command}: {text}", error.code) from error


def _expanded(shared: StacksResponse) -> ExpandedStacks:
    return {"snapshotId": shared["snapshotId"], "stacks": expand_stacks(shared), "sources": shared["sources"]}


class _Sources:
    """Makes pages share one list of sources: locations are indexes into it."""

    def __init__(self, sources: List[SourceRef]) -> None:
        self._sources = sources
        self._indexes: Dict[Any, int] = {_source_key(source): index for index, source in enumerate(sources)}

    def add(self, sources: List[SourceRef], page: Sequence[Any]) -> None:
        """Add the sources of a page and change every location in *page* accordingly."""
        indexes: List[int] = []
        for source in sources:
            key = _source_key(source)
            if key not in self._indexes:
                self._indexes[key] = len(self._sources)
                self._sources.append(source)
            indexes.append(self._indexes[key])
        # Without recursion: stacks nest as deep as the program's context managers do.
        pending: List[Any] = list(page)
        while pending:
            value = pending.pop()
            if isinstance(value, dict):
                location = value.get("location")
                if location is not None:
                    location["source"] = indexes[location["source"]]
                pending.extend(item for item in value.values() if isinstance(item, (dict, list)))
            elif isinstance(value, list):
                pending.extend(value)


def _source_key(source: SourceRef) -> Any:
    return source.get("path"), source.get("sourceReference"), source.get("name")
