"""Coroutines, generators and async generators that nothing runs and nothing awaits, found among all objects."""

from __future__ import annotations

import opcode
import sys
from typing import Any, Dict, Iterable, List, Optional, Set, cast

from .._heap import frozen, instances
from .._model import Activity, ActivityKind, ActivityState, Traceback
from .._objects import exact_str
from .._stacks.customize import awaitables
from .source import (
    AsyncGenerator,
    Coroutine,
    Generator,
    Group,
    Listing,
    Source,
    frame_of,
    is_unstarted,
    leaf_types,
)

_KINDS: Dict[int, ActivityKind] = {
    id(Coroutine): "coroutine",
    id(Generator): "generator",
    id(AsyncGenerator): "async_generator",
}
#: More hooks than lead from one awaitable to the coroutine inside it.
_MAX_UNWRAPS = 100
_RETURN_GENERATOR = opcode.opmap.get("RETURN_GENERATOR")


class LooseObjects(Source):
    """The source of coroutines never awaited or left suspended, and of suspended generators and async generators.

    :param roots: identities of the coroutines that tasks run.
    :param only_new: whether only coroutines are wanted that have not begun, so that nothing awaits them for sure. That
        takes a fraction of the time.
    """

    kind: ActivityKind = "coroutine"
    framework = "python"

    def __init__(self, roots: Iterable[int], *, only_new: bool = False) -> None:
        super().__init__()
        if frozen():
            self.notes.append("Coroutines and generators that were made before gc.freeze() are missing.")
        inside: Set[int] = set(roots)
        if only_new:
            coroutines = instances((Coroutine,))
            self._found = [each for each in coroutines if is_unstarted(each) and id(each) not in inside]
            return
        found: List[Any] = instances((Coroutine, Generator, AsyncGenerator))
        for owner in found:
            awaited = _awaited_by(owner)
            if awaited is not None:
                inside.add(id(awaited))
        self._found = [owner for owner in found if id(owner) not in inside and _is_waiting(owner)]

    def groups(self) -> List[Group]:
        found, self._found = self._found, []
        return [Group(self, None, None, found)] if found else []

    def root_of(self, obj: object) -> Optional[object]:
        return obj

    def name_of(self, obj: object) -> Optional[str]:
        return exact_str(cast(Any, obj).__qualname__)

    def describe(self, obj: object, group: Group, listing: Listing, traceback: Optional[Traceback]) -> Activity:
        owner: Any = obj
        kind = _KINDS[id(type(owner))]
        _, tops, signature = listing.survey(owner)
        state: ActivityState = "suspended"
        if frame_of(owner) is None:
            state = "done"
        elif _is_running(owner):
            state = "running"
        elif _is_new(owner):
            state = "created"
        return Activity(
            kind=kind,
            framework="python",
            id=listing.id_of(owner, kind),
            name=exact_str(owner.__qualname__) or "?",
            state=state,
            target=owner,
            top=tops.top,
            traceback=traceback,
            signature=signature,
            innermost=tops.innermost,
        )


def _awaited_by(owner: Any) -> Optional[object]:
    """Return the coroutine, generator or async generator that *owner* waits for, if it does."""
    kind = type(owner)
    awaited = owner.cr_await if kind is Coroutine else owner.gi_yieldfrom if kind is Generator else owner.ag_await
    for _ in range(_MAX_UNWRAPS):
        kind = type(awaited)
        if kind is Coroutine or kind is Generator or kind is AsyncGenerator:
            return awaited  # type: ignore[no-any-return]
        unwrap = awaitables.find(kind) if awaited is not None and id(kind) not in leaf_types else None
        if unwrap is None:
            return None
        try:
            awaited = unwrap(awaited)
        except Exception:
            return None
    return None


def _is_running(owner: Any) -> bool:
    kind = type(owner)
    if kind is AsyncGenerator:
        return bool(owner.ag_running) and owner.ag_await is None
    return bool(owner.cr_running if kind is Coroutine else owner.gi_running)


def _is_new(owner: Any) -> bool:
    """Return whether it has not run yet."""
    if type(owner) is not AsyncGenerator:
        return is_unstarted(owner)
    suspended = getattr(owner, "ag_suspended", None)  # CPython 3.12
    if suspended is not None:
        return not suspended
    frame: Any = owner.ag_frame
    if frame is None or frame.f_lasti < 0:
        return frame is not None
    return bool(sys.implementation.name == "cpython" and frame.f_code.co_code[frame.f_lasti] == _RETURN_GENERATOR)


def _is_waiting(owner: Any) -> bool:
    if frame_of(owner) is None or _is_running(owner):
        return False
    return type(owner) is Coroutine or not _is_new(owner)
