"""Which of several objects that look the same is which: by the ends of their addresses."""

from __future__ import annotations

import collections
from typing import Any, DefaultDict, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from ...protocol import Context, Stack
from .._session.helper import Capture

#: Of an address, the digits at its end that are shown at least.
_MIN_DIGITS = 4


def short_addresses(capture: Capture) -> Dict[str, str]:
    """Return what is shown of the addresses of managers that activities wait for, where several look the same."""
    waited = {
        each["waitsFor"]["target"]["address"]
        for each in capture["snapshot"]["activities"]
        if "target" in each.get("waitsFor", {})
    }
    looks: DefaultDict[Tuple[str, Optional[str]], Set[str]] = collections.defaultdict(set)
    for answer in capture["stacks"]["stacks"]:
        for context in _contexts(answer["stack"]) if "stack" in answer else ():
            manager = context.get("manager")
            if manager is not None and manager["address"] in waited:
                looks[manager["type"], context.get("description")].add(manager["address"])
    found: Dict[str, str] = {}
    for addresses in looks.values():
        if len(addresses) > 1:
            found.update(_shortened(sorted(addresses)))
    return found


def _contexts(stack: Stack) -> Iterator[Context]:
    """Yield the context managers of a stack and those inside them."""
    # Without recursion: stacks nest as deep as the program's context managers do.
    pending: List[Any] = [stack]
    while pending:
        each = pending.pop()
        for frame in each.get("frames", ()):
            pending.extend(frame.get("contexts", ()))
        if "phase" in each:
            yield each
            pending.extend(child["context"] for child in each.get("children", ()) if child["kind"] == "context")
            if "inner" in each:
                pending.append(each["inner"])


def _shortened(addresses: Sequence[str]) -> Dict[str, str]:
    """Return as much of the end of each address as tells them apart."""
    digits = _MIN_DIGITS
    while len({address[-digits:] for address in addresses}) < len(set(addresses)):
        digits += 1
    return {address: address[-digits:] for address in addresses}
