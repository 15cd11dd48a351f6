"""Pools of connections, whichever library they are of: how full they are, in words."""

from __future__ import annotations

from functools import partial
from typing import Callable, Optional

from .._waits.facts import Held, fuller_words, held_by

#: What one waits for who waits for one of a pool's connections.
WORDS = "connection of a pool"


def register_pool(cls: type, held: Callable[[object], Optional[Held]]) -> None:
    """Register what tells how many connections a pool of *cls* has, and whether one can be had."""
    held_by.register(cls, held)
    fuller_words.register(cls, partial(_fuller, held))


def _fuller(held_of: Callable[[object], Optional[Held]], pool: object, words: str) -> Optional[str]:
    held = held_of(pool) if words == WORDS else None
    if held is None or held.total is None or held.free:
        return None
    return f"connection (pool full: {held.total} of {held.total} connections used)"
