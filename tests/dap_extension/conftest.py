"""Lets the tests import their helpers, which are no package."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Callable, Iterator, List, Optional

import pytest
from hypothesis import settings

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from debugging import DEBUGPY  # noqa: E402
from interpreters import Interpreter  # noqa: E402
from sessions import install_debugpy, last_release  # noqa: E402

# The same examples in each run, and no limit on their time: a failure means a defect.
settings.register_profile("asynctb", derandomize=True, deadline=None, database=None)
settings.load_profile("asynctb")


def pytest_collection_modifyitems(config: pytest.Config, items: List[pytest.Item]) -> None:
    """Leave only those of the part that ``ASYNCTB_TEST_PART`` names, such as "1/3": each third test, from the first."""
    part, parts = map(int, os.environ.get("ASYNCTB_TEST_PART", "1/1").split("/"))
    chosen = items[part - 1 :: parts]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


@pytest.fixture(scope="session", autouse=True)
def runtime_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep adapters and language servers of other tests, and of the user, away from those of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        yield


@pytest.fixture(scope="session")
def debugpy_for(request: pytest.FixtureRequest) -> Callable[..., str]:
    """Return what gives the folder of the package debugpy as a user of an interpreter would have it.

    It is installed once and kept in pytest's cache. A test for which that fails is skipped.
    """
    parent = request.config.cache.mkdir("debugpy")

    def folder(interpreter: Interpreter, release: Optional[str] = None) -> str:
        if release is None and DEBUGPY is not None:
            return DEBUGPY
        return install_debugpy(parent, interpreter, release or last_release(interpreter))

    return folder
