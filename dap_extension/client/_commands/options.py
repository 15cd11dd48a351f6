"""Options and arguments that several commands have."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Callable, Optional, Tuple

import click

from .._drawing.output import MOST_SINGLE, Output
from .messages import errors_explained

if TYPE_CHECKING:
    _PairType = click.ParamType[Tuple[str, int]]
    _StringPairType = click.ParamType[Tuple[str, str]]
else:
    _PairType = _StringPairType = click.ParamType  # not generic before click 8.4


class BreakpointType(_PairType):
    """FILE:LINE -> (path, line)."""

    name = "FILE:LINE"

    def convert(self, value: Any, param: Optional[click.Parameter], ctx: Optional[click.Context]) -> Tuple[str, int]:
        if isinstance(value, tuple):
            return value
        path, colon, line = str(value).rpartition(":")
        if not colon or not path or not re.fullmatch("[0-9]+", line) or int(line) < 1:
            self.fail(f"{value!r} is not of the form FILE:LINE, such as app/main.py:42", param, ctx)
        if not os.path.isfile(path):
            self.fail(f"there is no file {path!r}", param, ctx)
        return path, int(line)


class AddressType(_PairType):
    """[HOST:]PORT -> (host, port)."""

    name = "[HOST:]PORT"

    def convert(self, value: Any, param: Optional[click.Parameter], ctx: Optional[click.Context]) -> Tuple[str, int]:
        if isinstance(value, tuple):
            return value
        host, _, port = str(value).rpartition(":")
        if not re.fullmatch("[0-9]+", port) or not 0 < int(port) < 65536:
            self.fail(f"{value!r} is not of the form HOST:PORT, such as localhost:5678", param, ctx)
        return host.strip("[]") or "127.0.0.1", int(port)


class MappingType(_StringPairType):
    """REMOTE=LOCAL -> (remote, local)."""

    name = "REMOTE=LOCAL"

    def convert(self, value: Any, param: Optional[click.Parameter], ctx: Optional[click.Context]) -> Tuple[str, str]:
        if isinstance(value, tuple):
            return value
        remote, equals, local = str(value).partition("=")
        if not equals or not remote.rstrip("/\\") or not local:
            self.fail(f"{value!r} is not of the form REMOTE=LOCAL, such as /srv/app=/home/me/app", param, ctx)
        return remote, local


def _options(*decorators: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def decorate(function: Any) -> Any:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


output_options = _options(
    click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each look at the program."),
    click.option("--filter", "contains", metavar="TEXT", help="Show only what has TEXT in its name, state or stack."),
    click.option("--why", is_flag=True, help="Print only why something does not go on."),
    click.option(
        "--group/--no-group",
        default=None,
        help="Put tasks with identical stacks together, or do not. "
        f"Without either, that is done if there are more than {MOST_SINGLE}.",
    ),
    click.option("--all-frames", is_flag=True, help="Show the frames of the frameworks, too."),
    click.option("--no-hooks", is_flag=True, help="Show plain stacks: nothing hidden, left out or described by hooks."),
)
save_option = click.option(
    "--output",
    "save_to",
    metavar="FILE",
    type=click.Path(),
    help="Write a snapshot file, for asynctb show; print nothing unless an option says what.",
)
stop_options = _options(
    click.option(
        "--break", "breakpoints", type=BreakpointType(), multiple=True, help="Stop there; can be given several times."
    ),
    click.option(
        "--stops",
        metavar="NUMBER",
        type=click.IntRange(min=0),
        default=1,
        show_default=True,
        help="How many stops to print; 0: all. Later ones pass unnoticed.",
    ),
)
target_options = _options(
    click.argument("address", metavar="[HOST:PORT]", type=AddressType(), required=False),
    click.option("--pid", metavar="PID", type=click.IntRange(min=1), help="Inject debugpy into this process instead."),
)


def make_output(**options: Any) -> Output:
    with errors_explained():
        return Output(**options)
