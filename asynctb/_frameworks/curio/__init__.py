"""What is known about curio."""

from ..._snapshot.registry import RegisteredSource
from .._room import Room
from .hooks import install
from .tasks import CurioTasks
from .waits import WAITS

ROOM = Room(
    hooks={"curio": install},
    source=RegisteredSource("Tasks of curio", lambda search: CurioTasks(search.threads)),
    waits=WAITS,
)
