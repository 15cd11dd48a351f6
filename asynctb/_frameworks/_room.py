"""What a framework's room registers."""

from __future__ import annotations

import types
from typing import Callable, Mapping, NamedTuple, Optional

from .._snapshot.creation import Makers
from .._snapshot.registry import RegisteredSource
from ._known import Known


class Room(NamedTuple):
    """What is known about one framework. Its module or package here has one that is called ``ROOM``."""

    #: By the name of a module of the framework: what is called with that module, once its import has finished, and
    #: registers hooks with `_stacks.customize`.
    hooks: Mapping[str, Callable[[types.ModuleType], None]]
    #: Its activities.
    source: Optional[RegisteredSource] = None
    #: The functions that waits of tasks end in, and those that waits of threads end in.
    waits: Known = ()
    thread_waits: Known = ()
    #: The functions written in C that threads wait in.
    thread_calls: Known = ()
    #: The methods that make tasks, or start threads.
    makers: Makers = ()
