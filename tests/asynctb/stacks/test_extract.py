"""Which frames a stack has: everything that can be awaited, suspended and running."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import types
import weakref
from pathlib import Path
from typing import Any, AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Iterator, List

import pytest
from support import Worker, frame_named, items, names, pause, run, suspended, trap

import asynctb
from asynctb import Traceback
from asynctb._stacks.follow import CannotFollow


class Wrapper:
    """An awaitable that is not a coroutine."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.coroutine = coroutine

    def __await__(self) -> Generator[Any, None, Any]:
        return self.coroutine.__await__()


class GeneratorAwaitable:
    def __await__(self) -> Generator[str, None, None]:
        yield "suspended"


class Endless:
    """An awaitable whose iterator is no generator."""

    def __await__(self) -> Endless:
        return self

    def __iter__(self) -> Endless:
        return self

    def __next__(self) -> str:
        return "suspended"


async def nested(depth: int) -> None:
    await (nested(depth - 1) if depth else trap())


async def by_async_for() -> None:
    async for _ in items():
        pass


async def by_asend() -> None:
    await items().__aiter__().asend(None)  # type: ignore[attr-defined]


async def by_anext_method() -> None:
    await items().__anext__()


async def stubborn() -> AsyncIterator[int]:
    try:
        yield 1
    finally:
        await trap()


async def by_aclose() -> None:
    generator: Any = stubborn()
    await generator.asend(None)
    await generator.aclose()


async def by_athrow() -> None:
    generator: Any = stubborn()
    await generator.asend(None)
    await generator.athrow(ValueError)


async def by_wrapper() -> None:
    await Wrapper(by_async_for())


async def by_generator_awaitable() -> None:
    await GeneratorAwaitable()


async def through_two_generators() -> None:
    async def outer_items() -> AsyncIterator[int]:
        async for item in items():
            yield item

    async for _ in outer_items():
        pass


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (by_async_for, ["by_async_for", "items", "trap"]),
        (by_asend, ["by_asend", "items", "trap"]),
        (by_anext_method, ["by_anext_method", "items", "trap"]),
        (by_aclose, ["by_aclose", "stubborn", "trap"]),
        (by_athrow, ["by_athrow", "stubborn", "trap"]),
        (by_wrapper, ["by_wrapper", "by_async_for", "items", "trap"]),
        (by_generator_awaitable, ["by_generator_awaitable", "__await__"]),
        (through_two_generators, ["through_two_generators", "outer_items", "items", "trap"]),
    ],
)
def test_goes_on_through(function: Callable[[], Coroutine[Any, Any, None]], expected: List[str]) -> None:
    with suspended(function()) as coroutine:
        stack = Traceback.of(coroutine)
    assert names(stack) == expected
    assert stack.root is coroutine
    assert stack.error is None
    assert stack.leaf is None


@pytest.mark.skipif(sys.version_info < (3, 10), reason="anext() came with Python 3.10")
@pytest.mark.parametrize("default", [(), (None,), (items,)])
def test_goes_on_through_anext(default: Any) -> None:
    async def by_anext() -> None:
        await anext(items(), *default)  # noqa: F821

    with suspended(by_anext()) as coroutine:
        stack = Traceback.of(coroutine)
    # PyPy's anext() with a default is a coroutine itself.
    assert names(frame for frame in stack if not frame.hide) == ["by_anext", "items", "trap"]


def test_goes_on_through_what_is_sent() -> None:
    """An async generator that is sent into another one is not mistaken for it."""

    async def echo() -> AsyncIterator[Any]:
        yield (yield)
        await trap()

    async def send_a_generator() -> None:
        generator: Any = echo()
        await generator.asend(None)
        await generator.asend(items())
        await generator.asend(items())

    with suspended(send_a_generator()) as coroutine:
        assert names(Traceback.of(coroutine)) == ["send_a_generator", "echo", "trap"]


def test_owners() -> None:
    with suspended(by_async_for()) as coroutine:
        first, second, third = Traceback.of(coroutine)
    assert first.owner is coroutine
    assert type(second.owner) is types.AsyncGeneratorType
    assert type(third.owner) is types.GeneratorType


