"""What holds for all messages: whatever a client sends is taken or refused, and what the types allow survives JSON."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, List, Optional

import pytest
from hypothesis import given, strategies as st
from pydantic import TypeAdapter
from test_protocol import PARSERS, STRICT

from dap_extension.client._session.helper import _Sources
from dap_extension.debuggee._errors import RequestError
from dap_extension.protocol import ERROR_IDS, MAX_PAGE, split_error_message

#: What `json.loads` can return, which takes more than JSON has: NaN, lone surrogates, numbers of any size.
TEXTS = st.text(st.characters(), max_size=60)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4))
FIELDS = ["snapshotId", "start", "count", "activityIds", "client", "callStack", "enabled", "limit", "libraryTasks"]
FIELDS += ["activityId", "frameId", "reason"]
ARGUMENTS = VALUES | st.dictionaries(
    st.sampled_from(FIELDS), VALUES | st.dictionaries(st.sampled_from(FIELDS), VALUES), max_size=5
)

#: Arguments that the protocol allows, with fields that it does not know.
ALLOWED: Dict[str, st.SearchStrategy[Any]] = {
    "HandshakeArguments": st.fixed_dictionaries({}, optional={"client": TEXTS, "later": VALUES}),
    "SnapshotArguments": st.fixed_dictionaries({}, optional={"count": st.integers(1, MAX_PAGE), "later": VALUES})
    | st.fixed_dictionaries(
        {"snapshotId": st.integers(1, 2**53 - 1)},
        optional={"start": st.integers(0, 2**53 - 1), "count": st.integers(1, MAX_PAGE)},
    ),
    "StacksArguments": st.fixed_dictionaries(
        {"snapshotId": st.integers(1, 2**53 - 1), "activityIds": st.lists(TEXTS, min_size=1, max_size=20)},
        optional={"later": VALUES},
    ),
    "FocusArguments": st.fixed_dictionaries(
        {"snapshotId": st.integers(1, 2**53 - 1), "activityId": TEXTS},
        optional={"frameId": st.integers(1, 2**53 - 1), "reason": TEXTS, "later": VALUES},
    ),
    "SearchArguments": st.fixed_dictionaries(
        {"snapshotId": st.integers(1, 2**53 - 1), "text": st.text(min_size=1, max_size=200)},
        optional={"start": st.integers(0, 2**53 - 1), "hidden": st.booleans(), "later": VALUES},
    ),
    "FollowArguments": st.fixed_dictionaries(
        {"snapshotId": st.integers(1, 2**53 - 1), "activityId": TEXTS}, optional={"later": VALUES}
    ),
    "ConfigureArguments": st.fixed_dictionaries(
        {},
        optional={
            "callStack": st.fixed_dictionaries(
                {},
                optional={
                    "enabled": st.booleans(),
                    "limit": st.integers(1, MAX_PAGE),
                    "libraryTasks": st.booleans(),
                    "later": VALUES,
                },
            )
        },
    ),
}
ERROR_DETAILS = TypeAdapter(STRICT.ErrorDetails)
each_message = pytest.mark.parametrize(("name", "parse"), PARSERS.items(), ids=list(PARSERS))


@each_message
@given(data=st.data())
def test_arguments_are_taken_or_refused_with_a_reason(
    name: str, parse: Callable[[object], object], data: st.DataObject
) -> None:
    arguments = data.draw(ARGUMENTS)
    before = repr(arguments)
    refused = refusal(parse, arguments)
    assert repr(arguments) == before
    if refused is not None:
        assert refused.code == "badRequest"
        assert 10 < len(refused.text) < 200
        assert ERROR_DETAILS.validate_python(json.loads(json.dumps(refused.details()))) == refused.details()


def refusal(parse: Callable[[object], object], arguments: object) -> Optional[RequestError]:
    try:
        parse(arguments)
    except RequestError as error:
        return error
    return None


@each_message
@given(data=st.data())
def test_allowed_arguments_are_taken(name: str, parse: Callable[[object], object], data: st.DataObject) -> None:
    assert set(ALLOWED) == set(PARSERS)
    parse(data.draw(ALLOWED[name]))


@pytest.mark.parametrize("name", ["Handshake", "ErrorDetails", "ConfigureResponse", "StacksArguments", "ActivityInfo"])
@given(data=st.data())
def test_what_the_types_allow_survives_json(name: str, data: st.DataObject) -> None:
    kind = getattr(STRICT, name)
    message = data.draw(st.from_type(kind))
    received = json.loads(json.dumps(message))
    TypeAdapter(kind).validate_python(received)
    assert received == message


@given(code=st.sampled_from(sorted(ERROR_IDS)), text=TEXTS)
def test_errors_are_told_apart_from_those_of_others(code: str, text: str) -> None:
    assert split_error_message(f"{code}: {text}") == (code, text)
    assert split_error_message(f"a{code}: {text}") == (None, f"a{code}: {text}")


NAMED = st.fixed_dictionaries({"name": st.sampled_from("abcdef")}, optional={"path": st.sampled_from(["/x", "/y"])})


@st.composite
def page(draw: st.DrawFn) -> Any:
    """Return sources, and frames with locations in them, some inside a context manager of another one."""
    sources = draw(st.lists(NAMED, min_size=1, max_size=4))
    location = st.fixed_dictionaries({"source": st.integers(0, len(sources) - 1), "line": st.integers(1, 9)})
    frames = st.recursive(
        st.fixed_dictionaries({"location": location}),
        lambda inner: st.fixed_dictionaries(
            {
                "location": location,
                "contexts": st.lists(
                    st.fixed_dictionaries({"inner": st.fixed_dictionaries({"frames": st.lists(inner, max_size=3)})}),
                    max_size=2,
                ),
            }
        ),
        max_leaves=6,
    )
    return sources, draw(st.lists(frames, max_size=5))


def sources_of(value: Any, sources: List[Any]) -> List[Any]:
    """Return the source of each location in *value*."""
    if isinstance(value, list):
        return [source for item in value for source in sources_of(item, sources)]
    if isinstance(value, dict):
        own = [sources[value["location"]["source"]]] if "location" in value else []
        return own + [source for item in value.values() for source in sources_of(item, sources)]
    return []


@given(pages=st.lists(page(), min_size=1, max_size=4))
def test_pages_that_are_put_together_keep_their_sources(pages: List[Any]) -> None:
    expected = [sources_of(frames, sources) for sources, frames in pages]
    merged: List[Any] = []
    merger = _Sources(merged)
    for sources, frames in pages:
        merger.add(sources, frames)
    assert [sources_of(frames, merged) for _, frames in pages] == expected
    assert len({json.dumps(source, sort_keys=True) for source in merged}) == len(merged)
