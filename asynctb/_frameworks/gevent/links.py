"""Who waits for an object of gevent: what the object refers to, as the garbage collector sees it.

The classes are compiled by Cython, so that their lists of those who wait have no name from outside. Events, results and
semaphores have a list of bound ``switch`` methods; queues and channels have deques of ``Waiter``.
"""

from __future__ import annotations

import collections
import functools
import gc
import types
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple, cast

from ..._objects import exact_str, get_field, is_a, module_field, simple_type_name
from ..._snapshot.sets import imported
from ..._stacks.registries import TypeRegistry

#: By the classes whose objects have such a list: the words for a wait for one.
linkable: TypeRegistry[str] = TypeRegistry()
_CLASSES = (
    ("gevent.event", "Event", "event"),
    ("gevent.event", "AsyncResult", "result"),
    ("gevent.lock", "Semaphore", "semaphore"),
    ("gevent.lock", "RLock", "lock"),
    ("gevent.thread", "LockType", "lock"),
    *[
        ("gevent.queue", name, "item of a queue")
        for name in ("SimpleQueue", "Queue", "JoinableQueue", "UnboundQueue", "PriorityQueue", "LifoQueue", "Channel")
    ],
)


class Link(NamedTuple):
    """How a greenlet is noted in what it waits for."""

    #: Made for this wait alone.
    link: object
    #: What its owner is to the object waited for: "event", "item of a queue", "place in a queue", ...
    words: str


def _install(name: str, module: types.ModuleType) -> None:
    for module_name, class_name, words in _CLASSES:
        cls = module_field(module, class_name)
        if module_name == name and is_a(cls, type):
            linkable.register(cls, words)


HOOKS = {name: functools.partial(_install, name) for name, _, _ in _CLASSES}


class Links:
    """The greenlets that wait for each object, as one look has found them."""

    def __init__(self) -> None:
        waiter = imported("gevent._waiter")
        found: Any = module_field(waiter, "Waiter") if waiter is not None else None
        self._waiter: Optional[type] = found if is_a(found, type) else None
        #: Where greenlets stood, by the identity of the list and theirs: so that many who wait cost no more each.
        self._places: Dict[int, Tuple[object, Dict[int, int]]] = {}

    def find(self, target: object, greenlet: object) -> Optional[Link]:
        """Return how *greenlet* is noted in *target*, or None if it is not."""
        return self._find(target, greenlet, 0)

    def _find(self, target: object, greenlet: object, depth: int) -> Optional[Link]:
        words = linkable.find(type(target))
        if words is None or depth > 1:
            return None
        for referent in gc.get_referents(target):
            kind = type(referent)
            if kind is list or kind is collections.deque:
                link = self._in(cast(List[object], referent), greenlet)
                if link is not None:
                    return Link(link, _words(link) if words == "item of a queue" else words)
            elif linkable.find(kind) is not None:
                inner = self._find(referent, greenlet, depth + 1)
                if inner is not None:
                    return inner._replace(words="end of a queue" if words == "item of a queue" else words)
        return None

    def _in(self, items: List[object], greenlet: object) -> Optional[object]:
        known = self._places.get(id(items))
        if known is None or known[0] is not items:
            known = self._places[id(items)] = items, self._all(items)
        index = known[1].get(id(greenlet))
        if index is None:
            return None
        for _ in range(2):
            try:
                link = items[index]
            except IndexError:
                link = None
            if self._greenlet_of(link) is greenlet:
                return link
            places = self._all(items)
            self._places[id(items)] = items, places
            index = places.get(id(greenlet), -1)
            if index < 0:
                break
        return None

    def _all(self, items: List[object]) -> Dict[int, int]:
        found: Dict[int, int] = {}
        for index, item in enumerate(items.copy()):
            waiting = self._greenlet_of(item)
            if waiting is not None:
                found[id(waiting)] = index
        return found

    def _greenlet_of(self, link: object) -> Optional[object]:
        kind = type(link)
        if kind is types.BuiltinMethodType:
            method = cast(types.BuiltinMethodType, link)
            return method.__self__ if exact_str(method.__name__) == "switch" else None
        # A channel has what is to be put, too.
        for each in cast(Tuple[object, ...], link) if kind is tuple else (link,):
            if self._waiter is not None and is_a(each, self._waiter):
                return cast(Optional[object], get_field(each, "greenlet"))
        return None


def _words(link: object) -> str:
    # A channel has what is to be put beside the waiter, a queue has it in there.
    is_put = type(link) is tuple or simple_type_name(type(link)) == "ItemWaiter"
    return "place in a queue" if is_put else "item of a queue"


def near(roots: Iterator[object], greenlet: object, links: Links) -> Optional[Tuple[object, Link]]:
    """Return the object that *greenlet* waits for, and how, if it is near to *roots*."""
    level = list(roots)
    seen = set(map(id, level))
    for _ in range(_MOST_DEPTH):
        following: List[object] = []
        for value in level:
            link = links.find(value, greenlet)
            if link is not None:
                return value, link
            if id(type(value)) in _LEAVES or is_a(value, type) or len(seen) > _MOST_SEARCHED:
                continue
            for referent in gc.get_referents(value):
                if id(referent) not in seen:
                    seen.add(id(referent))
                    following.append(referent)
        level = following
    return None


_MOST_DEPTH, _MOST_SEARCHED = 4, 300
_LEAVES = frozenset(
    map(id, (types.FunctionType, types.ModuleType, types.CodeType, types.FrameType, str, bytes, int, float, type(None)))
)
