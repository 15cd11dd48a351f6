"""Beside what others find: the same frames, lines and managers; where not, ours is the right answer, and why.

stackscope 0.2.2 is the one other library that finds context managers, on CPython 3.8 to 3.12. From 3.14 on, asyncio has
call graphs of its own, without managers.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import types
from typing import Any, AsyncIterator, Callable, Coroutine, Dict, Generator, Iterator, List, NamedTuple, Optional

import pytest
from support import suspended, trap

import asynctb

if sys.version_info >= (3, 13) or sys.implementation.name != "cpython":
    stackscope: Any = None
else:
    stackscope = pytest.importorskip("stackscope")

with_stackscope = pytest.mark.skipif(
    stackscope is None, reason="stackscope finds no or wrong context managers from CPython 3.13 on and on PyPy 3.11"
)
with_call_graphs = pytest.mark.skipif(sys.version_info < (3, 14), reason="asyncio has call graphs from 3.14 on")


class Sync:
    def __enter__(self) -> Sync:
        return self

    def __exit__(self, *exc_info: object) -> None:
        pass


class Async:
    def __init__(self, suspend_in: str = "") -> None:
        self.suspend_in = suspend_in

    async def __aenter__(self) -> Async:
        if self.suspend_in == "enter":
            await trap()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self.suspend_in == "exit":
            await trap()


@contextlib.contextmanager
def generator_based() -> Iterator[Sync]:
    with Sync() as inside:
        yield inside


@contextlib.asynccontextmanager
async def async_generator_based() -> AsyncIterator[Async]:
    async with Async() as inside:
        yield inside


async def nested() -> None:
    async def called() -> None:
        with Sync() as innermost:  # noqa: F841
            await trap()

    async with Async() as one, Async():  # noqa: F841
        with Sync() as two:  # noqa: F841
            await called()


async def generator_based_managers() -> None:
    with generator_based() as one:  # noqa: F841
        async with async_generator_based() as two:  # noqa: F841
            await trap()


async def several_lines() -> None:
    async with Async() as one:  # noqa: F841, SIM117
        async with Async() as two, Async() as three:  # noqa: F841
            await trap()


async def all_kinds_of_targets() -> None:
    mapping: Dict[str, Any] = {}
    namespace = types.SimpleNamespace()
    with Sync() as namespace.attribute, Sync() as mapping["key"]:  # noqa: SIM117
        with contextlib.nullcontext((1, (2, 3))) as (one, (two, *three)):  # noqa: RUF059
            await trap()


async def async_generator() -> AsyncIterator[None]:
    with Sync() as inside:  # noqa: F841
        await trap()
        yield


async def over_an_async_generator() -> None:
    with Sync() as outside:  # noqa: F841
        async for _ in async_generator():
            pass


async def by_anext() -> None:
    await async_generator().__anext__()


async def in_an_except_clause() -> None:
    try:
        raise KeyError
    except KeyError:
        with Sync() as one:  # noqa: F841
            await trap()


async def in_a_finally_clause() -> None:
    try:
        pass
    finally:
        with Sync() as one:  # noqa: F841
            await trap()


async def in_loops() -> None:
    for _ in range(3):
        with Sync() as one:  # noqa: F841
            for number in range(3):
                with Sync() as two:  # noqa: F841
                    if number == 1:
                        await trap()


async def being_exited() -> None:
    async with Async("exit") as one:  # noqa: F841
        pass


async def being_entered() -> None:
    with Sync() as outside:  # noqa: F841
        async with Async("enter") as one:  # noqa: F841
            pass


async def exit_stacks() -> None:
    async with contextlib.AsyncExitStack() as one:
        await one.enter_async_context(Async())
        one.enter_context(generator_based())
        with contextlib.ExitStack() as two:
            two.push(Sync())
            two.callback(print)
            await trap()


class Context(NamedTuple):
    manager: int
    is_async: bool
    is_exiting: bool
    line: Optional[int]
    inner: Any


class Frame(NamedTuple):
    frame: int
    line: Optional[int]
    contexts: List[Context]


def our_context(context: asynctb.ContextInfo) -> Context:
    inner = our_frames(context.inner) if context.inner is not None else None
    manager, exiting = id(context.manager), context.is_exiting
    return Context(manager, context.is_async, exiting, context.start_line, inner)


def our_frames(stack: asynctb.Traceback) -> List[Frame]:
    return [Frame(id(info.frame), info.lineno, [our_context(each) for each in info.contexts]) for info in stack]


def their_context(context: Any) -> Context:
    inner = their_frames(context.inner_stack) if context.inner_stack is not None else None
    manager, exiting = id(context.obj), context.is_exiting
    return Context(manager, context.is_async, exiting, context.start_line, inner)


def their_frames(stack: Any) -> List[Frame]:
    return [
        Frame(id(each.pyframe), each.lineno, [their_context(one) for one in each.contexts]) for each in stack.frames
    ]


SAME = [
    nested,
    generator_based_managers,
    several_lines,
    all_kinds_of_targets,
    over_an_async_generator,
    by_anext,
    in_an_except_clause,
    in_a_finally_clause,
    in_loops,
    being_exited,
]


@with_stackscope
@pytest.mark.parametrize("function", SAME)
def test_stackscope_finds_the_same(function: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with suspended(function()) as coroutine:
        ours = our_frames(asynctb.Traceback.of(coroutine))
        assert ours == their_frames(stackscope.extract(coroutine))
        assert any(frame.contexts for frame in ours)


@with_stackscope
@pytest.mark.parametrize("function", SAME)
def test_stackscope_finds_the_same_targets(function: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with suspended(function()) as coroutine:
        ours = [context.varname for info in asynctb.Traceback.of(coroutine) for context in info.contexts]
        theirs = [each.varname for frame in stackscope.extract(coroutine).frames for each in frame.contexts]
        assert ours == theirs


@with_stackscope
def test_stackscope_finds_the_same_in_generators() -> None:
    def inner() -> Generator[None, None, None]:
        with Sync() as one:  # noqa: F841
            yield

    def outer() -> Generator[None, None, None]:
        with generator_based() as two:  # noqa: F841
            yield from inner()

    generator = outer()
    next(generator)
    assert our_frames(asynctb.Traceback.of(generator)) == their_frames(stackscope.extract(generator))
    generator.close()


@with_stackscope
def test_stackscope_finds_the_same_in_running_frames() -> None:
    def called() -> None:
        with Sync() as one:  # noqa: F841
            outer_frame = sys._getframe(1)
            # One expression, so that the line is the same.
            stacks.extend([our_frames(asynctb.Traceback.since(outer_frame)), stackscope.extract_since(outer_frame)])

    stacks: List[Any] = []
    with generator_based() as two:  # noqa: F841
        called()
    ours, theirs = stacks[0], their_frames(stacks[1])
    assert ours == theirs
    assert [len(frame.contexts) for frame in ours] == [1, 1]


@with_stackscope
def test_what_is_being_entered_is_listed_by_us_alone() -> None:
    # stackscope lists a manager once __aenter__ has returned. But it is what the program waits for; is_entering tells
    # that it is not active yet.
    with suspended(being_entered()) as coroutine:
        stack = asynctb.Traceback.of(coroutine)
        ours, theirs = our_frames(stack), their_frames(stackscope.extract(coroutine))
        assert [context.is_entering for context in stack.frames[0].contexts] == [False, True]
        assert type(stack.frames[0].contexts[1].manager) is Async
        del ours[0].contexts[1]
        assert ours == theirs


@with_stackscope
def test_entries_of_exit_stacks_have_no_line_and_no_name_of_their_own() -> None:
    # stackscope gives each the line of the stack and the name "two[0]", which is no expression that could be evaluated.
    # An entry was added by a call, not by a statement: nothing is what can be said truly.
    # It shows the wrapper that contextlib makes of a callback. The program's function is what its author knows.
    with suspended(exit_stacks()) as coroutine:
        (ours,) = [info for info in asynctb.Traceback.of(coroutine) if info.contexts]
        (theirs,) = [frame for frame in stackscope.extract(coroutine).frames if frame.contexts]
        for our_stack, their_stack in zip(ours.contexts, theirs.contexts):
            assert our_context(our_stack) == their_context(their_stack)
            for our_entry, their_entry in zip(our_stack.children, their_stack.children):
                assert isinstance(our_entry, asynctb.ContextInfo)
                assert (our_entry.start_line, our_entry.varname) == (None, None)
                assert our_entry.is_async == their_entry.is_async
                if our_entry.manager is print:
                    assert their_entry.obj.__wrapped__ is print
                else:
                    assert our_entry.manager is their_entry.obj
                    assert our_context(our_entry).inner == their_context(their_entry).inner
        assert [len(context.children) for context in ours.contexts] == [2, 2]


@with_call_graphs
def test_call_graphs_of_tasks() -> None:
    capture_call_graph: Callable[[Any], Any] = getattr(asyncio, "capture_call_graph")  # noqa: B009

    async def innermost() -> None:
        await asyncio.sleep(60)

    async def iterated() -> AsyncIterator[None]:
        await innermost()
        yield

    async def awaits() -> None:
        await innermost()

    async def iterates() -> None:
        async for _ in iterated():
            pass

    async def groups() -> None:
        async with asyncio.TaskGroup() as group:  # type: ignore[attr-defined]
            group.create_task(awaits(), name="grouped")

    async def gathers() -> None:
        await asyncio.gather(awaits(), return_exceptions=True)

    async def waits() -> None:
        await asyncio.wait([asyncio.ensure_future(awaits())])

    def names(task: Any) -> List[str]:
        return [info.frame.f_code.co_name for info in asynctb.Traceback.of(task)]

    async def main() -> None:
        functions = (awaits, iterates, groups, gathers, waits)
        roots = [asyncio.ensure_future(function()) for function in functions]
        await asyncio.sleep(0)  # what they start begins only afterwards
        await asyncio.sleep(0)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        assert len(tasks) == 8
        by_id = {activity.id: activity for activity in asynctb.snapshot().activities}
        activities = {id(activity.target): activity for activity in by_id.values()}
        for task in tasks:
            graph = capture_call_graph(task)
            ours = [(id(info.frame), info.lineno) for info in asynctb.Traceback.of(task)]
            theirs = [(id(entry.frame), entry.frame.f_lineno) for entry in reversed(graph.call_stack)]
            if task is roots[1]:
                # asyncio does not follow what an async generator awaits, and so loses where the task really is.
                assert names(task) == ["iterates", "iterated", "innermost", "sleep"]
                assert ours[:1] == theirs
            else:
                assert ours == theirs
            # Who waits for a task is the activity that it belongs to.
            awaited_by = [id(each.future) for each in graph.awaited_by]
            parent = by_id[activities[id(task)].parent or ""]
            assert awaited_by == ([] if parent.kind == "thread" else [id(parent.target)])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*roots, return_exceptions=True)

    asyncio.run(main())


@with_call_graphs
def test_the_call_graph_of_the_running_task() -> None:
    capture_call_graph: Callable[[], Any] = getattr(asyncio, "capture_call_graph")  # noqa: B009

    async def inner() -> List[Any]:
        # One line for both.
        return [capture_call_graph(), asynctb.Traceback.of(asyncio.current_task())]

    async def main() -> None:
        graph, stack = await inner()
        theirs = [(id(entry.frame), entry.frame.f_code.co_name) for entry in reversed(graph.call_stack)]
        assert [(id(info.frame), info.frame.f_code.co_name) for info in stack] == theirs
        assert [name for _, name in theirs] == ["main", "inner"]

    asyncio.run(main())


@with_call_graphs
def test_formatted_call_graphs_name_the_same_functions() -> None:
    format_call_graph: Callable[[Any], str] = getattr(asyncio, "format_call_graph")  # noqa: B009

    async def inner() -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        task = asyncio.ensure_future(inner())
        await asyncio.sleep(0)
        theirs = format_call_graph(task)
        ours = str(asynctb.Traceback.of(task))
        for info in asynctb.Traceback.of(task):
            assert f"{info.filename!r}, line {info.lineno}, in async " in theirs
            if not info.hide:
                assert f"{info.funcname}  {info.filename}:{info.lineno}" in ours
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
