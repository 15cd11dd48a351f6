"""The cases of with-blocks that are easy to get wrong, one by one."""

from __future__ import annotations

import asyncio
import contextlib
import decimal
import functools
import io
import os
import sys
import threading
import types
from typing import Any, AsyncIterator, Callable, ClassVar, Dict, Generator, Iterator, List, Optional, Tuple

import pytest
from support import pause, suspended

from asynctb._frames import FrameRead, read_frame

PYPY = sys.implementation.name == "pypy"
Found = List[Tuple[object, str]]


def found_in(read: FrameRead) -> Found:
    assert read.unknown is None
    return [(context.manager, context.phase) for context in read.contexts]


def here() -> Found:
    """Return what is found in the calling frame."""
    return found_in(read_frame(sys._getframe(1)))


def in_caller() -> Found:
    """Return what is found in the frame that called the method that calls this."""
    return found_in(read_frame(sys._getframe(2), callee=sys._getframe(1)))


def in_coroutine(coroutine: Any) -> Found:
    """Return what is found in a suspended coroutine, known by itself and by its frame alone."""
    awaited = coroutine.cr_await
    callee = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
    found = found_in(read_frame(coroutine.cr_frame, owner=coroutine, callee=callee))
    alone = found_in(read_frame(coroutine.cr_frame, owner=coroutine))
    assert alone == found or (PYPY and alone[:-1] == found[:-1] and alone[-1] == (None, found[-1][1]))
    return found


class Manager:
    """Keeps what is found in the frame that uses it while it is entered and exited."""

    def __init__(self, suppress: bool = False, pauses: str = "") -> None:
        self.suppress = suppress
        self.pauses = pauses
        self.seen: List[Found] = []

    def __enter__(self) -> Manager:
        self.seen.append(in_caller())
        return self

    def __exit__(self, *args: object) -> bool:
        self.seen.append(in_caller())
        return self.suppress

    async def __aenter__(self) -> Manager:
        if "enter" in self.pauses:
            await pause()
        return self

    async def __aexit__(self, *args: object) -> bool:
        if "exit" in self.pauses:
            await pause()
        return self.suppress


def active(*managers: object) -> Found:
    return [(manager, "active") for manager in managers]


def test_nested_and_the_same_manager_twice() -> None:
    a, b = Manager(), Manager()
    with a, b, a:
        assert here() == active(a, b, a)
        with b:
            assert here() == active(a, b, a, b)
    assert here() == []
    assert a.seen[:2] == [[(a, "entering")], [*active(a, b), (a, "entering")]]
    assert a.seen[2:] == [[*active(a, b), (a, "exiting")], [(a, "exiting")]]


def test_after_a_block_that_is_always_left_early() -> None:
    """PyPy's exception table says that the handler of the first block covers also what follows the loop."""
    a, b = Manager(), Manager()

    async def numbers() -> AsyncIterator[int]:
        yield 1

    async def program(leave: bool) -> None:
        async for _ in numbers():
            with a:
                if leave:
                    return
                await pause()
                break
        await pause()
        with b:
            await pause()

    coroutine = program(False)
    coroutine.send(None)
    assert in_coroutine(coroutine) == active(a)
    coroutine.send(None)
    assert in_coroutine(coroutine) == []
    coroutine.send(None)
    assert in_coroutine(coroutine) == active(b)
    # It is not closed, as what is raised in the second block would go on in the handler of the first on PyPy.
    with pytest.raises(StopIteration):
        coroutine.send(None)
    assert b.seen == [[(b, "entering")], [(b, "exiting")]]
    coroutine = program(False)
    coroutine.send(None)
    with pytest.raises(LookupError):
        coroutine.throw(LookupError())
    assert a.seen == [[(a, "entering")], [(a, "exiting")]] * 2


