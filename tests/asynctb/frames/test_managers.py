"""The manager of a block whose exit method is not simply a method of the manager's class."""

from __future__ import annotations

import functools
from typing import Any, Callable, List

import pytest
from support import suspended, trap

from asynctb import Traceback


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


class Decorated:
    @decorated
    async def __aenter__(self) -> Decorated:
        return self

    @decorated
    @decorated
    async def __aexit__(self, *exc_info: object) -> None:
        await trap()


class DecoratedEnter(Decorated):
    @decorated
    async def __aenter__(self) -> Decorated:
        await trap()
        return self


made: List[Decorated] = []


def make(kind: type = Decorated) -> Any:
    made.append(kind())
    return made[-1]


async def falls_through() -> None:
    async with make():
        pass


async def returns() -> int:
    async with make() as manager:
        return len([manager])


async def breaks() -> None:
    while True:
        async with make():
            break


async def enters() -> None:
    async with make(DecoratedEnter):
        pass


@pytest.mark.parametrize("function", [falls_through, returns, breaks, enters])
def test_decorated_methods_that_are_awaited(function: Callable[[], Any]) -> None:
    with suspended(function()) as coroutine:
        (context,) = Traceback.of(coroutine).frames[0].contexts
        assert context.manager is made.pop(), context.unknown
        assert context.phase == ("entering" if function is enters else "exiting")
