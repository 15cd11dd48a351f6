"""Finds the program behind a port of this machine on which debugpy listens, as far as Linux tells."""

from __future__ import annotations

import os
from typing import Dict, Iterator, NamedTuple, Optional

#: States of a connection (include/net/tcp_states.h).
_ESTABLISHED, _LISTENING = "01", "0A"
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")


class _Connection(NamedTuple):
    local: str
    remote: str
    state: str
    inode: str


def program_behind(port: int) -> Optional[int]:
    """Return the number of the process whose debug adapter listens on *port*, or None if that cannot be told.

    The adapter is a process of its own, which the program's debugger is connected to.
    """
    connections = list(_connections())
    owners = _owners()
    adapters = {
        owners.get(each.inode)
        for each in connections
        if each.state == _LISTENING and int(each.local.rpartition(":")[2], 16) == port
    }
    ends = {(each.local, each.remote): each.inode for each in connections if each.state == _ESTABLISHED}
    for (local, remote), inode in ends.items():
        owner, other = owners.get(inode), owners.get(ends.get((remote, local), ""))
        if owner is not None and owner in adapters and other is not None and other not in (os.getpid(), *adapters):
            return other
    return None


def _connections() -> Iterator[_Connection]:
    for table in _TABLES:
        try:
            with open(table, encoding="ascii") as file:
                for fields in [line.split() for line in file][1:]:
                    yield _Connection(fields[1], fields[2], fields[3], fields[9])
        except OSError:  # another system, or without this protocol
            continue


def _owners() -> Dict[str, int]:
    """Return the processes that have sockets open, by the number of the socket."""
    found: Dict[str, int] = {}
    for process in _listed("/proc"):
        for descriptor in _listed(f"/proc/{process}/fd") if process.isdigit() else ():
            try:
                target = os.readlink(f"/proc/{process}/fd/{descriptor}")
            except OSError:  # it has just been closed
                continue
            if target.startswith("socket:["):
                found[target[len("socket:[") : -1]] = int(process)
    return found


def _listed(folder: str) -> Iterator[str]:
    try:
        yield from os.listdir(folder)
    except OSError:  # of somebody else, or gone
        return
