"""What is known about greenlets."""

from ..._snapshot.registry import RegisteredSource
from .._room import Room
from .greenlets import Greenlets
from .hooks import install

ROOM = Room(
    hooks={"greenlet": install},
    source=RegisteredSource("Greenlets", lambda search: Greenlets(search.threads, thorough=search.thorough)),
)
