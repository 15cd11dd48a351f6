"""gevent: its own frames are hidden; its greenlets are found as greenlets; what its locks and timeouts tell."""

from __future__ import annotations

import types
from typing import Optional

from ..._objects import get_field, module_field
from ..._stacks.customize import register_elaborate_context
from .._describing import describe_by
from .._hiding import hide_package
from ..greenlet.greenlets import greenlet_at, name_of_greenlet
from ..threading.hooks import stand_ins


def install(module: types.ModuleType) -> None:
    hide_package("gevent")
    # What it puts in the place of a thread has the identity of its greenlet as the identifier (``get_ident`` in
    # gevent/thread.py).
    stand_ins.append(greenlet_at)


def install_locks(module: types.ModuleType) -> None:
    register_elaborate_context(module_field(module, "Semaphore"))(describe_by(_semaphore))
    register_elaborate_context(module_field(module, "RLock"))(describe_by(_rlock))


def install_timeouts(module: types.ModuleType) -> None:
    register_elaborate_context(module_field(module, "Timeout"))(describe_by(_timeout))


def _semaphore(semaphore: object) -> Optional[str]:
    # Who waits cannot be told: that list is in the C structure alone.
    counter = get_field(semaphore, "counter")
    return f"value {counter}" if type(counter) is int else None


def _rlock(lock: object) -> Optional[str]:
    owner, count = get_field(lock, "_owner"), get_field(lock, "_count")
    if type(count) is not int:
        return None
    if owner is None or not count:
        return "not locked"
    return f"held by {name_of_greenlet(owner)}" + (f" {count} times" if count > 1 else "")


def _timeout(timeout: object) -> Optional[str]:
    # What is left of it cannot be told without asking the loop.
    seconds = get_field(timeout, "seconds")
    if seconds is None:
        return "no deadline"
    return f"Timeout({seconds})" if type(seconds) is int or type(seconds) is float else None


HOOKS = {"gevent": install, "gevent.lock": install_locks, "gevent.timeout": install_timeouts}
