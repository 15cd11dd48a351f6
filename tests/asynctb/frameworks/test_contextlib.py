"""What is inside the managers of contextlib."""

from __future__ import annotations

import contextlib
import functools
import io
import sys
import threading
import weakref
from typing import Any, AsyncGenerator, AsyncIterator, Generator, Iterator, List

import pytest
from support import frame_named, names, pause, run, suspended, trap

from asynctb import ContextInfo, Traceback
from asynctb._stacks.customize import plain_manager_types


class Manager:
    def __enter__(self) -> Manager:
        return self

    def __exit__(self, *exc: object) -> None: ...

    def leave(self, *exc: object) -> None: ...


class AsyncManager:
    async def __aenter__(self) -> AsyncManager:
        return self

    async def __aexit__(self, *exc: object) -> None: ...

    async def leave(self, *exc: object) -> None: ...


@contextlib.contextmanager
def connect(lock: Any) -> Iterator[Any]:
    with lock:
        yield lock


@contextlib.asynccontextmanager
async def pool() -> AsyncIterator[int]:
    with connect(threading.Lock()):
        yield 1


@contextlib.asynccontextmanager
async def slow(enter: bool) -> AsyncIterator[int]:
    if enter:
        await trap()
    yield 1
    await trap()


def pushed(*exc: object) -> None: ...


def record(*args: object) -> None: ...


async def arecord(*args: object) -> None: ...


def contexts_of(coroutine: Any, name: str) -> List[ContextInfo]:
    with suspended(coroutine):
        return list(frame_named(Traceback.of(coroutine), name).contexts)


def test_generator_based_managers() -> None:
    async def wait() -> None:
        with connect(threading.Lock()):
            async with pool():
                await trap()

    plain, asynchronous = contexts_of(wait(), "wait")
    assert plain.description == "connect()"
    assert plain.inner is not None
    assert names(plain.inner) == ["connect"]
    (lock,) = plain.inner.frames[0].contexts
    assert lock.description == "locked Lock"
    assert asynchronous.description == "pool()"
    assert asynchronous.inner is not None
    assert names(asynchronous.inner) == ["pool"]
    (inside,) = asynchronous.inner.frames[0].contexts
    assert inside.description == "connect()"
    assert inside.inner is not None
    assert names(inside.inner) == ["connect"]


@pytest.mark.parametrize("enter", [True, False])
def test_entering_and_exiting(enter: bool) -> None:
    """What the generator is at then stands in the stack itself."""

    async def wait() -> None:
        async with slow(enter):
            pass

    with suspended(wait()) as coroutine:
        stack = Traceback.of(coroutine)
    assert names(info for info in stack if not info.hide) == ["wait", "slow", "trap"]
    if not enter:
        (context,) = stack.frames[0].contexts
        assert context.is_exiting
        assert context.description == "slow()"
        assert context.inner is None


def test_running_inside_a_generator_based_manager() -> None:
    stacks = []

    @contextlib.contextmanager
    def watched() -> Iterator[None]:
        yield
        stacks.append(Traceback.since(here))

    here = sys._getframe()
    with watched():
        pass
    (stack,) = stacks
    assert names(info for info in stack if not info.hide) == [here.f_code.co_name, "watched"]
    assert hidden_names(stack) == ["__exit__"]


def hidden_names(stack: Traceback) -> List[str]:
    return names(info for info in stack if info.hide)


def test_exit_stack() -> None:
    manager = Manager()

    async def wait() -> None:
        with contextlib.ExitStack() as stack:
            stack.enter_context(manager)
            stack.push(manager)
            stack.push(manager.leave)
            stack.push(pushed)
            stack.callback(record, 1)
            stack.callback(functools.partial(record, 1))
            stack.callback([].append, 1)  # type: ignore[arg-type]
            stack.enter_context(connect(manager))
            stack.enter_context(threading.Lock())
            await trap()

    (context,) = contexts_of(wait(), "wait")
    assert context.description == "ExitStack with 9 entries"
    assert context.unknown is None
    children: List[Any] = list(context.children)
    assert [child.description for child in children] == [
        None,
        None,
        "pushed exit Manager.leave()",
        "pushed exit pushed()",
        "callback record()",
        "callback record()",
        "callback list.append()",
        "connect()",
        "locked Lock",
    ]
    assert [child.manager for child in children[:2]] == [manager, manager]
    assert children[3].manager is pushed
    assert children[4].manager is record
    assert names(children[7].inner) == ["connect"]
    assert {(child.is_async, child.phase, child.start_line) for child in children} == {(False, "active", None)}


