"""The words for what is waited for, and their kinds."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

from .._model import Wait, WaitKind
from .._quick import new_wait

LOCK_OF_CONDITION = "lock of a condition"
#: By the words that the tables of the rooms have.
_KINDS: Dict[str, WaitKind] = {
    "lock": "lock",
    #: Which a notified waiter takes again.
    LOCK_OF_CONDITION: "lock",
    "semaphore": "semaphore",
    "capacity": "limiter",
    "connection of a pool": "limiter",
    "event": "event",
    "condition": "condition",
    "barrier": "barrier",
    "item of a queue": "queue_get",
    "place in a queue": "queue_put",
    "end of a queue": "queue_join",
    "place in a channel": "channel_send",
    "item of a channel": "channel_receive",
    "place in a memory stream": "channel_send",
    "item of a memory stream": "channel_receive",
    "future": "future",
    "coroutine queued in an event loop": "future",
    "futures": "tasks",
    "tasks": "tasks",
    "tasks of a group": "group",
    "tasks of a nursery": "group",
    "task": "task",
    "task to end": "task",
    "task to start": "task",
    "sleep": "sleep",
    "thread": "thread",
    "thread to end": "thread",
    "executor": "executor",
    "executor to end": "executor",
    "process": "process",
    "connection": "socket",
    "name resolution": "socket",
    "handshake": "socket",
    "socket": "socket",
    "socket data": "socket",
    "socket to read": "socket",
    "socket to send": "socket",
    "socket to write": "socket",
    "stream data": "stream",
    "reply of redis": "stream",
    "stream to close": "stream",
    "stream to drain": "stream",
    "data to read": "pipe",
    "data from a pipe": "pipe",
    "item of a queue of processes": "pipe",
    "place in a queue of processes": "pipe",
    "input": "stream",
    "events": "events",
    "signal": "signal",
}
#: What input from outside ends, or time: nothing inside of the program is needed.
EXTERNAL = frozenset({"sleep", "process", "socket", "stream", "pipe", "events", "signal", "unknown"})
#: What is held, so that who holds it is to be found.
HELD = frozenset({"lock", "semaphore", "limiter"})
#: What is ended by somebody who refers to what is waited for, or to a part of it.
WOKEN = frozenset(
    {
        "event",
        "condition",
        "barrier",
        "queue_get",
        "queue_put",
        "queue_join",
        "channel_send",
        "channel_receive",
        "future",
    }
)


def add_words(words: str, kind: WaitKind) -> None:
    """Say what kind of wait a library has *words* for."""
    _KINDS.setdefault(words, kind)


def wait_for_cancellation(requester: Optional[str]) -> Wait:
    """Return the `Wait` of a task to which its cancellation has not been delivered yet."""
    by = "" if requester is None else f", requested by {requester}"
    return new_wait("unknown", f"its cancellation{by}", None, ())


def wait_for(words: str, target: Optional[object] = None, activities: Tuple[str, ...] = ()) -> Wait:
    """Return a `Wait` for what a room has *words* for."""
    return new_wait(_KINDS.get(words, "unknown"), words, target, activities)
