"""What tasks have in common that Python code switches: trio's and curio's are objects with a coroutine and a name."""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence

from .._model import Activity, ActivityKind, ActivityState, Traceback, Wait
from .._objects import get_field, type_name
from .._snapshot.source import Coroutine, Generator, Group, Listing, Owner, Source, ThreadRecord, running_state
from .._waits.kinds import wait_for_cancellation
from ._known import task_waits


class KernelTasks(Source):
    """The base of the sources of such tasks."""

    kind: ActivityKind = "task"

    def __init__(self, threads: Dict[int, ThreadRecord]) -> None:
        super().__init__()
        self.threads = threads

    def root_of(self, obj: object) -> Optional[object]:
        coroutine: Optional[object] = get_field(obj, "coro")
        return coroutine

    def name_of(self, obj: object) -> str:
        name = get_field(obj, "name")
        return name if type(name) is str else type_name(type(obj))

    def state_of(self, task: object, coroutine: object) -> ActivityState:
        """Return the state of a task that is not running, whether or not it has been cancelled."""
        raise NotImplementedError

    def is_cancelled(self, task: object) -> bool:
        """Return whether an exception for its cancellation is, or will be, raised in a task."""
        raise NotImplementedError

    def wait_for_cancellation(self, task: object) -> Wait:
        """Return that a task waits for its cancellation, which is on its way, with who has requested it."""
        return wait_for_cancellation(None)

    def parent_of(self, task: object, group: Group) -> Optional[object]:
        """Return the task that *task* is a child of, or None."""
        raise NotImplementedError

    def wait_of(self, task: object, owners: Sequence[Owner], listing: Listing) -> Optional[Wait]:
        """Return what *task*, with the stack *owners*, waits for, or None if that is not certain."""
        return task_waits.wait(owners)

    def describe(self, obj: object, group: Group, listing: Listing, traceback: Optional[Traceback]) -> Activity:
        coroutine: Any = self.root_of(obj)
        kind = type(coroutine)
        signature: Optional[int] = None
        wait: Optional[Wait] = None
        if (kind is Coroutine and coroutine.cr_running) or (kind is Generator and coroutine.gi_running):
            state, tops = running_state(coroutine, listing)
        else:
            owners, tops, signature = listing.survey(coroutine)
            state = self.state_of(obj, coroutine)
            if state == "suspended":
                wait = self.wait_of(obj, owners, listing)
            if state != "done" and self.is_cancelled(obj):
                if state == "ready":
                    wait = self.wait_for_cancellation(obj)
                state = "cancelling"
        thread = listing.thread(group.thread)
        parent = self.parent_of(obj, group)
        if parent is not None:
            parent_id: Optional[str] = listing.id_of(parent, "task")
        else:
            parent_id = thread.id if thread is not None else None
        return Activity(
            self.kind,
            self.framework,
            listing.id_of(obj, "task"),
            self.name_of(obj),
            state,
            obj,
            parent_id,
            thread.id if thread is not None else None,
            listing.id_of(group.loop, "loop") if group.loop is not None else None,
            wait,
            tops.top,
            traceback,
            signature=signature,
            innermost=tops.innermost,
        )
