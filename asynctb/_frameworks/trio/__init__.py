"""What is known about trio."""

from ..._snapshot.registry import RegisteredSource
from .._room import Room
from .hooks import install
from .tasks import TrioTasks
from .waits import THREAD_WAITS, WAITS

ROOM = Room(
    hooks={"trio": install},
    source=RegisteredSource("Tasks of trio", lambda search: TrioTasks(search.threads)),
    waits=WAITS,
    thread_waits=THREAD_WAITS,
)