def test_in_try_finally_in_handlers_and_in_else() -> None:
    a, b = Manager(), Manager()
    for outcome in ("return", "raise"):
        try:
            with a:
                assert here() == active(a)
            if outcome == "raise":
                raise LookupError
        except LookupError:
            with b:
                assert here() == active(b)
                try:
                    raise ValueError
                except ValueError:
                    with a:
                        assert here() == active(b, a)
        else:
            with b:
                assert here() == active(b)
        finally:
            with a, b:
                assert here() == active(a, b)
    assert here() == []


@pytest.mark.parametrize("way", ["fall through", "value", "constant", "break", "continue", "raise", "nested"])
def test_exit_of_every_kind(way: str) -> None:
    outer, inner = Manager(suppress=True), Manager()

    def program() -> object:
        for _ in range(1):
            with outer, inner:
                if way == "value":
                    return [way]
                if way == "constant":
                    return 1
                if way == "break":
                    break
                if way == "continue":
                    continue
                if way == "raise":
                    raise LookupError
                if way == "nested":
                    try:
                        return [way]
                    finally:
                        assert here() == active(outer, inner)
        return None

    program()
    assert inner.seen[-1] == [(outer, "active"), (inner, "exiting")]
    assert outer.seen[-1] == [(outer, "exiting")]


def test_finally_entered_in_every_way() -> None:
    """On 3.8 the body is a subroutine, called with stacks of several shapes."""
    a, b = Manager(), Manager()

    def program(way: str) -> object:
        with a:
            for _ in (1, 2):
                try:
                    if way == "value":
                        return [way]
                    if way == "break":
                        break
                    if way == "raise":
                        raise LookupError
                finally:
                    try:
                        with b:
                            assert here() == active(a, b)
                    finally:
                        assert here() == active(a)
                        with b:
                            assert here() == active(a, b)
        return None

    for way in ("value", "break", "", "raise"):
        with contextlib.suppress(LookupError):
            program(way)
        assert b.seen[-1] == [(a, "active"), (b, "exiting")]
        assert a.seen[-1] == [(a, "exiting")]


def test_exit_that_suppresses_then_code_after_it() -> None:
    a, b = Manager(), Manager(suppress=True)
    with a:
        with b:
            raise LookupError
        assert here() == active(a)
    assert here() == []


def test_enter_that_raises() -> None:
    class Failing(Manager):
        def __enter__(self) -> Manager:
            super().__enter__()
            raise LookupError

    a, b = Manager(suppress=True), Failing()
    with a, b:
        raise AssertionError
    assert here() == []
    assert a.seen[-1] == [(a, "exiting")]


def test_suspended_in_enter_and_exit() -> None:
    a, b = Manager(), Manager(pauses="enter exit")

    async def program(fails: bool) -> None:
        with a, contextlib.suppress(LookupError):
            async with b, a:
                await pause()
                if fails:
                    raise LookupError

    for fails in (False, True):
        coroutine = program(fails)
        with suspended(coroutine):
            found = in_coroutine(coroutine)
            assert [found[0], found[-1]] == [(a, "active"), (b, "entering")]
            coroutine.send(None)
            found = in_coroutine(coroutine)
            assert [found[0], *found[2:]] == active(a, b, a)
            coroutine.send(None)
            found = in_coroutine(coroutine)
            assert [found[0], *found[2:]] == [(a, "active"), (b, "exiting")]


@pytest.mark.parametrize("way", ["value", "constant", "break", "continue", "suppressed"])
def test_async_exit_of_every_kind(way: str) -> None:
    a, b = Manager(), Manager(suppress=True, pauses="exit")

    async def program() -> object:
        with a:
            for _ in range(1):
                async with b:
                    if way == "value":
                        return [way]
                    if way == "constant":
                        return 1
                    if way == "break":
                        break
                    if way == "continue":
                        continue
                    raise LookupError
        await pause()
        return None

    coroutine = program()
    with suspended(coroutine):
        assert in_coroutine(coroutine) == [(a, "active"), (b, "exiting")]
        with contextlib.suppress(StopIteration):  # PyPy crashes if it is closed instead
            coroutine.send(None)
            assert in_coroutine(coroutine) == []


