"""Which of several objects that look the same is which: by the ends of their addresses."""

from __future__ import annotations

import collections
from typing import Any, DefaultDict, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from .._session.helper import Capture
from .._session.shapes import Shapes

Look = Tuple[str, Optional[str]]

#: Of an address, the digits at its end that are shown at least.
_MIN_DIGITS = 4


def short_addresses(capture: Capture, shapes: Shapes) -> Dict[str, str]:
    """Return what is shown of the addresses of managers that activities wait for, where several look the same."""
    waited = {
        each["waitsFor"]["target"]["address"]
        for each in capture["snapshot"]["activities"]
        if "target" in each.get("waitsFor", {})
    }
    looks: DefaultDict[Look, Set[str]] = collections.defaultdict(set)
    managers = [list(managers_of(shape)) for shape in shapes.shapes] if waited else []
    for shape, values in shapes.of.values() if waited else ():
        for look, index in managers[shape]:
            address = values[index]
            if address in waited:
                looks[look].add(address)
    found: Dict[str, str] = {}
    for addresses in looks.values():
        if len(addresses) > 1:
            found.update(_shortened(sorted(addresses)))
    return found


def managers_of(shape: Any) -> Iterator[Tuple[Look, Any]]:
    """Yield what the context managers of a shape, and those inside them, look like, and the index of their address."""
    # Without recursion: stacks nest as deep as the program's context managers do.
    pending: List[Any] = [shape]
    while pending:
        each = pending.pop()
        for frame in each.get("frames", ()):
            pending.extend(frame.get("contexts", ()))
        if "phase" in each:
            if "manager" in each:
                yield (each["manager"]["type"], each.get("description")), each["manager"]["address"]
            pending.extend(child["context"] for child in each.get("children", ()) if child["kind"] == "context")
            if "inner" in each:
                pending.append(each["inner"])


def _shortened(addresses: Sequence[str]) -> Dict[str, str]:
    """Return as much of the end of each address as tells them apart."""
    digits = _MIN_DIGITS
    while len({address[-digits:] for address in addresses}) < len(set(addresses)):
        digits += 1
    return {address: address[-digits:] for address in addresses}
