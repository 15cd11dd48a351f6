"""The packages that brought later Pythons' features to older ones."""

from __future__ import annotations

from typing import Any

import pytest
from support import names, suspended, trap

from asynctb import ContextInfo, Traceback


def visible(stack: Any) -> Any:
    return names(info for info in stack if not info.hide)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_async_generator() -> None:
    async_generator = pytest.importorskip("async_generator")

    @async_generator.async_generator
    async def items() -> None:
        await async_generator.yield_(1)
        await trap()

    @async_generator.asynccontextmanager
    @async_generator.async_generator
    async def connect() -> None:
        await async_generator.yield_(1)

    async def wait() -> None:
        async with connect():
            async for _ in items():
                pass

    with suspended(wait()) as coroutine:
        stack = Traceback.of(coroutine)
        assert visible(stack) == ["wait", "items", "trap"]
        (context,) = stack.frames[0].contexts
        assert context.description == "connect()"
        assert visible(context.inner) == ["connect"]
        assert stack.error is None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_async_exit_stack() -> None:
    async_exit_stack = pytest.importorskip("async_exit_stack")

    async def wait() -> None:
        async with async_exit_stack.AsyncExitStack() as stack:
            stack.callback(print, 1)
            await trap()
            stack.pop_all()

    with suspended(wait()) as coroutine:
        (context,) = Traceback.of(coroutine).frames[0].contexts
        assert context.description == "AsyncExitStack with 1 entry"
        (child,) = context.children
        assert isinstance(child, ContextInfo)
        assert child.description == "callback print()"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_delegating_async_generator() -> None:
    async_generator = pytest.importorskip("async_generator")

    @async_generator.async_generator
    async def items() -> None:
        await trap()

    @async_generator.async_generator
    async def delegates() -> None:
        await async_generator.yield_from_(items())

    async def wait() -> None:
        async for _ in delegates():
            pass

    with suspended(wait()) as coroutine:
        assert visible(Traceback.of(coroutine)) == ["wait", "delegates", "items", "trap"]
