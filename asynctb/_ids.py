"""Identifiers of activities: the same for as long as an object lives, never given to another one.

A table maps ``id(weak reference)`` to the reference and its identifier. A plain weak reference (without a callback) is
shared: as long as one to an object exists, ``weakref.ref(obj)`` returns that very one (CPython: ``weakref___new__`` in
Objects/weakrefobject.c, 3.8 to 3.15; PyPy: ``get_or_make_weakref``). The table keeps the reference, so its address
cannot be reused while the entry exists, and the object's own address does not matter. Neither the object's ``__hash__``
nor its ``__eq__`` is ever run, nothing runs when the object dies, and there is no lock: every step is one atomic
operation on a dict.
"""

from __future__ import annotations

import itertools
import weakref
from typing import Any, Callable, Dict, Iterable, NamedTuple, Optional, Tuple

#: Entries of dead objects are dropped once there may be this many of them.
_PURGE_AT_LEAST = 1024


class IdRegistry:
    """Gives identifiers such as ``"task-12"`` to objects by identity."""

    def __init__(self) -> None:
        self._entries: Dict[int, Tuple[weakref.ref[Any], str]] = {}
        self._serials: Dict[str, Callable[[], int]] = {}
        self._purge_at = _PURGE_AT_LEAST

    def id_of(self, obj: object, prefix: str) -> str:
        """Return the identifier of *obj*; a new one starts with *prefix*.

        An object that cannot be weakly referenced is named by its address, which another object may get after its
        death: that is unavoidable without keeping it alive.
        """
        try:
            ref = weakref.ref(obj)
        except TypeError:
            return f"{prefix}-at-{id(obj):x}"
        entry = self._entries.get(id(ref))
        if entry is None:
            # Another thread may do the same: the one that comes first wins.
            entry = self._entries.setdefault(id(ref), (ref, self.new_id(prefix)))
        return entry[1]

    def new_id(self, prefix: str) -> str:
        """Return an identifier that was never given before."""
        serial = self._serials.get(prefix)
        if serial is None:
            serial = self._serials.setdefault(prefix, itertools.count(1).__next__)
        return f"{prefix}-{serial()}"

    def purge(self) -> None:
        """Forget dead objects, if there may be many. Its cost is a constant per object seen since the last time."""
        if len(self._entries) < self._purge_at:
            return
        for key, (ref, _) in list(self._entries.items()):
            if ref() is None:
                self._entries.pop(key, None)
        self._purge_at = max(_PURGE_AT_LEAST, 2 * len(self._entries))


class _KnownThread(NamedTuple):
    #: Weak reference to the `threading.Thread`, or None for a thread for which there is none.
    thread: Optional[weakref.ref[Any]]
    #: Address of the outermost frame's code object, by which a reused number is noticed where `thread` is None.
    outermost_code: int
    id: str


def _reference_to(thread: Optional[object]) -> Optional[weakref.ref[Any]]:
    try:
        return None if thread is None else weakref.ref(thread)
    except TypeError:  # no thread at all: the program has put it into a private table of threading
        return None


class ThreadIds:
    """Identifiers of threads, by the number that the system gives them.

    A number is given to a new thread after the death of the old one. That is noticed by another `threading.Thread`
    object, by the number having been absent when threads were last listed, or by another outermost function.
    """

    def __init__(self, registry: IdRegistry) -> None:
        self._registry = registry
        self._known: Dict[int, _KnownThread] = {}

    def id_of(self, ident: int, thread: Optional[object], outermost_code: int) -> str:
        """Return the identifier of the thread *ident*.

        :param thread: its `threading.Thread`, or None if there is none (yet).
        :param outermost_code: ``id()`` of the code object of its outermost frame.
        """
        known = self._known.get(ident)
        if known is not None:
            if known.thread is None:
                same = known.outermost_code == outermost_code
            else:
                # Without an object, it may be the same thread on its way out: threading has just forgotten it.
                before = known.thread()
                same = before is not None and (thread is None or thread is before)
            if same:
                if known.thread is None and thread is not None:  # started elsewhere, and now known to threading
                    self._known[ident] = _KnownThread(_reference_to(thread), outermost_code, known.id)
                return known.id
        entry = _KnownThread(_reference_to(thread), outermost_code, self._registry.new_id("thread"))
        self._known[ident] = entry
        return entry.id

    def forget_all_but(self, idents: Iterable[int]) -> None:
        """Forget the threads that are not among *idents*."""
        alive = set(idents)
        for ident in [ident for ident in list(self._known) if ident not in alive]:
            self._known.pop(ident, None)


#: The identifiers of this process.
activity_ids = IdRegistry()
thread_ids = ThreadIds(activity_ids)