def test_async_exit_stack() -> None:
    manager, async_manager = Manager(), AsyncManager()

    async def wait() -> None:
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(manager)
            await stack.enter_async_context(async_manager)
            stack.push_async_exit(async_manager)
            stack.push_async_exit(async_manager.leave)
            stack.push_async_callback(arecord, 1)
            await stack.enter_async_context(pool())
            await trap()

    (context,) = contexts_of(wait(), "wait")
    assert context.description == "AsyncExitStack with 6 entries"
    children: List[Any] = list(context.children)
    assert [child.description for child in children] == [
        None,
        None,
        None,
        "async pushed exit AsyncManager.leave()",
        "async callback arecord()",
        "pool()",
    ]
    assert [child.manager for child in children[:3]] == [manager, async_manager, async_manager]
    assert [child.is_async for child in children] == [False, True, True, True, True, True]
    assert names(children[5].inner) == ["pool"]


def test_exit_stack_that_is_unwinding() -> None:
    """Entries that were exited are gone, and so is the one that is being exited."""

    async def wait() -> None:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(pool())
            await stack.enter_async_context(slow(False))

    with suspended(wait()) as coroutine:
        stack = Traceback.of(coroutine)
    (context,) = stack.frames[0].contexts
    assert context.is_exiting
    assert context.description == "AsyncExitStack with 1 entry"
    assert names(info for info in stack if not info.hide) == ["wait", "slow", "trap"]


def test_exit_stack_inside_an_exit_stack() -> None:
    class Stack(contextlib.ExitStack):
        pass

    async def wait() -> None:
        with contextlib.ExitStack() as outer:
            outer.enter_context(Stack())
            await trap()

    (context,) = contexts_of(wait(), "wait")
    assert context.description == "ExitStack with 1 entry"
    assert [child.description for child in context.children if isinstance(child, ContextInfo)] == [
        "Stack with no entries"
    ]


@pytest.mark.parametrize("times", [1, 2])
def test_exit_stack_that_contains_itself(times: int) -> None:
    async def wait() -> None:
        with contextlib.ExitStack() as stack:
            for _ in range(times):
                stack.push(stack)
            await trap()
            stack.pop_all()

    with suspended(wait()) as coroutine:
        (context,) = Traceback.of(coroutine).frames[0].contexts
    assert context.unknown is None
    assert [child.unknown for child in contexts_in(context)] == ["contains itself"] * times
    assert not [child for child in contexts_in(context) if child.children]


def contexts_in(context: ContextInfo) -> List[ContextInfo]:
    assert all(isinstance(child, ContextInfo) for child in context.children)
    return [child for child in context.children if isinstance(child, ContextInfo)]


def inside(context: ContextInfo) -> Iterator[ContextInfo]:
    """Yield all contexts inside of *context*."""
    for child in contexts_in(context):
        yield child
        yield from inside(child)
    for info in context.inner or ():
        for inner in info.contexts:
            yield inner
            yield from inside(inner)


@contextlib.contextmanager
def exit_stacks(levels: int, times: int) -> Iterator[contextlib.ExitStack]:
    """Enter an exit stack that another one was pushed *times* on, and so on, *levels* deep."""
    inner = contextlib.ExitStack()
    stacks = [inner]
    for _ in range(levels):
        outer = contextlib.ExitStack()
        for _ in range(times):
            outer.push(inner)
        stacks.append(outer)
        inner = outer
    try:
        yield inner
    finally:
        for stack in stacks:
            stack.pop_all()


async def wait_in(*managers: contextlib.AbstractContextManager[object]) -> None:
    if not managers:
        return await trap()
    with managers[0]:
        await wait_in(*managers[1:])


def test_exit_stacks_in_each_other() -> None:
    with exit_stacks(60, 1) as outermost, suspended(wait_in(outermost)) as coroutine:
        (context,) = Traceback.of(coroutine).frames[0].contexts
        found = list(inside(context))
    assert len(found) == 51
    assert found[-1].unknown == "more than 50 levels inside each other"
    assert not [info for info in found[:-1] if info.unknown is not None]


def test_exit_stacks_that_are_shared() -> None:
    """The work is bounded, not only the depth; and what is missing is said."""
    with exit_stacks(18, 2) as outermost, suspended(wait_in(outermost)) as coroutine:
        (context,) = Traceback.of(coroutine).frames[0].contexts
        found = list(inside(context))
    assert 5000 < len(found) <= 10_000
    assert "there is too much inside" in str(context.unknown) + "".join(str(info.unknown) for info in found)


@pytest.mark.parametrize("kind", ["callbacks", "managers"])
def test_large_exit_stack(kind: str) -> None:
    """What is left out is not even made, and the frames further in come first."""
    large, small = contextlib.ExitStack(), contextlib.ExitStack()
    for _ in range(12_000):
        if kind == "managers":
            large.enter_context(slowly())
        else:
            large.callback(print)
    small.enter_context(slowly())
    with suspended(wait_in(large, small)) as coroutine:
        stack = Traceback.of(coroutine)
        (outer,), (inner,) = (info.contexts for info in stack.frames[:2])
        large.pop_all()
    assert inner.description == "ExitStack with 1 entry"
    assert names(iter_frames(inner)) == ["slowly"]
    assert outer.description == "ExitStack with 12000 entries"
    made = len(outer.children)
    assert made == (9_998 if kind == "callbacks" else 4_999)
    assert outer.unknown == (
        f"{12_000 - made} of its entries are left out: there is too much inside of the context managers of this stack"
    )


