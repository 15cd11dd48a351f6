"""From the shapes of the protocol to stacks that need nothing else to be understood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, Sequence, TypedDict, cast

from ...protocol import VARYING, ErrorDetails, SourceRef, Stack, StacksResponse, Value

if TYPE_CHECKING:
    from typing_extensions import NotRequired


class ExpandedStack(TypedDict):
    """An `ActivityStack` with the stack itself."""

    activityId: str
    #: Absent if the activity has ended since; then `error` says so.
    stack: NotRequired[Stack]
    error: NotRequired[ErrorDetails]


class ExpandedStacks(TypedDict):
    """A `StacksResponse` without shapes."""

    snapshotId: int
    stacks: List[ExpandedStack]
    sources: List[SourceRef]


def expand(shape: Any, values: Sequence[Value]) -> Any:
    """Return a part of a shape with the values in it; the helper limits how deep it recurses."""
    if isinstance(shape, dict):
        return {key: values[item] if key in VARYING else expand(item, values) for key, item in shape.items()}
    if isinstance(shape, list):
        return [expand(item, values) for item in shape]
    return shape


def expand_stacks(answer: StacksResponse) -> List[ExpandedStack]:
    """Return the stacks of an answer; no part of one is a part of another."""
    expanded: List[ExpandedStack] = []
    for entry in answer["stacks"]:
        of: ExpandedStack = {"activityId": entry["activityId"]}
        if "shape" in entry:
            of["stack"] = cast(Stack, expand(answer["shapes"][entry["shape"]], entry["values"]))
        if "error" in entry:
            of["error"] = entry["error"]
        expanded.append(of)
    return expanded
