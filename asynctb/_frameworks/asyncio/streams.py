"""Who is at the other end of asyncio's streams, sockets and pipes: read from what the transports have recorded."""

from __future__ import annotations

import types
from typing import Optional, Sequence

from ..._frames import local_variable
from ..._objects import exact_str, get_field, module_field, module_of_frame
from ..._snapshot.sets import imported
from ..._snapshot.source import Owner, frame_of
from ..._waits.facts import fuller_words
from .._addresses import PEER_WORDS, own_address_of_socket, peer_of_socket, words_of_address, words_of_host
from ..threading.waits import words_of_process

#: The names of descriptors of processes.
_STANDARD = {0: "stdin", 1: "stdout", 2: "stderr"}
#: What a stream is called with its other end.
_WORDS = {
    "stream data": "data from {}",
    "stream to drain": "stream to {} to drain",
    "stream to close": "stream to {} to close",
}
_HOST_WORDS = {"connection": "connection to {}", "name resolution": "address of {}"}
#: More transports inside each other (TLS in TLS) than anybody has.
_MOST_LAYERS = 10


def install(module: types.ModuleType) -> None:
    """Register the words for streams and subprocesses."""
    for module_name, class_name, function in (
        ("asyncio.streams", "StreamReader", words_of_transport),
        ("asyncio.streams", "StreamWriter", words_of_transport),
        ("asyncio.subprocess", "Process", words_of_process),
        ("asyncio.base_subprocess", "BaseSubprocessTransport", _words_of_process),
        ("asyncio.base_events", "Server", _words_of_server),
    ):
        found = imported(module_name)
        cls = module_field(found, class_name) if found is not None else None
        if cls is not None:
            fuller_words.register(cls, function)


def words_of_socket(words: str, owners: Sequence[Owner]) -> str:
    """Return *words*, for a wait of a socket or for a connection, with what the variables of *owners* tell."""
    template = _HOST_WORDS.get(words) or PEER_WORDS.get(words)
    for owner in reversed(owners) if template is not None else ():
        frame = frame_of(owner)
        if frame is None or not (module_of_frame(frame) or "").startswith("asyncio."):
            continue
        found = _other_end(frame, words)
        if found is not None and template is not None:
            return template.format(found)
        if words == "connection" and exact_str(frame.f_code.co_name) == "sock_accept":
            own = own_address_of_socket(local_variable(frame, "sock"))
            return words if own is None else f"connection at {own}"
    return words


def _other_end(frame: types.FrameType, words: str) -> Optional[str]:
    names = frame.f_code.co_varnames
    if words in PEER_WORDS:
        return peer_of_socket(local_variable(frame, "sock")) if "sock" in names else None
    if "host" in names:
        return words_of_host(local_variable(frame, "host"), local_variable(frame, "port") if "port" in names else None)
    name = next((each for each in ("address", "path") if each in names), None)
    return words_of_address(local_variable(frame, name)) if name is not None else None


def words_of_transport(stream: object, words: str) -> Optional[str]:
    """Return *words*, for a wait of what has a transport, with what is at the other end of that."""
    template = _WORDS.get(words) or PEER_WORDS.get(words)
    end = _end_of(get_field(stream, "_transport")) if template is not None else None
    return template.format(end) if template is not None and end is not None else None


def _end_of(transport: object) -> Optional[str]:
    """Return what is at the other end of a transport."""
    for _ in range(_MOST_LAYERS):
        if transport is None:
            return None
        extra = get_field(transport, "_extra")
        if type(extra) is dict:
            peer = words_of_address(extra.get("peername"))
            if peer is not None:
                return peer
            own = words_of_address(extra.get("sockname"))
            if own is not None:  # whoever connects to a socket with a path mostly has none itself
                return f"a client of {own}"
        protocol = get_field(transport, "_protocol")
        process, number = get_field(get_field(protocol, "proc"), "_pid"), get_field(protocol, "fd")
        if type(process) is int:
            name = _STANDARD.get(number) if type(number) is int else None
            return f"{name or 'a pipe'} of process {process}"
        # TLS: the transport of the program has the protocol of the one below.
        transport = get_field(get_field(transport, "_ssl_protocol"), "_transport")
    return None


def _words_of_process(transport: object, words: str) -> Optional[str]:
    pid = get_field(transport, "_pid")
    return f"process {pid}" if words == "process" and type(pid) is int else None


def _words_of_server(server: object, words: str) -> Optional[str]:
    if words not in ("server to end", "server to close"):
        return None
    sockets = get_field(server, "_sockets")
    names = [own_address_of_socket(each) for each in sockets] if type(sockets) is list else []
    known = [each for each in names if each is not None]
    return words.replace("server", f"server at {', '.join(known[:3])}", 1) if known else None
