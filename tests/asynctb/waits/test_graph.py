"""What cannot go on, and the circles in it, checked against definitions that are too slow to use."""

from __future__ import annotations

import random
from typing import Dict, List, Set

import pytest

from asynctb._waits.graph import Node, circle_of, knots, stuck


def _slowly_stuck(nodes: Dict[str, Node], free: Set[str]) -> Set[str]:
    remaining = set(nodes) - free
    while True:
        gone = {
            name
            for name in remaining
            if all(
                any(each in nodes and each not in remaining for each in needed) for needed in nodes[name].requirements
            )
        }
        if not gone:
            return remaining
        remaining -= gone


def _reachable(start: str, edges: Dict[str, List[str]]) -> Set[str]:
    found: Set[str] = set()
    todo = list(edges[start])
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += edges[name]
    return found


@pytest.mark.parametrize("seed", range(200))
def test_agrees_with_the_definitions(seed: int) -> None:
    source = random.Random(seed)
    names = [f"n{number}" for number in range(source.randint(1, 12))]
    nodes = {
        name: Node(
            [
                source.sample(names, source.randint(0 if source.random() < 0.1 else 1, min(3, len(names))))
                for _ in range(source.choice((0, 1, 1, 1, 2)))
            ]
        )
        for name in names
    }
    free = {name for name in names if source.random() < 0.1}
    remaining = stuck(nodes, free)
    assert remaining == _slowly_stuck(nodes, free)
    edges = {
        name: [each for needed in nodes[name].requirements for each in needed if each in remaining]
        for name in remaining
    }
    found = knots(edges)
    in_circles = {name for name in edges if name in _reachable(name, edges)}
    assert {name for members in found for name in members} == in_circles
    for members in found:
        for name in members:
            assert set(members) == {each for each in _reachable(name, edges) if name in _reachable(each, edges)}
        ordered = circle_of(members, edges)
        assert sorted(ordered) == sorted(members)
        assert ordered[0] == members[0]


def test_long_circles_and_chains_take_no_recursion() -> None:
    count = 10_000
    nodes = {str(number): Node([(str((number + 1) % count),)]) for number in range(count)}
    assert len(stuck(nodes)) == count
    edges = {name: list(node.requirements[0]) for name, node in nodes.items()}
    (members,) = knots(edges)
    assert circle_of(members, edges) == [str(number) for number in range(count)]
    nodes[str(count - 1)] = Node([])
    assert stuck(nodes) == set()
