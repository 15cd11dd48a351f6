"""What the built-in awaitables await: asend() and its kin, anext(), ``coroutine_wrapper``, `types.coroutine`."""

from __future__ import annotations

import builtins
import gc
import sys
import types
from typing import Any, List, Optional

from .._objects import get_field
from .._stacks.customize import Target, customize, register_unwrap_awaitable
from .._stacks.follow import NO_REFERENT, CannotFollow
from ._room import Room


def _install(module: types.ModuleType) -> None:
    asend, athrow, wrapper = _types_of_awaitables()
    register_unwrap_awaitable(asend)(_first_async_generator)
    register_unwrap_awaitable(athrow)(_first_async_generator)
    register_unwrap_awaitable(wrapper)(_wrapped_coroutine)
    generator_wrapper = getattr(types, "_GeneratorWrapper", None)
    if generator_wrapper is not None:
        register_unwrap_awaitable(generator_wrapper)(_wrapped_generator)
    if sys.version_info >= (3, 10):
        awaitable = builtins.anext(_NeverAwaited(), None)
        if type(awaitable) is types.CoroutineType:  # PyPy, whose anext() is written in Python
            awaitable.close()
            customize(awaitable.cr_code, skip_frame=True)
        else:
            register_unwrap_awaitable(type(awaitable))(_first_referent)


class _NeverAwaited:
    """An asynchronous iterator whose items need not be awaited, so that nobody warns about that."""

    def __aiter__(self) -> _NeverAwaited:
        return self

    def __anext__(self) -> Any:
        return self

    def __await__(self) -> Any:
        return iter(())


def _types_of_awaitables() -> tuple[type, type, type]:
    async def generator() -> Any:
        yield

    async def coroutine() -> None:
        pass

    # Without the hooks of an event loop: its firstiter hook would get to see our generator.
    firstiter, finalizer = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        asend, athrow = generator().asend(None), generator().athrow(GeneratorExit)
        asend.close()
        athrow.close()
    finally:
        sys.set_asyncgen_hooks(firstiter, finalizer)
    awaited = coroutine()
    wrapper = awaited.__await__()
    awaited.close()
    return type(asend), type(athrow), type(wrapper)


def _first_async_generator(awaitable: object) -> Target:
    # Objects/genobject.c: async_gen_asend_traverse() and async_gen_athrow_traverse() visit the generator first, then
    # what is sent or thrown into it, which can be an asynchronous generator as well. PyPy 3.11 has the same order.
    return _first_of(types.AsyncGeneratorType, awaitable)


def _first_referent(awaitable: object) -> Target:
    # Objects/iterobject.c: anextawaitable_traverse() visits what is awaited first, then the default.
    referents: List[Target] = gc.get_referents(awaitable)
    if referents:
        return referents[0]
    raise CannotFollow(NO_REFERENT)


def _wrapped_coroutine(wrapper: object) -> Target:
    return _first_of(types.CoroutineType, wrapper)


def _first_of(kind: type, awaitable: object) -> Target:
    referents: List[Target] = gc.get_referents(awaitable)
    for referent in referents:
        if type(referent) is kind:
            return referent
    raise CannotFollow(NO_REFERENT)


def _wrapped_generator(wrapper: object) -> Target:
    wrapped: Optional[object] = get_field(wrapper, "_GeneratorWrapper__wrapped")
    return wrapped


ROOM = Room({"builtins": _install})
