"""What curio's locks and queues say about who holds them and how full they are."""

from __future__ import annotations

import sys
from typing import Any, Optional, Sequence, cast

from ..._objects import get_field, module_field
from ..._snapshot.sets import imported
from ..._waits.facts import Held, fuller_words, held_by, held_in_block, unused_of_loop
from ..threading.waits import words_of_queue


def install() -> None:
    """Register what is known about the parts of curio."""
    for module_name, class_name, registry, function in (
        ("curio.sync", "Lock", held_by, _lock),
        ("curio.sync", "RLock", held_by, _rlock),
        ("curio.sync", "Semaphore", held_by, _semaphore),
        ("curio.sync", "Condition", held_in_block, lambda condition: get_field(condition, "_lock")),
        ("curio.queue", "QueueBase", fuller_words, _queue),
    ):
        module = sys.modules.get(module_name)
        cls = module_field(module, class_name) if module is not None else None
        if cls is not None:
            cast(Any, registry).register(cls, function)
    unused_of_loop.append(_unused)


def _lock(lock: object) -> Optional[Held]:
    acquired = get_field(lock, "_acquired")
    return Held(None, 1, not acquired) if type(acquired) is bool else None


def _rlock(lock: object) -> Optional[Held]:
    missing = object()
    owner = get_field(lock, "_owner", missing)
    if owner is missing:
        return None
    return Held(() if owner is None else ((owner, 1),), 1, owner is None)


def _semaphore(semaphore: object) -> Optional[Held]:
    value = get_field(semaphore, "_value")
    return Held(None, None, value > 0) if type(value) is int else None


def _queue(queue: object, words: str) -> Optional[str]:
    most = get_field(queue, "maxsize")
    return words_of_queue(words, get_field(queue, "_queue"), most, get_field(queue, "_task_count"))


def _unused(loop: object) -> Optional[Sequence[object]]:
    """Return that a kernel refers to nothing that it does not use; None if *loop* is none."""
    module = imported("curio.kernel")
    return [] if module is not None and type(loop) is module_field(module, "Kernel") else None
