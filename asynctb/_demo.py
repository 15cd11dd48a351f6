"""The program that ``python -m asynctb`` explains. It needs no event loop: whoever runs it sends it None."""

from __future__ import annotations

import threading
import types
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, AsyncIterator, Coroutine, Generator, Iterator


@types.coroutine
def next_event() -> Generator[None, None, str]:
    yield
    return "event"


class Database:
    async def __aenter__(self) -> Database:
        return self

    async def __aexit__(self, *exc: object) -> None:
        pass


@asynccontextmanager
async def transaction(database: Database) -> AsyncIterator[Database]:
    with threading.RLock():
        yield database


def forget(thing: object) -> None:
    pass


async def orders(database: Database) -> AsyncIterator[int]:
    async with transaction(database) as connection:
        while connection:
            await next_event()
            yield 1


async def serve() -> None:
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database())
        stack.callback(forget, database)
        async for order in orders(database):
            await next_event()
            forget(order)


@contextmanager
def suspended_program() -> Iterator[Coroutine[Any, Any, None]]:
    """Run the program until it waits for an event, and end it afterwards."""
    coroutine = serve()
    coroutine.send(None)
    try:
        yield coroutine
    finally:
        coroutine.close()