@contextlib.contextmanager
def slowly() -> Iterator[None]:
    yield


def iter_frames(context: ContextInfo) -> Iterator[Any]:
    for child in contexts_in(context):
        yield from child.inner or ()


def test_wrappers() -> None:
    stream = io.StringIO()

    async def wait() -> None:
        with contextlib.closing(stream), contextlib.suppress(KeyError, OSError), contextlib.nullcontext(stream):
            await trap()

    async def redirect() -> None:
        with contextlib.nullcontext(), contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
            await trap()

    assert [context.description for context in contexts_of(wait(), "wait")] == [
        "closing(_io.StringIO)",
        "suppress(KeyError, OSError)",
        "nullcontext(_io.StringIO)",
    ]
    assert [context.description for context in contexts_of(redirect(), "redirect")] == [
        "nullcontext()",
        "redirect_stdout(_io.StringIO)",
        "redirect_stderr(_io.StringIO)",
    ]


def test_closing_a_generator() -> None:
    """It is inside the manager, but while it is iterated, when it is in the stack."""
    manager = Manager()

    def generate() -> Generator[int, None, None]:
        with manager:
            yield 1
            inside.append(Traceback.since(here))

    async def wait() -> None:
        with contextlib.closing(generate()) as values:
            next(values)
            await pause()
            next(values, None)

    here = sys._getframe()
    inside: List[Traceback] = []
    coroutine = wait()
    coroutine.send(None)
    (info,) = [info for info in Traceback.of(coroutine) if info.frame.f_code is wait.__code__]
    (context,) = info.contexts
    assert context.description == "closing(test_closing_a_generator.<locals>.generate())"
    assert context.inner is not None
    (generating,) = context.inner
    assert [inner.manager for inner in generating.contexts] == [manager]
    run(coroutine)
    assert names(inside[0])[-2:] == ["wait", "generate"]
    (context,) = inside[0].frames[-2].contexts
    assert context.inner is None


@pytest.mark.skipif(sys.version_info < (3, 10), reason="contextlib.aclosing came with Python 3.10")
@pytest.mark.parametrize("inside", [False, True])
def test_closing_an_asynchronous_generator(inside: bool) -> None:
    async def generate() -> AsyncGenerator[int, None]:
        with manager:
            if inside:
                await pause()
            yield 1

    async def wait() -> None:
        async with contextlib.aclosing(generate()) as values:
            async for _ in values:
                await pause()

    manager = Manager()
    coroutine = wait()
    coroutine.send(None)
    stack = Traceback.of(coroutine)
    run(coroutine)
    (context,) = stack.frames[0].contexts
    assert context.description is not None
    assert context.description.startswith("aclosing(")
    assert context.description.endswith("generate())")
    assert names(stack) == (["wait", "generate", "pause"] if inside else ["wait", "pause"])
    assert (context.inner is None) == inside
    generating = stack.frames[1] if context.inner is None else context.inner.frames[0]
    assert [inner.manager for inner in generating.contexts] == [manager]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="contextlib.chdir came with Python 3.11")
def test_chdir() -> None:
    async def wait() -> None:
        with contextlib.chdir("."):
            await trap()

    (context,) = contexts_of(wait(), "wait")
    assert context.description == "chdir('.')"


def test_decorated_function() -> None:
    @contextlib.contextmanager
    def manage() -> Iterator[None]:
        yield

    stacks = []

    @manage()
    def decorated() -> None:
        stacks.append(Traceback.since(here))

    here = sys._getframe()
    decorated()
    (stack,) = stacks
    assert names(stack)[-1] == "decorated"
    (context,) = stack.frames[1].contexts
    assert context.description == "test_decorated_function.<locals>.manage()"


def test_exhausted_generator() -> None:
    """A manager whose generator has ended too early is still a manager."""

    async def wait() -> None:
        manager = connect(threading.Lock())
        with manager:
            manager.gen.close()
            with contextlib.suppress(BaseException):
                await trap()

    with suspended(wait()) as coroutine:
        first, _ = Traceback.of(coroutine).frames[0].contexts
    assert first.description == "connect()"
    assert first.inner is not None
    assert len(first.inner) == 0


def test_nested_runs() -> None:
    async def main() -> int:
        async with contextlib.AsyncExitStack() as stack:
            return await stack.enter_async_context(pool())

    assert run(main()) == 1


def test_a_type_that_has_the_identity_of_a_plain_one() -> None:
    """Where a callback could not be made, what is noted of a type that is gone can meet another one."""

    class Plain: ...

    class Stack(contextlib.ExitStack): ...

    async def program(stack: Any) -> None:
        with stack:
            await trap()

    with suspended(program(Stack())) as coroutine:
        plain_manager_types[id(Stack)] = weakref.ref(Plain)
        try:
            stack = Traceback.of(coroutine)
        finally:
            plain_manager_types.pop(id(Stack), None)
    assert stack.frames[0].contexts[0].description == "Stack with no entries"
