"""Which activities can go on, and which wait for each other in circles."""

from __future__ import annotations

import collections
from typing import Deque, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, cast


class Node(NamedTuple):
    """What an activity needs in order to go on."""

    #: Each has to be met, by any one of its activities going on. Empty: nothing is needed.
    requirements: Sequence[Sequence[str]]


def stuck(nodes: Dict[str, Node], free: Iterable[str] = ()) -> Set[str]:
    """Return the activities that can never go on; takes time in proportion to the requirements.

    :param free: activities that can go on whatever they need.
    """
    waiting: Dict[str, List[List[object]]] = {}
    unmet: Dict[str, int] = {}
    freed: Set[str] = set()
    for name, node in nodes.items():
        if node.requirements:
            unmet[name] = len(node.requirements)
        for alternatives in node.requirements:
            requirement: List[object] = [name, False]
            for each in alternatives:
                waiting.setdefault(each, []).append(requirement)
    # Most need nothing, and nobody waits for them.
    todo: Deque[str] = collections.deque([name for name in waiting if name in nodes and name not in unmet])
    todo += free
    while todo:
        name = todo.popleft()
        if name in freed:
            continue
        freed.add(name)
        for requirement in waiting.get(name, ()):
            if requirement[1] is False:
                requirement[1] = True
                waiter = cast(str, requirement[0])
                unmet[waiter] -= 1
                if unmet[waiter] == 0:
                    todo.append(waiter)
    return set(unmet) - freed


def knots(edges: Mapping[str, Sequence[str]]) -> List[List[str]]:
    """Return the groups in which each activity leads to each other one: Tarjan's algorithm, without recursion."""
    index: Dict[str, int] = {}
    low: Dict[str, int] = {}
    on_stack: Set[str] = set()
    stack: List[str] = []
    found: List[List[str]] = []
    for root in edges:
        if root in index:
            continue
        work = [(root, iter(edges[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            name, following = work[-1]
            for each in following:
                if each not in edges:
                    continue
                if each not in index:
                    index[each] = low[each] = len(index)
                    stack.append(each)
                    on_stack.add(each)
                    work.append((each, iter(edges[each])))
                    break
                if each in on_stack:
                    low[name] = min(low[name], index[each])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    members: List[str] = []
                    while not members or members[-1] != name:
                        members.append(stack.pop())
                        on_stack.discard(members[-1])
                    if len(members) > 1 or name in edges[name]:
                        found.append(members[::-1])
    return found


def circle_of(members: Sequence[str], edges: Mapping[str, Sequence[str]]) -> List[str]:
    """Return *members*, of one knot: first a shortest circle through the first of them, in its order, then the rest."""
    inside = set(members)
    start = members[0]
    before: Dict[str, Optional[str]] = {start: None}
    todo: Deque[str] = collections.deque([start])
    circle: List[str] = []
    while todo and not circle:
        name = todo.popleft()
        for each in edges[name]:
            if each == start:
                current: Optional[str] = name
                while current is not None:
                    circle.append(current)
                    current = before[current]
                break
            if each in inside and each not in before:
                before[each] = name
                todo.append(each)
    circle.reverse()
    shown = set(circle)
    return circle + [each for each in members if each not in shown]


def waiters_of(members: Sequence[str], edges: Mapping[str, Sequence[str]]) -> Set[str]:
    """Return the others that lead to *members*."""
    before: Dict[str, List[str]] = {}
    for name, following in edges.items():
        for each in following:
            before.setdefault(each, []).append(name)
    found = set(members)
    todo = list(members)
    while todo:
        for each in before.get(todo.pop(), ()):
            if each not in found:
                found.add(each)
                todo.append(each)
    return found - set(members)
