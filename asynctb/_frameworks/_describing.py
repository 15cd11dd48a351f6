"""Descriptions of context managers, in the same words for all libraries."""

from __future__ import annotations

from typing import Callable, Optional

import attrs

from .._model import ContextInfo
from .._stacks.customize import Walk


def describe_by(describe: Callable[[object], Optional[str]]) -> Callable[[ContextInfo, Walk], ContextInfo]:
    """Return a hook that gives a context what *describe* says about its manager as the description."""
    return lambda context, walk: attrs.evolve(context, description=describe(context.manager))


def waiting_text(count: int) -> str:
    """Return the end of a description that tells how many tasks wait."""
    return f", {count} waiting" if count else ""


def lock_text(holder: Optional[str]) -> str:
    """Return the beginning of the description of a lock that is held by the task of that name, or by none."""
    return "not locked" if holder is None else f"held by {holder}"