def test_starting_points_inside() -> None:
    """What stands between two frames is a starting point as well."""
    with suspended(by_wrapper()) as coroutine:
        wrapper: Any = coroutine.cr_await  # type: ignore[attr-defined]
        assert type(wrapper).__name__ == "coroutine_wrapper"
        assert names(Traceback.of(wrapper)) == ["by_async_for", "items", "trap"]
        inner: Any = Traceback.of(wrapper).frames[0].owner
        assert names(Traceback.of(inner.cr_await)) == ["items", "trap"]


def test_generators() -> None:
    def inner() -> Generator[int, None, None]:
        yield from (x for x in [1])

    def outer() -> Generator[int, None, None]:
        yield from inner()

    generator = outer()
    assert names(Traceback.of(generator)) == ["outer"]
    next(generator)
    assert names(Traceback.of(generator)) == ["outer", "inner", "<genexpr>"]
    assert list(generator) == []
    stack = Traceback.of(generator)
    assert (len(stack), stack.leaf, str(stack.error)) == (0, None, "the generator has ended")


@pytest.mark.parametrize("iterable", [[1, 2], (1, 2), range(2), {1: 2}, "ab"])
def test_yield_from_an_iterator_that_is_no_generator(iterable: Any) -> None:
    def generate() -> Generator[Any, None, None]:
        yield from iterable

    generator = generate()
    next(generator)
    stack = Traceback.of(generator)
    assert names(stack) == ["generate"]
    assert stack.leaf is generator.gi_yieldfrom
    assert stack.error is None


def test_generator_like_object_of_types_coroutine() -> None:
    class Generator_(Generator[str, None, None]):
        def send(self, value: object) -> str:
            return "suspended"

        def throw(self, *args: Any) -> str:
            raise StopIteration

    function = types.coroutine(lambda: Generator_())

    async def wait() -> None:
        await function()

    with suspended(wait()) as coroutine:
        stack = Traceback.of(coroutine)
        assert names(stack) == ["wait"]
        assert type(stack.leaf) is Generator_


def test_leaf() -> None:
    endless = Endless()

    async def wait() -> None:
        await endless

    with suspended(wait()) as coroutine:
        stack = Traceback.of(coroutine)
        assert names(stack) == ["wait"]
        assert stack.leaf is endless
        assert str(stack.error) == "nothing tells what it awaits"
    assert Traceback.of(endless).leaf is endless
    assert str(Traceback.of(endless).error) == "nothing tells what it awaits"


