"""aiohttp: who waits for a connection of the client's pool, and who has one.

The pool keeps no record of that: those have a connection who are in the block of a response whose body has not been
read to its end (``ClientResponse._connection`` in aiohttp/client_reqrep.py).
"""

from __future__ import annotations

import types
from typing import Optional, cast

from .._objects import get_field, module_field
from .._waits.facts import Held, held_in_block
from ._known import Known
from ._pools import WORDS, register_pool
from ._room import Room

#: Up to 3.10, `connect` waits itself.
WAITS: Known = (
    ("aiohttp.connector", "BaseConnector.connect", WORDS),
    ("aiohttp.connector", "BaseConnector._wait_for_available_connection", WORDS),
)


def _install_connectors(module: types.ModuleType) -> None:
    cls = module_field(module, "BaseConnector")
    if cls is not None:
        register_pool(cls, _held)


def _install_responses(module: types.ModuleType) -> None:
    for name in ("ClientResponse", "_BaseRequestContextManager"):
        cls = module_field(module, name)
        if cls is not None:
            held_in_block.register(cls, _pool_of)


def _held(connector: object) -> Optional[Held]:
    most, used = get_field(connector, "_limit"), get_field(connector, "_acquired")
    if type(most) is not int or type(used) is not set:
        return None
    if get_field(connector, "_limit_per_host", 0) != 0 and not 0 < most <= len(used):
        return Held(None, None)  # one for this host may be missing
    return Held(None, most if most > 0 else None, free=most <= 0 or len(used) < most)


def _pool_of(manager: object) -> Optional[object]:
    """Return the pool that the connection of a response, or of the block of a request, is of; or None."""
    response = get_field(manager, "_resp", manager)
    return cast(Optional[object], get_field(get_field(response, "_connection"), "_connector"))


ROOM = Room(
    {
        "aiohttp.connector": _install_connectors,
        "aiohttp.client": _install_responses,
        "aiohttp.client_reqrep": _install_responses,
    },
    waits=WAITS,
)