def test_throw_and_close_while_suspended() -> None:
    a, b = Manager(), Manager(pauses="exit")

    async def program() -> None:
        async with b:
            with a:
                await pause()

    coroutine = program()
    with suspended(coroutine):
        assert in_coroutine(coroutine) == active(b, a)
        coroutine.throw(LookupError())
        assert in_coroutine(coroutine) == [(b, "exiting")]
        assert a.seen[-1] == [(b, "active"), (a, "exiting")]
        with pytest.raises(LookupError):
            coroutine.send(None)


def test_operands_and_nulls_on_the_stack() -> None:
    a, b = Manager(), Manager()

    def same(*args: object, **kwargs: object) -> object:
        return args

    async def program() -> None:
        with a:
            same(1, await pause(), *[2], key=await pause())
            with b:
                for _ in range(1):
                    same([1, {2: await pause()}, str(await pause())][0], (lambda: 1)())

    coroutine = program()
    with suspended(coroutine):
        for expected in (active(a), active(a), active(a, b), active(a, b)):
            assert in_coroutine(coroutine) == expected
            with contextlib.suppress(StopIteration):
                coroutine.send(None)


def test_manager_from_an_expression_that_suspends() -> None:
    a = Manager()

    def program() -> Generator[object, object, None]:
        with (yield "manager") as x:  # type: ignore[attr-defined]
            yield x

    generator = program()
    next(generator)
    assert found_in(read_frame(generator.gi_frame, owner=generator)) == []  # type: ignore[attr-defined]
    generator.send(a)
    assert found_in(read_frame(generator.gi_frame, owner=generator)) == active(a)  # type: ignore[attr-defined]
    generator.close()


def test_comprehensions_with_await() -> None:
    a, b = Manager(), Manager()
    x = "hidden by the comprehension"

    async def numbers() -> AsyncIterator[int]:
        for number in range(2):
            await pause()
            yield number

    async def program() -> object:
        x = 1
        with a as y, b:
            first = [await pause() for x in range(1) for y in [x]]
            second = {x async for x in numbers()}
            return first, second, x, y

    coroutine = program()
    frames = 0
    with suspended(coroutine), contextlib.suppress(StopIteration):
        while True:
            assert in_coroutine(coroutine) == active(a, b)
            frames += 1
            coroutine.send(None)
    assert frames == 3
    assert x


def test_async_for_and_async_generators() -> None:
    a, b = Manager(), Manager(pauses="enter exit")

    async def generator() -> AsyncIterator[int]:
        with a:
            async with b:
                yield 1
                await pause()
                yield 2

    async def program(items: Any) -> None:
        with b:
            async for _ in items:
                await pause()

    items: Any = generator()
    coroutine = program(items)
    seen = []
    with suspended(coroutine), contextlib.suppress(StopIteration):
        while True:
            assert found_in(read_frame(coroutine.cr_frame, owner=coroutine)) == active(b)  # type: ignore[attr-defined]
            if items.ag_frame is not None:
                seen.append(found_in(read_frame(items.ag_frame, owner=items)))
            coroutine.send(None)
    both = active(a, b)
    assert [entry[-1][1] for entry in seen] == ["entering", "active", "active", "active", "exiting"]
    assert seen[1:4] == [both, both, both]


def test_async_generator_in_athrow() -> None:
    a = Manager(pauses="exit")

    async def program() -> AsyncIterator[int]:
        async with a:
            yield 1

    generator: Any = program()
    with contextlib.suppress(StopIteration):
        generator.asend(None).send(None)
    assert found_in(read_frame(generator.ag_frame, owner=generator)) == active(a)
    throwing = generator.athrow(LookupError())
    throwing.send(None)
    assert found_in(read_frame(generator.ag_frame, owner=generator)) == [(a, "exiting")]
    with pytest.raises(LookupError):
        throwing.send(None)


