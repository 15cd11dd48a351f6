"""Threads as roots of stacks, and what their locks say about themselves."""

from __future__ import annotations

import collections
import re
import sys
import types
from _thread import RLock as CRLock, allocate_lock
from typing import Any, Callable, Dict, List, Optional, cast

from ..._objects import class_attribute, describe, exact_str, get_field, is_a, module_field, mro_of, simple_type_name
from ..._stacks.customize import Target, customize, register_elaborate_context, register_root
from ..._stacks.follow import CallersUnknown, Ended, thread_frames
from .._describing import describe_by

#: Each returns what stands in for a thread with an identifier that is no thread's number, or None.
stand_ins: List[Callable[[int], Target]] = []
_RLOCK_REPR = re.compile(r"owner=(\d+) count=(\d+)")


def install(module: types.ModuleType) -> None:
    thread = module_field(module, "Thread")
    for name in ("_bootstrap", "_bootstrap_inner", "run"):
        function = class_attribute(thread, name)
        if function is not None:
            customize(cast(Callable[..., object], function), skip_frame=True)
    # gevent puts a subclass of it in its place, which the main thread is no instance of.
    register_root(mro_of(thread)[-2])(frames_of_thread)
    register_elaborate_context(type(allocate_lock()))(describe_by(_lock))
    register_elaborate_context(CRLock)(describe_by(_c_rlock))
    register_elaborate_context(module_field(module, "_RLock"))(describe_by(_py_rlock))
    register_elaborate_context(module_field(module, "Condition"))(describe_by(_condition))
    register_elaborate_context(module_field(module, "Semaphore"))(describe_by(_semaphore))


def frames_of_thread(thread: object) -> Target:
    """Return the frames of a `threading.Thread`.

    Where a library puts something else in the place of threads, that is returned.

    :raises Ended: if it has not begun or has ended.
    """
    ident = get_field(thread, "_ident")
    # Threads that begin are in the latter until they are active.
    if type(ident) is not int or any(each is thread for each in tuple(_threads_in("_limbo"))):
        raise Ended("the thread has not begun")
    # The identifier of a thread that has ended can be in use again.
    if _threads_in("_active").get(ident) is not thread:
        raise Ended("the thread has ended")
    problems: List[CallersUnknown] = []
    frames = thread_frames(ident, problems)
    if frames or problems:
        return (*problems, *frames)
    return next((found for found in [find(ident) for find in stand_ins] if found is not None), None)


def thread_name(ident: int) -> str:
    """Return the name of the thread with the identifier *ident* (`threading.get_ident`)."""
    thread = _threads_in("_active").get(ident)
    name = None if thread is None else exact_str(get_field(thread, "_name"))
    return name or f"thread {ident}"


def _threads_in(name: str) -> Dict[Any, object]:
    """Return the threads that are active, or in limbo, as `threading` has them."""
    module = sys.modules.get("threading")
    found = None if module is None else module_field(module, name)
    return cast(Dict[Any, object], found) if type(found) is dict else {}


def describe_lock(lock: object) -> Optional[str]:
    """Describe a lock of `threading`, such as ``RLock held by MainThread``; None if it is none of them."""
    for cls, function in ((type(allocate_lock()), _lock), (CRLock, _c_rlock)):
        if is_a(lock, cls):
            return function(lock)
    return _py_rlock(lock)


def _lock(lock: object) -> str:
    locked = type(allocate_lock()).locked(lock)  # type: ignore[arg-type]
    return ("locked " if locked else "free ") + _name(lock, "Lock")


def rlock_owner(lock: object) -> Optional[int]:
    """Return the number of the thread that holds an RLock, 0 if none does, None if that cannot be told."""
    if type(lock) is CRLock:
        match = _RLOCK_REPR.search(CRLock.__repr__(lock))
        return int(match[1]) if match is not None else None
    owner, count = get_field(lock, "_owner"), get_field(lock, "_count")
    if type(count) is not int:
        return None
    return owner if count and type(owner) is int else 0


def _c_rlock(lock: object) -> Optional[str]:
    # Modules/_threadmodule.c: rlock_repr() is the only way to its owner, and asks nothing of the program.
    match = _RLOCK_REPR.search(CRLock.__repr__(cast(CRLock, lock)))
    return None if match is None else _held(_name(lock, "RLock"), int(match[1]), int(match[2]))


def _py_rlock(lock: object) -> Optional[str]:
    owner, count = get_field(lock, "_owner"), get_field(lock, "_count")
    if type(count) is not int:
        return None
    return _held(_name(lock, "RLock"), owner if type(owner) is int else 0, count)


def _held(name: str, owner: int, count: int) -> str:
    if not count:
        return f"free {name}"
    return f"{name} held by {thread_name(owner)}" + (f" {count} times" if count > 1 else "")


def _name(lock: object, usual: str) -> str:
    """Return the name of the lock's class, unless it is one of those that everybody knows under their factory's."""
    name = simple_type_name(type(lock))
    return usual if name in ("lock", "_RLock") else name


def _condition(condition: object) -> str:
    lock, waiters = get_field(condition, "_lock"), get_field(condition, "_waiters")
    waiting = len(waiters) if type(waiters) is collections.deque else 0
    return f"{simple_type_name(type(condition))} of {describe_lock(lock) or describe(lock)}, {waiting} waiting"


def _semaphore(semaphore: object) -> Optional[str]:
    value = get_field(semaphore, "_value")
    return f"{simple_type_name(type(semaphore))} with value {value}" if type(value) is int else None