class Opaque:
    """An awaitable whose iterator is a class of its own, with a coroutine behind it."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __await__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return self.inner.send(None)


def test_end_that_cannot_be_followed_is_a_line_with_the_reason() -> None:
    async def wait(awaitable: Any) -> None:
        await awaitable

    with suspended(wait(Endless())) as inner:
        opaque = Opaque(inner)
        with suspended(wait(opaque)) as coroutine:
            stack = Traceback.of(coroutine)
            end = f"Opaque at {hex(id(opaque))}, incomplete: nothing tells what it awaits"
            assert str(stack).splitlines()[-1].endswith(end)
            data = stack.as_data()
            assert data["error"] == "nothing tells what it awaits"
            assert data["leaf"] == {"type": f"{__name__}.Opaque", "address": hex(id(opaque))}


def test_iterator_that_a_hook_leads_to_is_no_end_by_itself() -> None:
    class Step:
        def __init__(self, to: Any) -> None:
            self.to = to

        def __await__(self) -> Any:
            return self

        def __next__(self) -> str:
            return "suspended"

    class Future:
        pass

    async def wait(awaitable: Any) -> None:
        await awaitable

    asynctb.register_unwrap_awaitable(Step)(lambda step: step.to)
    for to, error in ((Future(), "None"), (Endless(), "nothing tells what it awaits"), (None, "None")):
        with suspended(wait(Step(to))) as coroutine:
            stack = Traceback.of(coroutine)
            assert stack.leaf is (coroutine.cr_await if to is None else to)
            assert str(stack.error) == error


@pytest.mark.parametrize("kind", ["asend", "wrapper"])
def test_collector_that_tells_nothing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def items() -> AsyncGenerator[int, None]:
        await Endless()
        yield 1

    async def inner() -> None:
        await Endless()

    async def wait() -> None:
        await (items().asend(None) if kind == "asend" else Wrapped())

    class Wrapped:
        def __await__(self) -> Any:
            return inner().__await__()

    with suspended(wait()) as coroutine:
        assert len(Traceback.of(coroutine)) == 2
        monkeypatch.setattr(gc, "get_referents", lambda *objects: [])
        stack = Traceback.of(coroutine, with_contexts=False)
        monkeypatch.undo()
        assert stack.leaf is not None
        assert "the garbage collector does not tell" in str(stack.error)


def test_created_and_ended() -> None:
    coroutine = nested(1)
    created = Traceback.of(coroutine)
    assert names(created) == ["nested"]
    assert created.frames[0].lineno == nested.__code__.co_firstlineno
    coroutine.close()
    ended = Traceback.of(coroutine)
    assert (len(ended), ended.leaf, str(ended.error)) == (0, None, "the coroutine has ended")
    assert str(ended).endswith("\n└─ the coroutine has ended\n")


def test_async_generator_between_items() -> None:
    async def numbers() -> AsyncIterator[int]:
        yield 1

    generator = numbers()
    assert names(Traceback.of(generator)) == ["numbers"]

    async def first() -> int:
        return await generator.__anext__()

    assert run(first()) == 1
    assert names(Traceback.of(generator)) == ["numbers"]

    async def close() -> None:
        await generator.aclose()  # type: ignore[attr-defined]

    run(close())
    assert names(Traceback.of(generator)) == []


@pytest.mark.parametrize("of_what", ["frame", "coroutine"])
def test_running_in_this_thread(of_what: str) -> None:
    stacks: List[Traceback] = []

    def look() -> None:
        stacks.append(Traceback.of(running[of_what]))

    def generate() -> Iterator[int]:
        look()
        yield 1

    async def items() -> AsyncIterator[int]:
        for item in generate():
            yield item

    async def main() -> None:
        running["frame"] = sys._getframe()
        async for _ in items():
            pass

    running: Any = {}
    coroutine = running["coroutine"] = main()
    run(coroutine)
    (stack,) = stacks
    assert names(stack) == ["main", "items", "generate", "look"]
    assert stack.error is None
    if of_what == "coroutine":
        assert stack.frames[0].owner is coroutine


def test_running_generators_of_each_kind() -> None:
    seen = []

    def look() -> None:
        seen.append(names(Traceback.of(running[-1])))

    def generate() -> Iterator[int]:
        look()
        yield 1

    async def items() -> AsyncIterator[int]:
        look()
        await pause()
        look()
        yield 1

    async def main() -> None:
        async for _ in running[-1]:
            pass

    running: List[Any] = [generate()]
    next(running[-1])
    running.append(items())
    run(main())
    assert seen == [["generate", "look"], ["items", "look"], ["items", "look"]]
    running[0].close()


def test_running_in_another_thread() -> None:
    def inner(wait: Callable[[], None]) -> None:
        wait()

    async def main(wait: Callable[[], None]) -> None:
        inner(wait)

    coroutines: List[Any] = []

    def start(wait: Callable[[], None]) -> None:
        coroutines.append(main(wait))
        run(coroutines[0])

    with Worker(start) as thread:
        of_coroutine = Traceback.of(coroutines[0])
        of_frame = Traceback.of(of_coroutine.frames[1].frame)
        of_thread = Traceback.of(thread)
        since = Traceback.since(of_coroutine.frames[0].frame)
    assert names(of_coroutine)[:3] == ["main", "inner", "wait"]
    assert names(of_frame)[:2] == ["inner", "wait"]
    assert names(of_thread)[-len(of_coroutine) :] == names(of_coroutine) == names(since)
    assert of_coroutine.error is of_thread.error is since.error is None


def test_threads() -> None:
    def work(wait: Callable[[], None]) -> None:
        wait()

    worker = Worker(work)
    assert (len(Traceback.of(worker.thread)), str(Traceback.of(worker.thread).error)) == (0, "the thread has not begun")
    with worker as thread:
        stack = Traceback.of(thread)
        assert names(frame for frame in stack if not frame.hide)[:2] == ["work", "wait"]
        assert stack.root is thread
        assert stack.leaf is stack.error is None
    ended = Traceback.of(thread)
    assert (len(ended), str(ended.error)) == (0, "the thread has ended")


def test_this_thread() -> None:
    stack = Traceback.of(threading.current_thread())
    assert names(stack)[-1] == "test_this_thread"
    assert stack.frames[-1].frame is sys._getframe()


def test_thread_that_shares_an_identifier() -> None:
    """The system reuses the identifiers of threads."""
    impostor = threading.Thread(name="impostor")
    impostor._ident = threading.get_ident()  # type: ignore[attr-defined]
    assert len(Traceback.of(impostor)) == 0


def test_since_and_until() -> None:
    def outer() -> Any:
        return inner(sys._getframe())

    def inner(frame: types.FrameType) -> Any:
        return Traceback.since(frame), Traceback.since(None)

    since, everything = outer()
    assert names(since) == ["outer", "inner"]
    assert since.root is None
    assert names(everything)[-3:] == ["test_since_and_until", "outer", "inner"]
    assert everything.frames[0].frame.f_back is None

    here = sys._getframe()

    def leaf() -> types.FrameType:
        return sys._getframe()

    def caller() -> Any:
        frame = sys._getframe()
        return (
            [names(Traceback.until(frame, limit)) for limit in (0, 1, here)],
            names(Traceback.until(frame)),
        )

    limited, unlimited = caller()
    assert limited == [["caller"], ["test_since_and_until", "caller"], ["test_since_and_until", "caller"]]
    assert unlimited == [*names(everything)[:-2], "caller"]
    with pytest.raises(ValueError, match="not a caller"):
        Traceback.until(here, leaf())
    with pytest.raises(ValueError, match="negative"):
        Traceback.until(here, -1)


def test_since_a_frame_that_does_not_run() -> None:
    def ended() -> types.FrameType:
        return sys._getframe()

    stack = Traceback.since(ended())
    assert names(stack) == ["ended"]
    assert "not running" in str(stack.error)


def test_frame_of_a_suspended_coroutine() -> None:
    with suspended(nested(1)) as coroutine:
        stack = Traceback.of(coroutine.cr_frame)  # type: ignore[attr-defined]
    if sys.version_info >= (3, 14):
        assert names(stack) == ["nested", "nested", "trap"]
        assert stack.error is None
    else:
        assert names(stack) == ["nested"]
        assert "not running" in str(stack.error)


def test_traceback_of_an_exception() -> None:
    def fail() -> None:
        raise ValueError  # @fail

    def call() -> None:
        try:
            fail()
        finally:
            "a later line"

    try:
        call()
    except ValueError as error:
        stack = Traceback.of(error.__traceback__)
    assert names(stack) == ["test_traceback_of_an_exception", "call", "fail"]
    assert stack.frames[1].linetext == "fail()"
    assert stack.frames[2].linetext.endswith("@fail")
    assert stack.frames[2].contexts_unknown is not None


@pytest.mark.parametrize("root", [None, 1, object(), "text", [], (), nested, print, Wrapper, sys])
def test_what_has_no_stack(root: Any) -> None:
    with pytest.raises(TypeError, match="has no stack"):
        Traceback.of(root)


@pytest.mark.parametrize("wrong", [1, "frame", nested])
def test_wrong_arguments(wrong: Any) -> None:
    with pytest.raises(TypeError):
        Traceback.since(wrong)
    with pytest.raises(TypeError):
        Traceback.until(wrong)
    if wrong != 1:
        with pytest.raises(TypeError):
            Traceback.until(sys._getframe(), wrong)


def test_circle_of_awaitables() -> None:
    """The asynchronous equivalent of a deadlock with oneself."""

    class Link:
        to: Any = None

        def __await__(self) -> Any:
            return self

        def __next__(self) -> str:
            return "suspended"

    asynctb.register_unwrap_awaitable(Link)(lambda link: link.to)

    async def wait(link: Link) -> None:
        await link

    link = Link()
    with suspended(wait(link)) as coroutine:
        link.to = coroutine
        stack = Traceback.of(coroutine)
        assert names(stack) == ["wait", "wait"]
        assert stack.leaf is link
        assert "circle" in str(stack.error)
        link.to = None


def test_a_hundred_thousand_coroutines() -> None:
    class Link:
        def __init__(self, to: Any) -> None:
            self.to = to

        def __await__(self) -> Any:
            return self

        def __next__(self) -> str:
            return "suspended"

    asynctb.register_unwrap_awaitable(Link)(lambda link: link.to)

    async def wait(link: Any) -> None:
        await link

    coroutines: List[Any] = []
    link = None
    for _ in range(100_000):
        link = Link(coroutines[-1] if coroutines else None)
        coroutines.append(wait(link))
        coroutines[-1].send(None)
    stack = Traceback.of(coroutines[-1])
    assert len(stack) == 100_000
    assert stack.error is None
    assert len(stack.format()) == 200_002
    for coroutine in coroutines:
        coroutine.close()


def test_near_the_recursion_limit() -> None:
    def recurse(depth: int) -> Any:
        if depth:
            return recurse(depth - 1)
        return Traceback.of(threading.current_thread())

    limit = sys.getrecursionlimit()
    used = len(Traceback.since(None))
    results = []
    for room in range(40):
        try:
            results.append(recurse(limit - used - room))
        except RecursionError:  # no room to call anything at all
            continue
    assert results
    for stack in results:
        assert stack.frames or "recursion limit" in str(stack.error)


def test_nothing_is_kept_alive() -> None:
    class Mark:
        pass

    async def wait(mark: Mark) -> None:
        await Endless()

    def failing_hook(obj: object) -> None:
        raise ValueError(obj)

    mark = Mark()
    died = weakref.ref(mark)
    coroutine = wait(mark)
    coroutine.send(None)
    stack = Traceback.of(coroutine)
    error = stack.error
    assert names(stack) == ["wait"]
    coroutine.close()
    del stack, coroutine, mark
    gc.collect()
    assert died() is None
    assert type(error) is CannotFollow


def test_no_warning_is_caused(recwarn: pytest.WarningsRecorder) -> None:
    coroutine = nested(0)
    generator: Any = items()
    awaitable = generator.asend(None)
    Traceback.of(coroutine)
    Traceback.of(awaitable)
    Traceback.of(generator)
    coroutine.close()
    awaitable.close()
    del generator, awaitable
    gc.collect()
    assert not recwarn.list


def test_without_contexts() -> None:
    async def wait() -> None:
        with threading.Lock():
            await trap()

    with suspended(wait()) as coroutine:
        assert len(frame_named(Traceback.of(coroutine), "wait").contexts) == 1
        assert frame_named(Traceback.of(coroutine, with_contexts=False), "wait").contexts == ()
        frame = Traceback.of(coroutine, with_contexts=False).frames[0]
        assert frame.lineno == Traceback.of(coroutine).frames[0].lineno


def test_from_a_destructor_and_a_tracer() -> None:
    stacks = []

    class Dying:
        def __del__(self) -> None:
            stacks.append(Traceback.of(coroutine))

    def tracer(frame: types.FrameType, event: str, arg: object) -> None:
        stacks.append(Traceback.of(coroutine))

    with suspended(by_async_for()) as coroutine:
        Dying()
        gc.collect()
        previous = sys.gettrace()
        sys.settrace(tracer)
        try:
            (lambda: None)()
        finally:
            sys.settrace(previous)
    assert len(stacks) >= 2
    assert {tuple(names(stack)) for stack in stacks} == {("by_async_for", "items", "trap")}


def test_coroutines_of_other_implementations() -> None:
    """Cython's: types of the same names, whose attributes C code computes; here, the slots of classes."""

    class coroutine:
        __slots__ = ("cr_await", "cr_frame", "cr_running")

        def __await__(self) -> Any:
            return iter(())

    class coroutine_wrapper:
        __slots__ = ("behind",)

        def __init__(self, behind: Any) -> None:
            self.behind = behind

        def __await__(self) -> Any:
            return self

        def __next__(self) -> str:
            return "suspended"

    class async_generator:
        __slots__ = ("ag_await",)

    class async_generator_asend(coroutine_wrapper):
        __slots__ = ()

    async def wait(awaitable: Any) -> None:
        await awaitable

    foreign: Any = coroutine()
    generator: Any = async_generator()
    with suspended(by_asend()) as inner, suspended(wait(coroutine_wrapper(foreign))) as outer:
        foreign.cr_frame, foreign.cr_running = sys._getframe(), False
        foreign.cr_await = async_generator_asend(generator)
        generator.ag_await = inner
        stack = Traceback.of(outer)
        here = sys._getframe().f_code.co_name
        assert names(stack) == ["wait", here, "by_asend", "items", "trap"]
        assert stack.frames[1].owner is None  # nobody may look into it
        assert names(Traceback.of(foreign)) == names(stack)[1:]
        foreign.cr_frame = "no frame"
        stack = Traceback.of(outer)
        assert names(stack) == ["wait"]
        assert stack.leaf is foreign


