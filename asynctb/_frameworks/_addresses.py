"""The words for addresses of sockets, from what was recorded or what the system tells."""

from __future__ import annotations

from typing import Any, Callable, Optional, cast

from .._objects import class_attribute, exact_str, get_field, is_a, module_field
from .._snapshot.sets import imported

#: How many characters are shown.
_MOST = 200
_LISTENING = "SOL_SOCKET", "SO_ACCEPTCONN"
#: A method of a class written in C, or on PyPy of one that is built in.
_METHOD = type(str.join)
#: The words for sockets, with those who are at the other end.
PEER_WORDS = {"socket data": "data from {}", "socket to send": "socket to {} to send"}


def words_of_address(address: object) -> Optional[str]:
    """Return a socket's address as text, such as ``127.0.0.1:5432`` or ``/run/db.sock``; None for what is none."""
    if type(address) is bytes:  # of a socket of Linux without a file
        address = address.decode("utf-8", "replace").replace("\0", "@")
    text = exact_str(address)
    if text is not None:
        return text[:_MOST] or None
    if type(address) is not tuple or len(address) not in (2, 4):
        return None
    host, port = exact_str(address[0]), address[1]
    if not host or type(port) is not int:
        return None
    return words_of_host(host, port)


def words_of_host(host: object, port: object) -> Optional[str]:
    """Return a host with a port, which can be a number or the name of a service, or None."""
    name, number = exact_str(host), str(port) if type(port) is int else exact_str(port)
    if not name:
        return None
    name = name[:_MOST]
    if not number:
        return name
    return f"[{name}]:{number[:_MOST]}" if ":" in name else f"{name}:{number[:_MOST]}"


def peer_of_socket(sock: object) -> Optional[str]:
    """Return who is at the other end of a socket, or None: the system is asked, not a method of the program."""
    return words_of_address(_asked(sock, "getpeername"))


def own_address_of_socket(sock: object) -> Optional[str]:
    """Return the address at which a socket listens, or None."""
    return words_of_address(_asked(sock, "getsockname"))


def words_of_socket(sock: object, words: str) -> Optional[str]:
    """Return *words*, for a wait of a thread, with who is at the other end of the socket that it calls."""
    if words == "connection":
        own = own_address_of_socket(sock) if _listens(sock) else None
        return None if own is None else f"connection at {own}"
    template = PEER_WORDS.get(words)
    peer = peer_of_socket(sock) if template is not None else None
    return template.format(peer) if template is not None and peer is not None else None


def words_behind(*fields: str) -> Callable[[object, str], Optional[str]]:
    """Return what does the same for an object that has the socket in a field, or in a field of what is in a field."""

    def words(obj: object, words: str) -> Optional[str]:
        for name in fields:
            obj = get_field(obj, name)
        return words_of_socket(obj, words)

    return words


def _listens(sock: object) -> bool:
    module = imported("_socket")
    level, option = (module_field(module, name) if module is not None else None for name in _LISTENING)
    return type(level) is int and type(option) is int and _asked(sock, "getsockopt", level, option) == 1


def _asked(sock: object, name: str, *args: int) -> object:
    module = imported("_socket")
    base = module_field(module, "socket") if module is not None else None
    if base is None or not is_a(sock, base):
        return None
    ask = class_attribute(base, name)
    if not is_a(ask, _METHOD):
        return None
    try:
        return cast(Any, ask)(sock, *args)
    except OSError:  # it is closed, or not connected
        return None
