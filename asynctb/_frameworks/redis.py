"""redis-py for asyncio: who waits for a reply of the server, and who for a connection of a pool."""

from __future__ import annotations

import types
from typing import Optional

from .._objects import class_attribute, exact_str, get_field, module_field
from .._waits.facts import Held, fuller_words, waiting_functions
from ._known import Known
from ._pools import WORDS, register_pool
from ._room import Room

_CONNECTION = "redis.asyncio.connection"
_REPLY = "reply of redis"
WAITS: Known = (
    (_CONNECTION, "AbstractConnection.read_response", _REPLY),
    (_CONNECTION, "AbstractConnection._read_response_from_parser", ""),
    ("redis._parsers.base", "_AsyncRESPBase._read", ""),
    ("redis._parsers.base", "_AsyncRESPBase._readline", ""),
    ("redis._parsers.resp2", "_AsyncRESP2Parser.read_response", ""),
    ("redis._parsers.resp2", "_AsyncRESP2Parser._read_response", ""),
    ("redis._parsers.resp3", "_AsyncRESP3Parser.read_response", ""),
    ("redis._parsers.resp3", "_AsyncRESP3Parser._read_response", ""),
    ("redis._parsers.hiredis", "_AsyncHiredisParser.read_response", ""),
    ("redis._parsers.hiredis", "_AsyncHiredisParser.read_from_socket", ""),
)


def _install(module: types.ModuleType) -> None:
    pool, connection = module_field(module, "BlockingConnectionPool"), module_field(module, "AbstractConnection")
    if pool is not None:
        register_pool(pool, _held)
        function = class_attribute(pool, "get_connection")
        # Decorated by what decorates other methods, too.
        while type(function) is types.FunctionType and "__wrapped__" in vars(function):
            function = vars(function)["__wrapped__"]
        if type(function) is types.FunctionType:
            waiting_functions.append((function.__code__, WORDS, True))
    if connection is not None:
        fuller_words.register(connection, _words)


def _held(pool: object) -> Optional[Held]:
    most, used = get_field(pool, "max_connections"), get_field(pool, "_in_use_connections")
    if type(most) is not int or type(used) is not set:
        return None
    return Held(None, most, free=len(used) < most)


def _words(connection: object, words: str) -> Optional[str]:
    host, port, path = (get_field(connection, name) for name in ("host", "port", "path"))
    if words != _REPLY:
        return None
    if exact_str(host) is not None and type(port) is int:
        return f"{_REPLY} at {host}:{port}"
    return None if exact_str(path) is None else f"{_REPLY} at {path}"


ROOM = Room({_CONNECTION: _install}, waits=WAITS)
