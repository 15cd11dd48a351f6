"""What the listing is made of. It is handed in from above, so that nothing here names a framework."""

from __future__ import annotations

from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from .source import FrameFilter, Source, ThreadRecord


class Search(NamedTuple):
    """What sources look for their activities in."""

    threads: Dict[int, ThreadRecord]
    #: Whether a search through all objects of the process may be made although there is a quick way.
    thorough: bool


class RegisteredSource(NamedTuple):
    """A kind of activities that is listed."""

    #: For notes, such as "Tasks of asyncio".
    title: str
    make: Callable[[Search], Source]


class Frameworks(NamedTuple):
    """What is known about frameworks as a whole."""

    #: Takes note of what the program has imported since.
    refresh: Callable[[], None]
    #: Returns the threads of the program by their number, the main thread first, then by age.
    list_threads: Callable[[Optional[FrameFilter]], Dict[int, ThreadRecord]]
    #: Returns what lists activities, in the order of the listing.
    sources: Callable[[], List[RegisteredSource]]
    #: Returns one sentence for each library about which something is missing.
    notes: Callable[[], Tuple[str, ...]]


frameworks: Frameworks


def hand_in(handed_in: Frameworks) -> None:
    """Say what is known about frameworks; called once, by those who know."""
    global frameworks
    frameworks = handed_in
