"""Tasks of curio: those of every kernel that runs in a thread (curio/kernel.py and curio/task.py of curio 1.6)."""

from __future__ import annotations

import types
from typing import Any, Dict, List, Optional, Tuple, cast

from ..._frames import local_variable
from ..._model import ActivityState
from ..._objects import class_attribute, exact_str, get_field, is_a, module_field
from ..._snapshot.sets import imported
from ..._snapshot.source import (
    Group,
    ThreadRecord,
    frames_of,
    is_unstarted,
)
from .._kernel import KernelTasks

_KERNEL = "curio.kernel"


class CurioTasks(KernelTasks):
    """The source of curio's tasks."""

    framework = "curio"

    def __init__(self, threads: Dict[int, ThreadRecord]) -> None:
        super().__init__(threads)
        #: By kernel (its identity; the groups keep it alive) and number.
        self._tasks: Dict[Tuple[int, int], object] = {}

    def groups(self) -> List[Group]:
        module = imported(_KERNEL)
        kernel_class: Any = module_field(module, "Kernel") if module is not None else None
        run = class_attribute(kernel_class, "run") if kernel_class is not None else None
        groups = []
        for ident, frame in frames_of(self.threads, run.__code__) if type(run) is types.FunctionType else ():
            kernel = local_variable(frame, "self")
            table = get_field(kernel, "_tasks") if is_a(kernel, kernel_class) else None
            members = tuple(table.values()) if type(table) is dict else ()
            for task in members:
                self._tasks[id(kernel), _number(task)] = task
            groups.append(Group(self, ident, kernel, members))
        return groups

    def moment_of(self, obj: object) -> Optional[object]:
        return cast(Optional[object], get_field(obj, "cycles"))  # how often it has been resumed

    def state_of(self, task: object, coroutine: object) -> ActivityState:
        state = exact_str(get_field(task, "state"))
        if state == "TERMINATED":
            return "done"
        if is_unstarted(coroutine):
            return "created"
        return "ready" if state == "READY" else "suspended"

    def is_cancelled(self, task: object) -> bool:
        return get_field(task, "cancel_pending") is not None

    def parent_of(self, task: object, group: Group) -> Optional[object]:
        number = get_field(task, "parentid")
        return self._tasks.get((id(group.loop), number)) if type(number) is int else None


def _number(task: object) -> int:
    number = get_field(task, "id")
    return number if type(number) is int else -1
