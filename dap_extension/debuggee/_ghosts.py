"""Event loops that a forked process inherited from its parent and that will never run in it.

A fork copies all objects, but only the thread that forks. What the other threads ran stays as it was, for good. And
`multiprocessing` runs its target inside the fork, on top of the parent's stack, and ends the process afterwards: loops
that run further out never get their turn again.
"""

from __future__ import annotations

from typing import List, Set

from asynctb._objects import get_field

from ._threads import code_of, library_local, thread_stacks


def abandoned_loops() -> List[object]:
    """Return the loops that threads run further out than the start of a process of `multiprocessing`."""
    launch = code_of("multiprocessing.popen_fork", "Popen", "_launch")
    run_forever = code_of("asyncio.base_events", "BaseEventLoop", "run_forever")
    if launch is None or run_forever is None:
        return []
    found: List[object] = []
    for stack in thread_stacks():
        launched = False
        for frame in stack:
            if frame.f_code is launch:
                launched = True
            elif launched and frame.f_code is run_forever:
                found.append(library_local(frame, "self"))
    return found


class Ghosts:
    """Tells for each loop whether it belongs to the parent."""

    def __init__(self) -> None:
        self._abandoned: Set[int] = {id(loop) for loop in abandoned_loops()}

    def has_loop(self, loop: object, has_thread: bool) -> bool:
        """Return whether *loop* never runs in this process.

        :param has_thread: whether one of its threads runs the loop.
        """
        if id(loop) in self._abandoned:
            return True
        # asyncio's loops note the thread that runs them, and forget it when they stop (base_events.py).
        return not has_thread and type(get_field(loop, "_thread_id")) is int