def test_long_code_with_extended_arguments() -> None:
    names = "\n".join(f"    name{number} = {number}.5" for number in range(300))
    body = names.replace("    ", "            ")
    text = f"def program(a, b, here):\n    with a as x:\n        if here is None:\n{body}\n        with b as y:\n"
    text += "            return here()"
    namespace: Dict[str, Any] = {}
    exec(text, namespace)
    a, b = Manager(), Manager()
    assert namespace["program"](a, b, here) == active(a, b)
    assert a.seen == [[(a, "entering")], [(a, "exiting")]]
    assert b.seen == [[(a, "active"), (b, "entering")], [(a, "active"), (b, "exiting")]]


def test_module_level_class_body_and_exec() -> None:
    a = Manager()
    namespace: Dict[str, Any] = {"a": a, "here": here}
    exec(
        "with a as x:\n    module = here()\n    class C:\n        with a as y:\n            body = here()\n", namespace
    )
    assert namespace["module"] == active(a)
    assert namespace["C"].body == active(a)
    assert a.seen[0] == [(a, "entering")]


def test_cells_that_are_arguments_and_free_variables() -> None:
    class Captured(Manager):
        def __enter__(self) -> Manager:
            self.seen.append(in_caller())
            return (lambda: self)()

        def __exit__(self, *args: object) -> bool:
            self.seen.append(in_caller())
            return bool((lambda: self.suppress)())

    def program(a: Captured, b: Captured) -> object:
        def inner() -> Found:
            with a, b:
                return here()

        with b as b2:
            assert here() == active(b2)
            return inner()

    a, b = Captured(), Captured()
    assert program(a, b) == active(a, b)
    assert b.seen == [
        [(b, "entering")],
        [(a, "active"), (b, "entering")],
        [(a, "active"), (b, "exiting")],
        [(b, "exiting")],
    ]


def test_self_rebound_in_exit() -> None:
    class Rebinding(Manager):
        def __exit__(self, *args: object) -> bool:
            seen = self.seen
            self = Rebinding()
            seen.append(in_caller())
            return False

    a = Rebinding()
    with a, a:
        pass
    # Which object it was cannot be told any more, other than by the local variable.
    assert a.seen[2:] == [[(a, "active"), (a, "exiting")], [(a, "exiting")]]
    b = [Rebinding()]
    with b[0]:
        pass
    assert b[0].seen[-1] == [(None, "exiting")]


def test_body_that_ends_like_an_exit() -> None:
    a = Manager()

    def f(*args: object) -> Found:
        return found_in(read_frame(sys._getframe(1)))

    with a:
        found = f(None, None, None)
    assert found == active(a)


def test_local_that_holds_a_bound_exit() -> None:
    a, b, c = Manager(), Manager(), Manager()
    trap = b.__exit__

    async def program() -> None:
        decoy = trap
        with a:
            [decoy, await pause(), c.__exit__]
            [b.__exit__, await pause(), decoy]

    coroutine = program()
    with suspended(coroutine):
        for _ in range(2):
            found = found_in(read_frame(coroutine.cr_frame, owner=coroutine))  # type: ignore[attr-defined]
            assert found == active(a) or (PYPY and found == [(None, "active")])
            with contextlib.suppress(StopIteration):
                coroutine.send(None)


class Exotic:
    """Records what is found in the frame that called it, which is one frame outward."""

    seen: ClassVar[List[Found]] = []

    def __enter__(self) -> Exotic:
        return self


def record(*args: object) -> None:
    frame: Optional[types.FrameType] = sys._getframe(1)
    while frame is not None and frame.f_code.co_name != "use":
        frame = frame.f_back
    if frame is not None:
        Exotic.seen.append(found_in(read_frame(frame)))


class Static(Exotic):
    @staticmethod
    def __exit__(*args: object) -> None:
        record()


class Class(Exotic):
    @classmethod
    def __exit__(cls, *args: object) -> None:
        record()


class WithPartial(Exotic):
    __exit__ = staticmethod(functools.partial(record, 1))


class WithPartialMethod(Exotic):
    def leave(self, *args: object) -> None:
        record()

    __exit__ = functools.partialmethod(leave, 1)


