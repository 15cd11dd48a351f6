from __future__ import annotations

import gc
import os
import sys
from typing import Iterator

import pytest

sys.path.insert(0, os.path.dirname(__file__))  # support.py and hostile.py, whatever the import mode


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Make what a test forgot, such as a coroutine never awaited, warn in that test and not in a later one."""
    yield
    gc.collect()
