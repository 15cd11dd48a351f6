"""What an instruction calls, and with what."""

from __future__ import annotations

import functools
import sys
from typing import Any, Dict, List, Optional, Sequence, Tuple

import pytest

from asynctb._code.calls import Attribute, Call, Constant, Element, Items, Name, Slice, call_at

calls: List[Optional[Call]] = []


def noting(*args: object, **kwargs: object) -> None:
    frame = sys._getframe(1)
    calls.append(call_at(frame.f_code, frame.f_lasti))


#: Written in C, as all of which this is asked for.
note = functools.partial(noting)


class Noted:
    note = staticmethod(functools.partial(noting))

    def __init__(self) -> None:
        self.keywords = {"a": 1}

    def __iter__(self) -> Noted:
        return self

    def __next__(self) -> int:
        note_caller()
        raise StopIteration

    def __enter__(self) -> None:
        note_caller()

    def __exit__(self, *args: object) -> None:
        pass


def note_caller() -> None:
    frame = sys._getframe(2)
    calls.append(call_at(frame.f_code, frame.f_lasti))


def plain(text: Any, noted: Any, extra: Any) -> None:
    note()
    note(text)
    note(text, 3, None)
    note(text, timeout=5)
    note(text, a=noted, timeout=2.5)
    noted.note(1, text)
    noted.note([text, noted], (text, 7))
    note(*extra)
    note(**noted.keywords)
    note(text + text)


def constant(expression: object) -> object:
    return expression.value if isinstance(expression, Constant) else expression


def arguments(call: Optional[Call]) -> Optional[Tuple[Optional[Sequence[object]], Dict[str, object]]]:
    if call is None:
        return None
    given = None if call.positional is None else [constant(each) for each in call.positional]
    return given, {name: constant(value) for name, value in call.keywords.items()}


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    calls.clear()


def test_arguments() -> None:
    plain("text", Noted(), ())
    text, noted = Name("LOAD_FAST", "text"), Name("LOAD_FAST", "noted")
    found = [arguments(call) for call in calls]
    assert found[:6] == [
        ([], {}),
        ([text], {}),
        ([text, 3, None], {}),
        ([text], {"timeout": 5}),
        ([text], {"a": noted, "timeout": 2.5}),
        ([1, text], {}),
    ]
    assert found[6] is not None
    assert found[6][0] == [Items((text, noted)), Items((text, Constant(7)))]
    assert [each and each[0] for each in found[7:]] == [None, None, [None]]
    assert [each is not None and each.callee == Name("LOAD_GLOBAL", "note") for each in calls[:5]] == [True] * 5
    assert calls[5] is not None
    assert calls[5].callee == Attribute(noted, "note")


def test_loop() -> None:
    noted = Noted()
    for _ in noted:
        pass
    assert calls == [Call(Attribute(Name("LOAD_FAST", "noted"), "__next__", True), (), {})]


def test_block() -> None:
    noted = Noted()
    with noted:
        pass
    (call,) = calls
    assert call is not None
    assert call.callee == Attribute(Name("LOAD_FAST", "noted"), "__enter__", True)
    assert arguments(call) == ([], {}) or arguments(call) == ((), {})


def test_elements() -> None:
    items, index = [Noted(), Noted()], 1
    items[0].note()
    items[index].note(items[:1])
    named = {"it": items[1]}
    named["it"].note()
    names = [Name("LOAD_FAST", name) for name in ("items", "index", "named")]
    elements = [Element(names[0], Constant(0)), Element(names[0], names[1]), Element(names[2], Constant("it"))]
    assert [call and call.callee for call in calls] == [Attribute(each, "note") for each in elements]
    assert calls[1] is not None
    assert calls[1].positional is not None
    (sliced,) = calls[1].positional
    assert isinstance(sliced, Element)
    key = sliced.key
    # A constant from CPython 3.14 on.
    assert key in (Constant(slice(None, 1)), Slice((Constant(None), Constant(1))))