class Callable_:
    def __call__(self, *args: object) -> None:
        record()


class WithCallable(Exotic):
    __exit__ = Callable_()


class WithProperty(Exotic):
    @property
    def __exit__(self) -> Callable[..., None]:
        return lambda *args: record(self)


class WithPropertyOfPartial(Exotic):
    @property
    def __exit__(self) -> Callable[..., None]:
        return functools.partial(record, self)


class WithSlots(Exotic):
    __slots__ = ("value",)

    def __exit__(self, *args: object) -> None:
        record()


class Meta(type):
    def __enter__(cls) -> type:
        return cls

    def __exit__(cls, *args: object) -> None:
        record()


EXOTICS: List[Any] = [Static, Class, WithPartial, WithPartialMethod, WithCallable, WithProperty, WithPropertyOfPartial]
EXOTICS += [WithSlots, functools.partial(Meta, "OfMeta", (), {})]


@pytest.mark.parametrize("make", EXOTICS)
def test_exotic_managers(make: Callable[[], Any]) -> None:
    def use(manager: Any) -> None:
        with manager:
            Exotic.seen.append(here())
        with make() as target:
            Exotic.seen.append(here())
            assert found_in(read_frame(sys._getframe())) in (active(target), active(None))
            target = None  # so that nothing tells any more
            Exotic.seen.append(here())

    Exotic.seen = []
    manager = make()
    use(manager)
    first = Exotic.seen[0]
    assert first == active(manager)
    # Nothing that is found is wrong.
    assert all(found in (None, manager) for entries in Exotic.seen[:2] for found, _ in entries)


def test_an_exit_that_is_not_told_is_unknown() -> None:
    decoy = Static()
    with Static():
        read = read_frame(sys._getframe())
        assert [context.manager for context in read.contexts] == [None]
        assert read.contexts[0].unknown
    assert decoy is not None


def test_managers_written_in_c(tmp_path: Any) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    managers: List[Any] = [threading.Lock(), threading.RLock(), path.open(), io.BytesIO(), memoryview(b"x")]
    managers += [os.scandir(tmp_path), decimal.localcontext()]
    for manager in managers:
        with manager:
            assert here() == active(manager)

            async def program(manager: Any = manager) -> None:
                with manager:
                    await pause()

            if "lock" not in type(manager).__name__.lower() and type(manager) is not type(managers[-1]):
                coroutine = program()
                with suspended(coroutine):
                    assert in_coroutine(coroutine) == active(manager)


def test_standard_library_managers() -> None:
    @contextlib.contextmanager
    def generator_based() -> Iterator[int]:
        with a:
            yield 1

    a = Manager()
    b = generator_based()
    c = contextlib.ExitStack()
    d = contextlib.nullcontext()
    with b, c as stack, d, contextlib.suppress(LookupError) as nothing:
        stack.callback(print)
        stack.pop_all()
        assert here()[:3] == active(b, c, d)
        assert nothing is None


def test_blocked_in_an_enter_method_written_in_c() -> None:
    """A thread that waits for a lock, which is a local variable, an attribute or a global one."""

    class Holder:
        def __init__(self) -> None:
            self.lock = threading.Lock()

    holder = Holder()
    lock = threading.RLock()
    namespace: Dict[str, Any] = {"lock": threading.Lock()}

    def local(lock: Any) -> None:
        with lock:
            pass

    def attribute(holder: Holder) -> None:
        with holder.lock:
            pass

    exec("def glob():\n    with lock:\n        pass\n", namespace)
    cases: List[Tuple[Callable[..., None], Tuple[object, ...], Any]] = [
        (local, (lock,), lock),
        (attribute, (holder,), holder.lock),
        (namespace["glob"], (), namespace["lock"]),
    ]
    for function, args, expected in cases:
        with expected:
            thread = threading.Thread(target=function, args=args)
            thread.start()
            frame = None
            while frame is None:
                frame = sys._current_frames().get(thread.ident or 0)
                while frame is not None and frame.f_code is not function.__code__:
                    frame = frame.f_back
                if frame is not None and not read_frame(frame).contexts:
                    frame = None
            assert found_in(read_frame(frame)) == [(expected, "entering")]
        thread.join()


