"""What the locks, pools and timeouts of gevent say about who holds them, and when they end a wait."""

from __future__ import annotations

import gc
import types
from typing import Any, Dict, List, Optional, Sequence, Tuple, cast

from ..._heap import instances, with_subclasses
from ..._objects import get_field, instance_dict, is_a, module_field
from ..._snapshot.sets import copy_set, imported
from ..._waits.facts import (
    Held,
    called_from_outside,
    cancelling_timers,
    deadline_of_block,
    fuller_words,
    held_by,
    unseen_by_collector,
)
from ..threading.waits import words_of_process, words_of_queue


def _install_locks(module: types.ModuleType) -> None:
    held_by.register(cast(type, module_field(module, "Semaphore")), _semaphore)
    held_by.register(cast(type, module_field(module, "RLock")), _rlock)


def _install_queues(module: types.ModuleType) -> None:
    for name in ("SimpleQueue", "Queue"):
        cls: Any = module_field(module, name)
        if is_a(cls, type):
            fuller_words.register(cls, _queue)


def _install_pools(module: types.ModuleType) -> None:
    pool = cast(type, module_field(module, "Pool"))
    held_by.register(pool, _pool)
    fuller_words.register(pool, _words_of_pool)


def _install_processes(module: types.ModuleType) -> None:
    fuller_words.register(cast(type, module_field(module, "Popen")), words_of_process)


def _install_timeouts(module: types.ModuleType) -> None:
    deadline_of_block.register(cast(type, module_field(module, "Timeout")), _seconds)
    cancelling_timers.append(_started_timeouts)


def _install_greenlets(module: types.ModuleType) -> None:
    unseen_by_collector.register(cast(type, module_field(module, "Greenlet")), _greenlet)


def _install_hubs(module: types.ModuleType) -> None:
    unseen_by_collector.register(cast(type, module_field(module, "Hub")), _hub)
    called_from_outside.append(_watchers)


HOOKS = {
    "gevent.greenlet": _install_greenlets,
    "gevent.hub": _install_hubs,
    "gevent.lock": _install_locks,
    "gevent.queue": _install_queues,
    "gevent.pool": _install_pools,
    "gevent.subprocess": _install_processes,
    "gevent.timeout": _install_timeouts,
}


def _semaphore(semaphore: object) -> Optional[Held]:
    counter, total = get_field(semaphore, "counter"), get_field(semaphore, "_initial_value")
    return Held(None, total if type(total) is int else None, counter > 0) if type(counter) is int else None


def _rlock(lock: object) -> Optional[Held]:
    owner, count = get_field(lock, "_owner"), get_field(lock, "_count")
    if type(count) is not int:
        return None
    return Held(() if owner is None else ((owner, 1),), 1, owner is None or not count)


def _pool(pool: object) -> Optional[Held]:
    members, size = get_field(pool, "greenlets"), get_field(pool, "size")
    if type(members) is not set or type(size) is not int:
        return None
    owners = [(each, 1) for each in copy_set(members)]
    return Held(owners, size, len(owners) < size)


def _words_of_pool(pool: object, words: str) -> Optional[str]:
    members, size = get_field(pool, "greenlets"), get_field(pool, "size")
    if words != "place in a pool" or type(members) is not set or type(size) is not int:
        return None
    return f"place in a pool ({len(members)} of {size} taken)"


def _queue(queue: object, words: str) -> Optional[str]:
    items, most = get_field(queue, "queue"), get_field(queue, "maxsize")
    return words_of_queue(words, items, most, get_field(queue, "unfinished_tasks"))


def _seconds(timeout: object) -> Optional[float]:
    """Return after how many seconds from its start a timeout raises: what is left of them, only its loop could tell."""
    seconds = get_field(timeout, "seconds")
    if type(seconds) is not int and type(seconds) is not float:
        return None
    return max(0.0, float(cast(float, seconds)))


def _started_timeouts(targets: Sequence[object]) -> Dict[int, float]:
    """Return which of *targets* a timeout ends, wherever it was started: its timer has the greenlet as an argument."""
    module = imported("gevent.timeout")
    cls: Any = module_field(module, "Timeout") if module is not None else None
    wanted = {id(target) for target in targets}
    found: Dict[int, float] = {}
    if not is_a(cls, type):
        return found
    for timeout in instances(with_subclasses(cls)):
        seconds = _seconds(timeout)
        timer = get_field(timeout, "timer")
        if seconds is None or timer is None:
            continue
        todo: List[object] = [timer]
        for _ in range(2):
            todo = [each for obj in todo for each in gc.get_referents(obj)]
            for each in todo:
                if id(each) in wanted:
                    found[id(each)] = min(seconds, found.get(id(each), seconds))
            todo = [each for each in todo if type(each) is tuple]
    return found


def _greenlet(greenlet: object) -> Tuple[Sequence[object], bool]:
    """Return what a greenlet refers to, but for what is called when it has ended: nothing tells that."""
    fields = [get_field(greenlet, name) for name in ("args", "kwargs", "value", "spawn_tree_locals")]
    return [each for each in (*fields, instance_dict(greenlet)) if each is not None], False


def _hub(hub: object) -> Tuple[Sequence[object], bool]:
    return [each for each in (get_field(hub, "loop"), instance_dict(hub)) if each is not None], True


def _watchers() -> List[object]:
    """Return what loops call: at a time, at input, or at once."""
    found: List[object] = []
    for name in ("gevent.libev.corecext", "gevent._ffi.watcher"):
        module = imported(name)
        cls: Any = module_field(module, "watcher") if module is not None else None
        if is_a(cls, type):
            found += instances(with_subclasses(cls))
    return found
