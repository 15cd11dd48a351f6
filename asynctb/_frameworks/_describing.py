"""Descriptions of context managers, in the same words for all libraries."""

from __future__ import annotations

from typing import Callable, Optional

import attrs

from .._model import ContextInfo
from .._objects import error_line, is_a, type_name
from .._stacks.customize import Walk

#: What a group is sent to end its tasks is not why it ends.
_CANCELLED = ("trio.Cancelled", "asyncio.exceptions.CancelledError")


def describe_by(describe: Callable[[object], Optional[str]]) -> Callable[[ContextInfo, Walk], ContextInfo]:
    """Return a hook that gives a context what *describe* says about its manager as the description."""
    return lambda context, walk: attrs.evolve(context, description=describe(context.manager))


def waiting_text(count: int) -> str:
    """Return the end of a description that tells how many tasks wait."""
    return f", {count} waiting" if count else ""


def lock_text(holder: Optional[str]) -> str:
    """Return the beginning of the description of a lock that is held by the task of that name, or by none."""
    return "not locked" if holder is None else f"held by {holder}"


def aborted_text(errors: object) -> str:
    """Return ", aborted by" and the first exception that a group of tasks is going to raise, if any."""
    if type(errors) is not list:
        return ""
    for error in errors.copy():
        if is_a(error, BaseException) and type_name(type(error)) not in _CANCELLED:
            return f", aborted by {error_line(error)}"
    return ""
