"""Tasks whose cancellation has been requested, of which their coroutines do not know yet: who has requested it."""

from __future__ import annotations

import types
from typing import Callable, List, Optional, cast

from ..._model import Wait
from ..._objects import class_attribute, exact_str, get_field, module_field
from ..._snapshot.sets import imported
from ..._stacks.extract import extract
from ..._waits.kinds import wait_for_cancellation
from .._known import nested_code
from .futures import Futures, closure_of

#: Looking at all blocks of a task takes its time; so this is done for so many of each listing.
_MOST_LOOKS = 100

#: Each gets the manager of a block, and returns in words what has requested a cancellation there, or None.
requesters: List[Callable[[object], Optional[str]]] = []


class Cancellations:
    """Who has requested the cancellations of tasks, for one listing."""

    def __init__(self, futures: Futures) -> None:
        self._futures = futures
        self._looks_left = _MOST_LOOKS
        groups, tasks = imported("asyncio.taskgroups"), imported("asyncio.tasks")
        group = module_field(groups, "TaskGroup") if groups is not None else None
        self._group_done = class_attribute(group, "_on_task_done") if group is not None else None
        codes = (
            [nested_code(module_field(tasks, name), "_done_callback") for name in ("gather", "_gather")]
            if tasks
            else []
        )
        #: The class of what gather() returns.
        self._gathering = module_field(tasks, "_GatheringFuture") if tasks is not None else None
        self._gathered = [code for code in codes if code is not None]

    def wait_of(self, task: object, parent: Optional[object]) -> Wait:
        """Return that *task* waits for its cancellation, with who has requested it as far as that is known.

        :param parent: the task that owns it, or alone awaits it.
        """
        return wait_for_cancellation(self._requester(task, parent))

    def _requester(self, task: object, parent: Optional[object]) -> Optional[str]:
        of = "" if parent is None else f" of task {self._futures.name_of(parent)}"
        for callback in self._futures.callbacks_of(task):
            if type(callback) is types.MethodType and callback.__func__ is self._group_done:
                if get_field(callback.__self__, "_aborting") is True:
                    return f"its task group{of}"
            elif type(callback) is types.FunctionType:
                variables = closure_of(callback)
                is_gathered = any(callback.__code__ is code for code in self._gathered)
                if is_gathered and self._is_cancelled(variables.get("outer")):
                    return f"the gather(){of}"
                by = _requester_in(variables.get("self"))  # that calls anyio's groups back
                if by is not None:
                    return by + of
        if not requesters or self._looks_left <= 0:
            return None
        self._looks_left -= 1
        # The outermost: those inside of it may have been left meanwhile.
        for info in extract(task, hooks=False, refreshed=True).frames:
            for context in info.contexts:
                by = _requester_in(context.manager)
                if by is not None:
                    return by
        return None

    def _is_cancelled(self, gathering: object) -> bool:
        """Return whether the future of a gather() has been cancelled, which it records in its instance dictionary.

        That of a class written in C, as that of futures, cannot be had by itself. It is looked up as any attribute is,
        but in a class whose attributes are known.
        """
        name = "_cancel_requested"
        if type(gathering) is not self._gathering or class_attribute(type(gathering), name) is not None:
            return False
        try:
            return object.__getattribute__(gathering, name) is True
        except AttributeError:
            return False


def _requester_in(manager: object) -> Optional[str]:
    return next((by for by in [find(manager) for find in requesters] if by is not None), None)


def install() -> None:
    """Register what asyncio's own blocks say."""
    requesters.append(_of_timeout)


def _of_timeout(manager: object) -> Optional[str]:
    module = imported("asyncio.timeouts")
    if module is None or type(manager) is not module_field(module, "Timeout"):
        return None
    state = cast(object, get_field(manager, "_state"))
    return "a timeout" if exact_str(get_field(state, "_name_")) == "EXPIRING" else None