def test_unstarted_closed_and_exhausted() -> None:
    a = Manager()

    def program() -> Iterator[None]:
        with a:
            yield

    generator: Any = program()
    frame = generator.gi_frame
    assert found_in(read_frame(frame, owner=generator)) == []
    next(generator)
    assert found_in(read_frame(frame, owner=generator)) == active(a)
    generator.close()
    assert found_in(read_frame(frame)) == [] or PYPY
    generator = program()
    frame = generator.gi_frame
    assert list(generator) == [None]
    assert found_in(read_frame(frame)) == [] or PYPY


def test_finished_frames_of_a_traceback() -> None:
    a = Manager()
    frames = []

    def fails() -> None:
        frames.append(sys._getframe())
        with a:
            frames.append(sys._getframe())
            raise LookupError

    with pytest.raises(LookupError):
        fails()
    read = read_frame(frames[0])
    assert [context.manager for context in read.contexts if context.manager is not None] == []
    assert read.contexts == () or PYPY
    frames[0].clear()
    assert read_frame(frames[0]).contexts == () or PYPY


def test_own_running_coroutine() -> None:
    a, b = Manager(), Manager()
    owner: List[Any] = []

    async def inner() -> Found:
        with b:
            assert found_in(read_frame(owner[0].cr_frame, owner=owner[0], callee=sys._getframe())) == active(a)
            return here()

    async def program() -> None:
        with a:
            assert here() == active(a)
            assert found_in(read_frame(sys._getframe(), owner=owner[0])) == active(a)
            assert await inner() == active(b)

    owner.append(program())
    with contextlib.suppress(StopIteration):
        owner[0].send(None)


def test_under_settrace_at_every_instruction() -> None:
    a, b = Manager(), Manager()
    problems: List[object] = []
    seen = set()

    def trace(frame: types.FrameType, event: str, arg: object) -> Any:
        if frame.f_code is program.__code__:
            frame.f_trace_opcodes = True
            read = read_frame(frame)
            for context in read.contexts:
                if context.manager not in (None, a, b) or (context.phase == "active" and context.manager is None):
                    problems.append((event, read.lasti, found_in(read)))
            seen.add(tuple(phase for _, phase in found_in(read)))
        return trace

    def program(fails: bool) -> object:
        for _ in range(2):
            with a:
                try:
                    with b:
                        if fails:
                            raise LookupError
                        return [1]
                except LookupError:
                    pass
        return None

    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        program(False)
        program(True)
    finally:
        sys.settrace(previous)
    assert ("active", "active") in seen
    assert not problems or PYPY or sys.version_info < (3, 11), problems[:3]


def test_equal_code_objects_have_their_own_positions() -> None:
    text = "def program(m):\n    with m:\n        yield\n"
    first: Dict[str, Any] = {}
    second: Dict[str, Any] = {}
    exec(compile(text, "<text>", "exec"), first)
    exec(compile("\n\n" + text, "<text>", "exec"), second)
    second["program"].__code__ = second["program"].__code__.replace(co_firstlineno=1)
    for function in (first["program"], second["program"]):
        generator = function(Manager())
        next(generator)
        (context,) = read_frame(generator.gi_frame, owner=generator).contexts
        assert context.start_line == generator.gi_frame.f_lineno - 1
        generator.close()


