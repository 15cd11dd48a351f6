"""What libraries that do not import asynctb are given, to say what they know about themselves."""

from __future__ import annotations

from typing import Any, Callable

import attrs

from .._frames import local_variable
from .._objects import get_field
from .._stacks.customize import (
    customize,
    register_elaborate_context,
    register_elaborate_context_generator,
    register_elaborate_frame,
    register_get_target,
    register_root,
    register_stack_finder,
    register_unwrap_awaitable,
    register_unwrap_context_generator,
    register_unwrap_context_manager,
)
from .facts import Held, register_holders, register_wait


@attrs.frozen(eq=False, repr=False)
class Registration:
    """What ``_asynctb_install_`` functions and entry points get: what they need of asynctb, without importing it.

    The attributes are the public functions of the same names.
    """

    customize: Callable[..., Any] = customize
    register_get_target: Callable[..., Any] = register_get_target
    register_root: Callable[..., Any] = register_root
    register_unwrap_awaitable: Callable[..., Any] = register_unwrap_awaitable
    register_unwrap_context_manager: Callable[..., Any] = register_unwrap_context_manager
    register_elaborate_context: Callable[..., Any] = register_elaborate_context
    register_elaborate_frame: Callable[..., Any] = register_elaborate_frame
    register_unwrap_context_generator: Callable[..., Any] = register_unwrap_context_generator
    register_elaborate_context_generator: Callable[..., Any] = register_elaborate_context_generator
    register_stack_finder: Callable[..., Any] = register_stack_finder
    register_wait: Callable[..., Any] = register_wait
    register_holders: Callable[..., Any] = register_holders
    Held: Callable[..., Any] = Held
    get_field: Callable[..., Any] = get_field
    local_variable: Callable[..., Any] = local_variable