def test_reading_while_another_thread_runs_the_coroutine() -> None:
    """Stacks are whole whenever they are read, whether the coroutine is found suspended or running."""
    stop = threading.Event()

    async def forever() -> None:
        while True:
            await middle()

    async def middle() -> None:
        await pause()
        await pause()

    def drive() -> None:
        while not stop.is_set():
            coroutine.send(None)

    coroutine = forever()
    coroutine.send(None)
    thread = threading.Thread(target=drive)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        thread.start()
        seen = [Traceback.of(coroutine) for _ in range(3000)]
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        thread.join()
    coroutine.close()
    # PyPy now and then finds it running as often as it looks again, each time between two looks: it says so.
    assert sum(stack.error is not None for stack in seen) <= (30 if sys.implementation.name == "pypy" else 0)
    for stack in seen:
        assert tuple(names(stack)) in {
            ("forever",),
            ("forever", "middle"),
            ("forever", "middle", "pause"),
        }


def test_from_a_hook() -> None:
    """An extraction inside an extraction."""
    inner: List[Traceback] = []

    async def shim(awaitable: Any) -> None:
        await awaitable

    @asynctb.register_get_target(shim)
    def get_target(frame: types.FrameType, next_frame: Any) -> None:
        inner.append(Traceback.of(other))

    with suspended(by_async_for()) as other, suspended(shim(trap())) as coroutine:
        assert names(Traceback.of(coroutine)) == ["shim", "trap"]
        assert names(inner[0]) == ["by_async_for", "items", "trap"]