def test_a_destructor_that_looks_at_the_frame_that_unwinds() -> None:
    """The exit callable has been released when the manager is, but lies where it was."""
    seen: List[Optional[FrameRead]] = []

    class Dying:
        async def __aenter__(self) -> None:
            raise LookupError

        async def __aexit__(self, *args: object) -> None:
            raise AssertionError

        def __del__(self) -> None:
            frame: Any = sys._getframe()
            while frame is not None and frame.f_code.co_name != "program":
                frame = frame.f_back
            seen.append(None if frame is None else read_frame(frame, callee=sys._getframe()))

    async def program() -> None:
        async with Dying():
            pass

    for _ in range(100):
        with pytest.raises(LookupError):
            asyncio.run(program())
    for read in seen:
        assert read is None or all(context.manager is None for context in read.contexts)


@pytest.mark.skipif(sys.version_info < (3, 10), reason="parenthesised with items came with Python 3.10")
def test_items_on_several_lines() -> None:
    a, b = Manager(), Manager()
    text = "def program(a, b, here):\n    with (\n        a as x,\n        b as (y,\n        ),\n    ):\n"
    text += "        return here()"
    namespace: Dict[str, Any] = {}
    exec(text.replace("(y,\n        )", "z"), namespace)

    def reading() -> FrameRead:
        return read_frame(sys._getframe(1))

    read = namespace["program"](a, b, reading)
    assert found_in(read) == active(a, b)
    lines = [context.start_line for context in read.contexts]
    assert lines == ([3, 4] if sys.version_info >= (3, 11) else [2, 2])
    assert [context.varname for context in read.contexts] == ["x", "z"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="except* came with Python 3.11")
def test_except_group_and_match() -> None:
    a, b = Manager(), Manager()
    text = """
def program(a, b, here):
    try:
        with a:
            raise ExceptionGroup("", [LookupError(), ValueError()])
    except* LookupError:
        with b:
            first = here()
    except* ValueError:
        match a, b:
            case [x, *rest] if not here():
                with x, rest[0]:
                    second = here()
    return first, second
"""
    namespace: Dict[str, Any] = {}
    exec(text, namespace)
    assert namespace["program"](a, b, here) == (active(b), active(a, b))


@pytest.mark.skipif(PYPY, reason="PyPy does not tell that a frame is finished")
def test_a_callee_that_has_returned_in_the_meantime() -> None:
    frames: List[types.FrameType] = []
    seen: List[FrameRead] = []

    class Leaving:
        def __enter__(self) -> Leaving:
            return self

        def __exit__(self, *args: object) -> None:
            frames.append(sys._getframe())
            if len(frames) == 2:
                seen.append(read_frame(sys._getframe(1), callee=frames[0]))

    with Leaving():
        pass
    with Leaving():
        pass
    (context,) = seen[0].contexts
    assert context.phase == "exiting"
    assert context.manager is None


@pytest.mark.skipif(
    PYPY or sys.version_info < (3, 14), reason="only since 3.14 a frame tells whether a method is bound"
)
def test_an_exit_method_of_another_object() -> None:
    class Inner:
        def __exit__(self, *args: object) -> None: ...

    inner = Inner()

    class ByProperty:
        def __enter__(self) -> None: ...

        @property
        def __exit__(self) -> Any:
            return inner.__exit__

    class ByAttribute:
        def __enter__(self) -> None: ...

        __exit__ = inner.__exit__

    async def program(make: Callable[[], Any]) -> None:
        with make():
            await pause()

    for make in (ByProperty, ByAttribute):
        with suspended(program(make)) as coroutine:
            (context,) = read_frame(coroutine.cr_frame, owner=coroutine).contexts  # type: ignore[attr-defined]
            assert context.manager is not inner


@pytest.mark.skipif(sys.version_info < (3, 13), reason="before 3.13 f_locals is a copy")
def test_a_variable_that_a_debugger_has_changed() -> None:
    class Other(Manager): ...

    seen: List[FrameRead] = []

    class Changing(Manager):
        def __exit__(self, *args: object) -> Any:
            frame = sys._getframe(1)
            frame.f_locals["manager"] = type(self)()
            seen.append(read_frame(frame, callee=sys._getframe()))

    def program(manager: Changing) -> None:
        with manager:
            pass

    changing = Changing()
    program(changing)
    assert [context.manager for context in seen[0].contexts] == [changing]
