"""The packages ``async_generator`` and ``async_exit_stack``, which brought later Pythons' features to older ones."""

from __future__ import annotations

import types
from typing import Any, Callable, Optional, cast

import attrs

from .._model import ContextInfo
from .._objects import class_attribute, exact_str, get_field, module_field
from .._stacks.customize import Target, Walk, customize, register_elaborate_context, register_unwrap_awaitable
from ._room import Room
from .contextlib import exit_stack


def _install_exit_stack(module: types.ModuleType) -> None:
    register_elaborate_context(module_field(module, "AsyncExitStack"))(exit_stack)


def _install_generator_managers(module: types.ModuleType) -> None:
    register_elaborate_context(module_field(module, "_AsyncGeneratorContextManager"))(_generator_manager)


def _install_async_generators(module: types.ModuleType) -> None:
    generator = module_field(module, "AsyncGenerator")
    # asend() and its kin are coroutines here, between the frames of whoever iterates and those of the generator.
    customize(cast(Callable[..., Any], class_attribute(generator, "_do_it")), "step", skip_frame=True)
    customize(cast(Callable[..., Any], class_attribute(generator, "aclose")), skip_frame=True)
    customize(module_field(module, "yield_"), skip_frame=True, skip_callees=True)
    customize(module_field(module, "yield_from_"), skip_frame=True)
    register_unwrap_awaitable(generator)(_coroutine)
    register_unwrap_awaitable(module_field(module, "ANextIter"))(_iterator)


def _coroutine(generator: object) -> Target:
    return cast(Target, get_field(generator, "_coroutine"))


def _iterator(awaitable: object) -> Target:
    return cast(Target, get_field(awaitable, "_it"))


def _generator_manager(context: ContextInfo, walk: Walk) -> ContextInfo:
    name: Optional[str] = exact_str(get_field(context.manager, "_func_name"))
    inner = walk.stack(get_field(context.manager, "_agen")) if context.phase == "active" else None
    return attrs.evolve(context, description=None if name is None else f"{name}()", inner=inner)


ROOM = Room(
    {
        "async_generator._impl": _install_async_generators,
        "async_generator._util": _install_generator_managers,
        "async_exit_stack": _install_exit_stack,
    }
)