@pytest.mark.skipif(not hasattr(gc, "set_threshold"), reason="the collector of PyPy has no threshold")
def test_garbage_collection_at_every_allocation() -> None:
    async def wait() -> None:
        with threading.Lock():
            async for _ in items():
                pass

    with suspended(wait()) as coroutine:
        expected = Traceback.of(coroutine).format()
        threshold = gc.get_threshold()
        gc.set_threshold(1, 1, 1)
        try:
            for _ in range(20):
                assert Traceback.of(coroutine).format() == expected
                assert names(Traceback.since(None))[-1] == "test_garbage_collection_at_every_allocation"
        finally:
            gc.set_threshold(*threshold)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no timers that send signals")
def test_from_a_signal_handler() -> None:
    """Also one that interrupts an extraction, or itself."""
    stacks: List[Traceback] = []
    interrupted: List[Traceback] = []
    coroutine = by_async_for()
    coroutine.send(None)

    def handler(number: int, frame: Any) -> None:
        stacks.append(Traceback.of(coroutine))
        interrupted.append(Traceback.until(frame))

    previous = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1e-3, 1e-3)
        while len(interrupted) < 100:
            assert names(Traceback.of(coroutine)) == ["by_async_for", "items", "trap"]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        coroutine.close()
    for stack in stacks:
        assert names(stack) == ["by_async_for", "items", "trap"]
    assert {stack.error for stack in stacks + interrupted} == {None}


