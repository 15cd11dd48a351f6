"""Stacks as text, and as the standard library's type."""

from __future__ import annotations

import re
import traceback
from typing import List, NamedTuple, Optional

from .._frameworks._hiding import hidden_packages
from .._model import ContextInfo, FrameInfo, Traceback
from .._objects import (
    address_of,
    class_attribute,
    error_line,
    exact_str,
    get_field,
    simple_type_name,
    type_name,
)
from .._source import line_of_file
from .._stacks.customize import names
from .._stacks.follow import Ended
from .fields import error_text

#: What breaks lines, moves the cursor, turns the direction of writing round, or cannot be encoded.
_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_CALL = re.compile(r"[\w.]+\(")
#: Libraries whose frames are hidden one by one.
_WRAPPING = ("contextlib", "async_generator")


class _Strokes(NamedTuple):
    item: str
    last_item: str
    beside: str
    below_last: str


_UNICODE = _Strokes("├─ ", "└─ ", "│  ", "   ")
_ASCII = _Strokes("|- ", "`- ", "|  ", "   ")


class Node(NamedTuple):
    """A line of a tree, and what hangs under it."""

    text: str
    children: List[Node]


def draw(roots: List[Node], *, ascii_only: bool) -> List[str]:
    """Return the lines of trees."""
    lines: List[str] = []
    for root in roots:
        lines.append(_one_line(root.text))
        _draw(root.children, "", _ASCII if ascii_only else _UNICODE, lines)
    if ascii_only:
        lines = [line.encode("ascii", "backslashreplace").decode("ascii") for line in lines]
    return lines


def _draw(nodes: List[Node], indent: str, strokes: _Strokes, lines: List[str]) -> None:
    for node in nodes:
        last = node is nodes[-1]
        lines.append(indent + (strokes.last_item if last else strokes.item) + _one_line(node.text))
        _draw(node.children, indent + (strokes.below_last if last else strokes.beside), strokes, lines)


def _one_line(text: str) -> str:
    return _CONTROLS.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def format_traceback(
    stack: Traceback, *, ascii_only: bool = False, show_contexts: bool = True, show_hidden: bool = False
) -> List[str]:
    """Return the lines of a tree of *stack*, see `Traceback.format`."""
    if all(info.hide for info in stack.frames):  # better than nothing
        show_hidden = True
    root = Node(_title(stack), Renderer(show_contexts, show_hidden).stack_nodes(stack))
    return draw([root], ascii_only=ascii_only)


def _title(stack: Traceback) -> str:
    root = stack.root
    if root is None:
        return "stack, outermost frame first"
    name = exact_str(get_field(root, "__qualname__"))  # coroutines and generators, also Cython's
    if name is None:
        name_of = names.find(type(root))
        name = None if name_of is None else name_of(root)
    return object_text(root) if name is None else f"{type_name(type(root))} {name} at {address_of(root)}"


class Renderer:
    """Turns the parts of a stack into nodes of a tree."""

    def __init__(self, show_contexts: bool, show_hidden: bool) -> None:
        self._show_contexts = show_contexts
        self._show_hidden = show_hidden

    def stack_nodes(self, stack: Traceback) -> List[Node]:
        """Return what hangs under a stack: its frames, what it waits for, and what cut it short."""
        nodes = [self.frame_node(frame) for frame in stack.frames if self._show_hidden or not frame.hide]
        end = [] if stack.leaf is None else [object_text(stack.leaf)]
        if stack.error is not None:
            is_known = type(stack.error) is Ended
            end.append(error_text(stack.error) if is_known else f"incomplete: {error_text(stack.error)}")
        if end:
            nodes.append(Node(", ".join(end), []))
        return nodes

    def frame_node(self, frame: FrameInfo) -> Node:
        """Return a frame with its contexts and its line of source."""
        children = []
        if self._show_contexts:
            children = [self._context_node(context) for context in frame.contexts]
            if frame.contexts_unknown is not None:
                children.append(Node(f"# context managers may be missing: {frame.contexts_unknown}", []))
        line = frame.linetext
        if line:
            children.append(Node(line, []))
        lineno = frame.lineno if frame.lineno is not None else "?"
        return Node(f"{frame.funcname}  {frame.filename}:{lineno}", children)

    def _context_node(self, context: ContextInfo) -> Node:
        children = []
        if context.inner is not None:
            children += self.stack_nodes(context.inner)
        for child in context.children:
            children.append(self.child_node(child) if isinstance(child, Traceback) else self._context_node(child))
        return Node(_context_text(context), children)

    def child_node(self, stack: Traceback) -> Node:
        """Return a task of a nursery or task group."""
        return Node(_title(stack), self.stack_nodes(stack))


