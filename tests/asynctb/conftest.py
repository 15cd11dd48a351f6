from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import Iterator, List

import pytest

# support.py and hostile.py, whatever the import mode, and what is shared with the other tests.
sys.path[:0] = [os.path.dirname(__file__), str(Path(__file__).parents[1])]
if sys.version_info < (3, 8):
    import older

    def pytest_collection_modifyitems(items: List[pytest.Item]) -> None:
        for item in items:
            reason = older.LACKING.get(item.name.partition("[")[0])
            if reason is not None:
                item.add_marker(pytest.mark.skip(reason=reason))


#: Folders and files whose tests look at all that there is in the process.
LISTS_EVERYTHING = {
    "frameworks",
    "output",
    "snapshot",
    "test_heap.py",
    "test_hostile_fields.py",
    "test_no_user_code.py",
}
#: Modules whose tests have begun.
begun: List[object] = []


def quicken_collections(module: object) -> None:
    """Spare what is there before a module's tests the collections after each of them, which take long.

    Not where everything is listed, some of which is found only among what the collector looks at.
    """
    gc.unfreeze()
    if not LISTS_EVERYTHING.intersection(Path(str(vars(module)["__file__"])).parts):
        gc.collect()
        gc.freeze()


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Make what a test forgot, such as a coroutine never awaited, warn in that test and not in a later one."""
    # Not by a fixture for modules: after a test that is run again, the next module would get that of this one.
    if request.module not in begun and hasattr(gc, "freeze"):  # PyPy has none
        begun.append(request.module)
        quicken_collections(request.module)
    yield
    gc.collect()
