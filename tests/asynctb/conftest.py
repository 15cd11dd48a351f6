from __future__ import annotations

import gc
import os
import sys
from typing import Iterator

import pytest

sys.path.insert(0, os.path.dirname(__file__))  # support.py and hostile.py, whatever the import mode


@pytest.fixture(autouse=True, scope="module")
def quick_collections(request: pytest.FixtureRequest) -> Iterator[None]:
    """Spare what is there before a module's tests the collections after each of them, which take long.

    Not where ``LOOKS_FOR_GREENLETS`` is set: they are found among what the collector looks at.
    """
    is_quick = hasattr(gc, "freeze") and not hasattr(request.module, "LOOKS_FOR_GREENLETS")  # PyPy has none
    if is_quick:
        gc.collect()
        gc.freeze()
    yield
    if is_quick:
        gc.unfreeze()


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Make what a test forgot, such as a coroutine never awaited, warn in that test and not in a later one."""
    yield
    gc.collect()
