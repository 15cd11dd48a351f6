"""Coroutines and generators that a library resumes whenever what they wait for is there, and that no list of it has."""

from __future__ import annotations

import weakref
from typing import Any, ClassVar, Dict, List, Optional

from .._heap import Searches, frozen, instances, with_subclasses
from .._model import ActivityState
from .._objects import exact_str, get_field, type_name
from .._snapshot.source import ThreadRecord, is_unstarted
from ._kernel import KernelTasks


class ResumedTasks(KernelTasks):
    """The base of the sources of them. What is listed is the coroutine or generator itself.

    :param thorough: whether all objects of the process must be searched, however short ago that was done.
    """

    #: What resumes one of them, as far as the last search has found it, for each library.
    _known: ClassVar[Dict[str, List[weakref.ref[Any]]]] = {}
    #: For each library, so that the search for what another one has does not put this one off for good.
    _searches: ClassVar[Dict[str, Searches]] = {}

    def __init__(self, threads: Dict[int, ThreadRecord], *, thorough: bool) -> None:
        super().__init__(threads)
        self._thorough = thorough

    def find(self, cls: type) -> List[object]:
        """Return the objects of *cls*, of which there is one for each coroutine or generator."""
        searches = self._searches.setdefault(self.framework, Searches())
        if not (self._thorough or searches.due()):
            self.notes.append(f"Coroutines of {self.framework} begun since the last search are missing.")
            known = [ref() for ref in self._known.get(self.framework, ())]
            return [obj for obj in known if obj is not None]
        if frozen():
            self.notes.append(f"Coroutines of {self.framework} that were made before gc.freeze() are missing.")
        found = searches.run(lambda: instances(with_subclasses(cls)))
        self._known[self.framework] = [weakref.ref(obj) for obj in found]
        return found

    def root_of(self, obj: object) -> Optional[object]:
        return obj

    def name_of(self, obj: object) -> str:
        return exact_str(get_field(obj, "__qualname__")) or type_name(type(obj))

    def state_of(self, task: object, coroutine: object) -> ActivityState:
        return "created" if is_unstarted(coroutine) else "suspended"

    def is_cancelled(self, task: object) -> bool:
        return False  # they cancel what is waited for instead, at once
