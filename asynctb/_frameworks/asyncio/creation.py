"""Where tasks were made, which asyncio records in its debug mode."""

from __future__ import annotations

import os
import traceback
import types
from typing import Optional, cast

from ..._model import Location
from ..._objects import exact_str, get_field, is_a, module_field
from ..._snapshot.creation import finders
from .futures import Futures

#: How many calls inward from where it was made asyncio's own code is, at most.
_MOST_OWN = 20
#: The end of the path of what else is recorded by, if asynctb has been asked to.
_OWN = os.path.join("asynctb", "_snapshot", "creation.py")


def install(module: types.ModuleType) -> None:
    """Register what finds it."""
    futures = Futures()
    folder = os.path.dirname(exact_str(module_field(module, "__file__")) or "") + os.sep
    finders.append(lambda task: _place_of(futures, task, folder))


def _place_of(futures: Futures, task: object, folder: str) -> Optional[Location]:
    reader = futures.reader_of_task(task)
    summary = get_field(task, "_source_traceback") if reader is not None else None
    if not is_a(summary, list):
        return None
    for entry in list.__getitem__(cast("list[object]", summary), slice(None, -_MOST_OWN - 1, -1)):
        if type(entry) is not traceback.FrameSummary:
            return None
        filename, line, name = (get_field(entry, field) for field in ("filename", "lineno", "name"))
        text = exact_str(filename)
        if text is not None and type(line) is int and not text.startswith(folder) and not text.endswith(_OWN):
            return Location(text, line, exact_str(name) or "?")
    return None
