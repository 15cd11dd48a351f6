"""curio: tasks, task groups, timeouts and locks; its own frames are hidden."""

from __future__ import annotations

import sys
import time
import types
from typing import List, Optional, cast

import attrs

from ..._model import ContextInfo
from ..._objects import get_field, module_field
from ..._snapshot.sets import copy_set
from ..._stacks.customize import Target, Walk, register_elaborate_context, register_root
from .._describing import describe_by, waiting_text
from .._hiding import hide_package
from . import holders


def install(module: types.ModuleType) -> None:
    hide_package("curio")
    holders.install()
    register_root(_class("curio.task", "Task"))(lambda task: cast(Target, get_field(task, "coro")))
    register_elaborate_context(_class("curio.task", "TaskGroup"))(_group)
    for name, describe in (("Lock", _lock), ("Semaphore", _semaphore)):
        register_elaborate_context(_class("curio.sync", name))(describe_by(describe))
    register_elaborate_context(_class("curio.time", "_TimeoutAfter"))(describe_by(_timeout))


def _class(module_name: str, name: str) -> type:
    return cast(type, module_field(sys.modules[module_name], name))


def _group(context: ContextInfo, walk: Walk) -> ContextInfo:
    """List the tasks that run; those that have finished stay in the group until somebody takes their result."""
    tasks: List[object] = copy_set(get_field(context.manager, "_running"))
    tasks += copy_set(get_field(context.manager, "_daemonic"))
    tasks.sort(key=_number)
    description = "1 task" if len(tasks) == 1 else f"{len(tasks)} tasks"
    return attrs.evolve(context, description=description, children=tuple([walk.child(task) for task in tasks]))


def _number(task: object) -> int:
    number = get_field(task, "id")
    return number if type(number) is int else -1


def _waiting(lock: object) -> str:
    count = get_field(get_field(lock, "_waiting"), "_actual_len")
    return waiting_text(count if type(count) is int and count > 0 else 0)


def _lock(lock: object) -> str:
    return ("locked" if get_field(lock, "_acquired") is True else "not locked") + _waiting(lock)


def _semaphore(semaphore: object) -> Optional[str]:
    value = get_field(semaphore, "_value")
    return f"value {value}{_waiting(semaphore)}" if type(value) is int else None


def _timeout(timeout: object) -> Optional[str]:
    deadline = get_field(timeout, "_clock")  # of time.monotonic; before it is entered, a number of seconds from then on
    if type(deadline) is not float or get_field(timeout, "_deadlines") is None:
        return None
    left = deadline - time.monotonic()
    return f"{left:.1f} s left" if left > 0 else "expired"