def _context_text(context: ContextInfo, *, with_line: bool = True) -> str:
    """Return a context as the source of a ``with`` statement with a comment."""
    kind = None if context.manager is None else type(context.manager)
    description = context.description or ""
    named = description != "" and (kind is None or _names(description, kind))
    if named:
        what, call_ends, description = description.partition("), ")  # "open_nursery(), 2 tasks"
        what += call_ends[:1]
    else:
        what = type_name(kind) if kind is not None else "an unknown context manager"
    # An entry of an ExitStack may be a callback. What a hook shows instead of a manager is named by the manager's call.
    is_entered = kind is None or _is_manager(kind) or _CALL.match(context.description or "") is not None
    if is_entered or context.block.position is not None:
        what = ("async with " if context.is_async else "with ") + what
    if context.varname is not None:
        what += f" as {context.varname}"
    remarks = []
    if with_line and context.start_line is not None:
        remarks.append(f"line {context.start_line}")
    if context.exception is not None:
        remarks.append(f"{context.phase} because of {error_line(context.exception)}")
    elif context.phase != "active":
        remarks.append(context.phase)
    if description:
        remarks.append(description)
    if kind is not None and _is_manager(kind) and not _is_helper(kind):
        known = not named or simple_type_name(kind) in (context.description or "")
        # The address tells whether it is the lock that another task holds.
        remarks.append(f"at {address_of(context.manager)}" if known else object_text(context.manager))
    if context.unknown is not None:
        remarks.append(context.unknown)
    return f"{what}  # {', '.join(remarks)}" if remarks else what


def _is_manager(kind: type) -> bool:
    return class_attribute(kind, "__exit__") is not None or class_attribute(kind, "__aexit__") is not None


def _is_helper(kind: type) -> bool:
    """Return whether a class is one that a library wraps the program's own code in, which is what is shown then."""
    library = type_name(kind).partition(".")[0]
    return simple_type_name(kind).startswith("_") and (library in _WRAPPING or library in hidden_packages)


def _names(description: str, kind: type) -> bool:
    """Return whether a description can stand for a manager itself: ``connect()``, "ExitStack with 3 entries"."""
    return not _is_manager(kind) or _CALL.match(description) is not None or simple_type_name(kind) in description


def object_text(obj: object) -> str:
    """Return an object as ``asyncio.locks.Lock at 0x7f0c2a1b``."""
    return f"{type_name(type(obj))} at {address_of(obj)}"


def stdlib_summary(
    stack: Traceback, *, show_contexts: bool = False, show_hidden: bool = True
) -> traceback.StackSummary:
    """Return *stack* as the standard library's type, see `Traceback.as_stdlib_summary`."""
    return traceback.StackSummary.from_list(_summaries(stack, show_contexts, show_hidden))


def _summaries(stack: Traceback, show_contexts: bool, show_hidden: bool) -> List[traceback.FrameSummary]:
    found: List[traceback.FrameSummary] = []
    for frame in stack.frames:
        if frame.hide and not show_hidden:
            continue
        for context in frame.contexts if show_contexts else ():
            line = line_of_file(frame.filename, context.start_line).strip()
            name = f"{frame.funcname}, {_context_text(context, with_line=False)}"
            found.append(_summary(frame.filename, context.start_line, name, line))
            if context.inner is not None:
                found += _summaries(context.inner, show_contexts, show_hidden)
        found.append(_summary(frame.filename, frame.lineno, frame.funcname, frame.linetext))
    return found


def _summary(filename: str, lineno: Optional[int], name: str, line: str) -> traceback.FrameSummary:
    # With the line given, it is never looked up, which could run a loader of the program.
    return traceback.FrameSummary(filename, lineno, name, lookup_line=False, line=line)
