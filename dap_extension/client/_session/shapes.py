"""From the shapes of the protocol to stacks that need nothing else to be understood."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Sequence, Tuple, TypedDict, Union, cast

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
    """Return the stacks of an answer; those of one shape share what is the same in them, so that it must not change."""
    uses: List[int] = [0] * len(answer["shapes"])
    for entry in answer["stacks"]:
        if "shape" in entry:
            uses[entry["shape"]] += 1
    made = {index: _maker(shape) for index, shape in enumerate(answer["shapes"]) if uses[index] > 1}
    expanded: List[ExpandedStack] = []
    for entry in answer["stacks"]:
        of: ExpandedStack = {"activityId": entry["activityId"]}
        if "shape" in entry:
            index, values = entry["shape"], entry["values"]
            of["stack"] = made[index](values) if index in made else expand(answer["shapes"][index], values)
        if "error" in entry:
            of["error"] = entry["error"]
        expanded.append(of)
    return expanded


def _maker(shape: Any) -> Callable[[Sequence[Value]], Stack]:
    """Return what does the same as `expand` for a shape, but is compiled for it."""
    constants: List[Any] = []
    source = _source_of(shape, constants)
    return cast(Callable[[Sequence[Value]], Stack], eval(f"lambda values: {source}", {"constants": constants}))


def _source_of(part: Any, constants: List[Any]) -> str:
    if isinstance(part, dict):
        if _varies(part):
            items = (
                f"{key!r}: " + (f"values[{item!r}]" if key in VARYING else _source_of(item, constants))
                for key, item in part.items()
            )
            return "{" + ", ".join(items) + "}"
    elif isinstance(part, list) and _varies(part):
        return "[" + ", ".join(_source_of(item, constants) for item in part) + "]"
    constants.append(part)
    return f"constants[{len(constants) - 1}]"


def _varies(part: Any) -> bool:
    if isinstance(part, dict):
        return any(key in VARYING or _varies(item) for key, item in part.items())
    return isinstance(part, list) and any(map(_varies, part))


def json_of_stacks(answer: StacksResponse) -> Iterator[str]:
    """Yield what ``json.dumps`` would return for each of the `expand_stacks`, in a fraction of the time."""
    templates: Dict[int, Tuple[List[str], List[int]]] = {}
    for entry in answer["stacks"]:
        parts = ['{"activityId":', json.dumps(entry["activityId"])]
        if "shape" in entry:
            index = entry["shape"]
            if index not in templates:
                templates[index] = _template(answer["shapes"][index])
            texts, places = templates[index]
            values = entry["values"]
            parts += [',"stack":', texts[0]]
            for place, text in zip(places, texts[1:]):
                value = values[place]
                parts += [str(value) if type(value) is int else json.dumps(value), text]
        if "error" in entry:
            parts += [',"error":', json.dumps(entry["error"], separators=(",", ":"))]
        parts.append("}")
        yield "".join(parts)


def _template(shape: Any) -> Tuple[List[str], List[int]]:
    """Return the text of a shape as JSON, cut where a value belongs, and the indexes of these values."""
    texts, places = [""], []
    for piece in _pieces(shape):
        if isinstance(piece, int):
            places.append(piece)
            texts.append("")
        else:
            texts[-1] += piece
    return texts, places


def _pieces(part: Any) -> Iterator[Union[str, int]]:
    if not _varies(part):
        yield json.dumps(part, separators=(",", ":"))
    elif isinstance(part, dict):
        opening = "{"
        for key, item in part.items():
            yield f"{opening}{json.dumps(key)}:"
            yield from [item] if key in VARYING else _pieces(item)
            opening = ","
        yield "}"
    else:
        opening = "["
        for item in part:
            yield opening
            yield from _pieces(item)
            opening = ","
        yield "]"


class Shapes:
    """Which stacks of a capture have the same shape: what is the same for them all is to be made once.

    :param expanded: the stacks.
    :param shared: the same with their shapes. None: nobody knows them; then each stack has a shape of its own.
    """

    def __init__(self, expanded: Sequence[ExpandedStack], shared: Union[StacksResponse, None]) -> None:
        #: By the number of the shape. An index in one is to be looked up in the values.
        self.shapes: List[Any]
        #: By activity: the number of its shape, and its values.
        self.of: Dict[str, Tuple[int, Any]]
        if shared is not None:
            self.shapes = list(shared["shapes"])
            self.of = {
                each["activityId"]: (each["shape"], each["values"]) for each in shared["stacks"] if "shape" in each
            }
        else:
            known = [each for each in expanded if "stack" in each]
            self.shapes = [each["stack"] for each in known]
            self.of = {each["activityId"]: (index, _ITSELF) for index, each in enumerate(known)}


class _Itself:
    """The values of a stack that has them in it."""

    def __getitem__(self, value: Value) -> Value:
        return value


_ITSELF = _Itself()
