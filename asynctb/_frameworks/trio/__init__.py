"""What is known about trio."""

import types

from ..._snapshot.registry import RegisteredSource
from ..._snapshot.sets import imported
from .._room import Room
from . import holders, hooks, threads
from .tasks import TrioTasks
from .waits import THREAD_WAITS, WAITS


def install(module: types.ModuleType) -> None:
    """Register all of it."""
    hooks.install(module)
    holders.install(module)
    worker_threads = imported("trio._threads")
    if worker_threads is not None:
        threads.install(worker_threads)


ROOM = Room(
    hooks={"trio": install},
    source=RegisteredSource("Tasks of trio", lambda search: TrioTasks(search.threads)),
    waits=WAITS,
    thread_waits=THREAD_WAITS,
    makers=(("trio._core._run", "Runner.spawn_impl", True),),
)