AUDITED = """
import sys
from asynctb import Traceback

def hook(event, arguments):
    if event == denied:
        raise ValueError("denied")

def generate():
    yield sys._getframe()

def show(stack):
    print([info.funcname for info in stack], stack.error)

denied = ""
sys.addaudithook(hook)
generator = generate()
running, suspended = sys._getframe(), next(generator)
Traceback.of(running)  # afterwards everything is loaded
denied = sys.argv[1]
show(Traceback.of(running))
show(Traceback.of(generator))
show(Traceback.since(None))
show(Traceback.since(running))
show(Traceback.until(suspended))
"""


@pytest.mark.parametrize("event", ["sys._getframe", "sys._current_frames"])
def test_audit_hooks_that_raise(event: str) -> None:
    root = str(Path(str(asynctb.__file__)).parent.parent)
    output = subprocess.check_output(
        [sys.executable, "-c", AUDITED, event], env={**os.environ, "PYTHONPATH": root}, text=True
    )
    reason = "the interpreter does not tell what is running: ValueError: denied"
    if reason not in output:
        assert event == "sys._current_frames" or sys.implementation.name == "pypy"
        reason = "None"
    alone = f"['<module>'] {reason}"
    assert output.splitlines() == [
        alone,
        "['generate'] None",
        alone if reason == "None" else f"[] {reason}",
        alone,
        "['generate'] None",
    ]
