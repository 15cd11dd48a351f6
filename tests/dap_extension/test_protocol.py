"""The wire types, and what the helper makes of arguments, against the cases that both languages share."""

from __future__ import annotations

import json
import re
import sys
import types
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest
from pydantic import ConfigDict, TypeAdapter, ValidationError

from asynctb import _data
from dap_extension import protocol
from dap_extension.client._session.shapes import expand_stacks
from dap_extension.debuggee._errors import RequestError
from dap_extension.debuggee._requests import (
    parse_configure,
    parse_focus,
    parse_follow,
    parse_handshake,
    parse_search,
    parse_snapshot,
    parse_stacks,
)

FOLDER = Path(__file__).parent.parent / "protocol_cases"
FILES = sorted(FOLDER.glob("*.json"))
DOCUMENTATION = Path(__file__).parent.parent.parent / "docs" / "protocol.md"
PARSERS: Dict[str, Callable[[object], object]] = {
    "ConfigureArguments": parse_configure,
    "FocusArguments": parse_focus,
    "FollowArguments": parse_follow,
    "HandshakeArguments": parse_handshake,
    "SearchArguments": parse_search,
    "SnapshotArguments": parse_snapshot,
    "StacksArguments": parse_stacks,
}


def strict_types() -> types.ModuleType:
    """Return the protocol with types that pydantic can check: before Python 3.12 it wants those of an extension."""
    module = types.ModuleType("strict_protocol")
    sys.modules[module.__name__] = module
    source = Path(protocol.__file__).read_text(encoding="utf-8").replace("sys.version_info >= (3, 11)", "True")
    exec(
        compile(source.replace("from typing import", "from typing_extensions import"), "protocol", "exec"), vars(module)
    )
    for value in list(vars(module).values()):
        if isinstance(value, type) and hasattr(value, "__required_keys__"):
            value.__pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[attr-defined]
    return module


STRICT = strict_types()


def cases(*sorts: str) -> List[Any]:
    return list(_cases(*sorts))


def _cases(*sorts: str) -> Iterator[Any]:
    for path in FILES:
        content = json.loads(path.read_text(encoding="utf-8"))
        for sort in sorts:
            for case in content.get(sort, ()):
                yield pytest.param(content["type"], case["value"], id=f"{path.stem}: {case['note']}")


def test_every_message_has_cases() -> None:
    covered = {json.loads(path.read_text(encoding="utf-8"))["type"] for path in FILES}
    messages = {
        name
        for name in vars(protocol)
        if name.endswith(("Arguments", "Response")) or name in ("Handshake", "ErrorDetails")
    }
    assert covered == messages


@pytest.mark.parametrize(("name", "value"), cases("valid", "refused"))
def test_types_accept(name: str, value: Any) -> None:
    TypeAdapter(getattr(STRICT, name)).validate_python(value)


@pytest.mark.parametrize(("name", "value"), cases("invalid"))
def test_types_reject(name: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(getattr(STRICT, name)).validate_python(value)


def argument_cases(*sorts: str) -> List[Any]:
    return [case for case in cases(*sorts) if case.values[0] in PARSERS]


@pytest.mark.parametrize(("name", "value"), argument_cases("valid"))
def test_helper_accepts(name: str, value: Any) -> None:
    PARSERS[name](value)


@pytest.mark.parametrize(("name", "value"), argument_cases("invalid", "refused"))
def test_helper_refuses(name: str, value: Any) -> None:
    with pytest.raises(RequestError) as caught:
        PARSERS[name](value)
    assert caught.value.code == "badRequest"
    assert 10 < len(caught.value.text) < 200


def stack_cases() -> Iterator[Any]:
    for case in json.loads((FOLDER / "stacks_response.json").read_text(encoding="utf-8"))["valid"]:
        yield pytest.param(case["value"], case["expanded"], id=case["note"])


@pytest.mark.parametrize(("value", "expanded"), list(stack_cases()))
def test_shapes_are_expanded(value: Any, expanded: Any) -> None:
    stacks = [entry.get("stack") for entry in expand_stacks(value)]
    assert stacks == expanded
    for stack in stacks:
        if stack is not None:
            TypeAdapter(STRICT.Stack).validate_python(stack)


def test_the_documented_expansion() -> None:
    section = DOCUMENTATION.read_text(encoding="utf-8").partition("\n## asynctbStacks\n")[2].partition("\n## ")[0]
    answer, stack = map(json.loads, re.findall(r"```json\n(.+?)```", section, re.DOTALL))
    TypeAdapter(STRICT.StacksResponse).validate_python(answer)
    TypeAdapter(STRICT.Stack).validate_python(stack)
    first, second, ended = expand_stacks(answer)
    assert first["stack"] == stack
    assert second["stack"] != stack
    assert "stack" not in ended
    # The lines of Python there do the same.
    (code,) = re.findall(r"```python\n(.+?)```", section, re.DOTALL)
    namespace: Dict[str, Any] = {}
    exec(code, namespace)
    entry = answer["stacks"][0]
    assert namespace["expand"](answer["shapes"][entry["shape"]], entry["values"]) == stack


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("staleSnapshot: the program went on", ("staleSnapshot", "the program went on")),
        ("internal: a: b", ("internal", "a: b")),
        ("Server disconnected unexpectedly", (None, "Server disconnected unexpectedly")),
        ("internal", (None, "internal")),
    ],
)
def test_split_error_message(message: str, expected: Tuple[Any, str]) -> None:
    assert protocol.split_error_message(message) == expected


@pytest.mark.parametrize(
    ("plain", "wire", "only_plain", "only_wire"),
    [
        ("ObjectData", "ObjectRef", set(), set()),
        ("LocationData", "Location", {"path", "colOffset", "endColOffset"}, {"source", "column", "endColumn"}),
        ("FrameData", "Frame", {"text"}, {"activityId", "frameId", "library"}),
        ("ContextData", "Context", set(), set()),
        ("ContextChildData", "ContextChild", set(), set()),
        ("TaskChildData", "TaskChild", {"stack"}, {"activityId"}),
        ("TracebackData", "Stack", {"root"}, set()),
        ("WaitData", "WaitInfo", set(), set()),
        ("ActivityData", "ActivityInfo", {"stack", "target", "threadIdent"}, {"dapThreadId"}),
    ],
)
def test_names_are_those_of_the_plain_data(plain: str, wire: str, only_plain: set[str], only_wire: set[str]) -> None:
    plain_names, wire_names = fields_of(getattr(_data, plain)), fields_of(getattr(protocol, wire))
    assert plain_names - wire_names == only_plain
    assert wire_names - plain_names == only_wire


def fields_of(shape: Any) -> set[str]:
    return set(shape.__required_keys__ | shape.__optional_keys__)
