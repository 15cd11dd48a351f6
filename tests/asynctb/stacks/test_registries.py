"""Which hooks are asynctb's own, and that those of others come before them."""

from __future__ import annotations

import abc
import collections.abc
import contextlib
import subprocess
import sys
import types
from typing import Any, Iterator

import attrs
import pytest
from support import names, suspended, trap

import asynctb
from asynctb import Traceback
from asynctb._stacks import customize, registries


@contextlib.contextmanager
def taken_back() -> Iterator[None]:
    """Take back what is registered inside."""
    before = dict(registries.third_party)
    tables = {
        "register_elaborate_context": customize.elaborators,
        "register_root": customize.roots,
        "register_unwrap_awaitable": customize.awaitables,
    }
    try:
        yield
    finally:
        for key, (name, subject, _) in tuple(registries.third_party.items()):
            if key not in before and name in tables:
                tables[name].withdraw(subject)
            elif key not in before and name == "customize":
                customize.withdraw_options(subject)


def test_what_others_have_registered_is_listed() -> None:
    class Actor:
        pass

    async def function() -> None:
        await trap()

    with taken_back():

        @asynctb.register_root(Actor)
        def root(actor: Actor) -> Any:
            return None

        asynctb.customize(function, skip_frame=True)
        asynctb.customize(function, skip_callees=False)
        code = function.__code__
        assert asynctb._third_party["register_root", id(Actor)] == ("register_root", Actor, root)
        options = {"skip_frame": True, "skip_callees": False}
        assert asynctb._third_party["customize", id(code)] == ("customize", code, options)
    assert ("register_root", id(Actor)) not in asynctb._third_party
    assert id(code) not in customize.handling_by_code


@pytest.mark.parametrize("before", [True, False])
def test_hooks_of_others_come_first(before: bool) -> None:
    class Manager:
        def __enter__(self) -> None:
            pass

        def __exit__(self, *exc: object) -> None:
            pass

    def generator() -> Iterator[None]:
        with Manager():
            yield

    own: Any = types.FunctionType((lambda context, walk: None).__code__, {"__name__": "asynctb._frameworks.room"})
    calls = []

    def others(context: Any, walk: Any) -> None:
        calls.append(context)

    assert registries.is_own(own)
    assert not registries.is_own(others)
    with taken_back():
        for hook in (others, own) if before else (own, others):
            asynctb.register_elaborate_context(Manager)(hook)
        started = generator()
        next(started)
        Traceback.of(started)
        assert len(calls) == 1
        started.close()
    customize.elaborators._own.pop(id(Manager))


def test_options_of_others_come_first() -> None:
    async def function() -> None:
        await trap()

    code = function.__code__
    with suspended(function()) as coroutine, taken_back():
        customize.set_options(code, {"skip_frame": True}, own=True)
        asynctb.customize(function, skip_frame=False, skip_callees=True)
        customize.set_options(code, {"skip_frame": True}, own=True)
        stack = Traceback.of(coroutine)
        assert names(stack) == ["function"]
        assert not stack.frames[0].hide
        customize.withdraw_options(code)
        stack = Traceback.of(coroutine)
        assert names(stack) == ["function", "trap"]
        assert stack.frames[0].hide
    customize._own_options.pop(id(code))
    del customize.handling_by_code[id(code)]


def test_nothing_of_asynctb_itself_is_taken_for_the_work_of_others() -> None:
    """Whatever frameworks are installed here."""
    script = """
import importlib
for name in "asyncio trio anyio curio greenlet gevent greenback asgiref sqlalchemy twisted tornado.gen".split():
    try:
        importlib.import_module(name)
    except ImportError:
        pass
import asynctb
str(asynctb.snapshot())
assert not asynctb._third_party, asynctb._third_party
assert asynctb._stacks.customize.handling_by_code
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


class Manager:
    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        pass


def test_plain_stack() -> None:
    class Awaitable:
        def __init__(self, awaited: Any) -> None:
            self.awaited = awaited

        def __await__(self) -> Any:
            return self

        def __next__(self) -> Any:
            return self.awaited.send(None)

    async def hidden() -> None:
        with contextlib.ExitStack() as stack, Manager():
            stack.enter_context(Manager())
            await cut()

    async def cut() -> None:
        await redirected()

    async def redirected() -> None:
        async for _ in agen():  # what stands behind its awaitables is known nevertheless
            pass

    async def agen() -> Any:
        await Awaitable(trap())
        yield

    def fail(*args: Any) -> Any:
        raise AssertionError

    with taken_back(), suspended(hidden()) as coroutine:
        asynctb.customize(hidden, skip_frame=True)
        asynctb.customize(cut, skip_callees=True)
        asynctb.customize(redirected, get_target=lambda frame, inner: ())
        asynctb.register_elaborate_context(Manager)(fail)
        asynctb.register_unwrap_awaitable(Awaitable)(lambda awaitable: awaitable.awaited)
        for with_contexts in (True, False):
            stack = Traceback.of(coroutine, hooks=False, with_contexts=with_contexts)
            assert names(stack) == ["hidden", "cut", "redirected", "agen"]
            assert not any(info.hide for info in stack)
            assert type(stack.leaf) is Awaitable
            found = [context for info in stack for context in info.contexts]
            if found:
                assert [type(context.manager) for context in found] == [contextlib.ExitStack, Manager]
                assert all(context.description is context.unknown is None for context in found)
                assert all(context.children == () for context in found)
            elif with_contexts:
                assert stack.frames[0].contexts_unknown is not None
        assert names(Traceback.of(coroutine)) == ["hidden", "cut"]
        for child in asynctb.snapshot(hooks=False, loose_objects=True).activities:
            if child.target is coroutine:
                assert child.traceback is not None
                assert names(child.traceback) == ["hidden", "cut", "redirected", "agen"]
    finders = list(customize.stack_finders)
    asynctb.register_stack_finder(fail)
    try:
        generator = running()
        stack = next(generator)
    finally:
        customize.stack_finders[:] = finders
    assert names(stack) == ["running"]
    assert stack.error is None or "AssertionError" not in str(stack.error)


def running() -> Iterator[Traceback]:
    def left() -> types.FrameType:
        return sys._getframe()

    assert "AssertionError" in str(Traceback.of(left()).error)
    assert "AssertionError" not in str(Traceback.of(left(), hooks=False).error)
    assert "AssertionError" not in str(Traceback.since(left(), hooks=False).error)
    yield Traceback.of(sys._getframe(), hooks=False)


def test_plain_stack_of_what_runs() -> None:
    def plumbing() -> None:
        for hooks, expected in ((True, [True, False]), (False, [False, False])):
            for stack in (
                Traceback.since(here, hooks=hooks),
                Traceback.until(sys._getframe(), 1, hooks=hooks),
                Traceback.until(sys._getframe(), here, hooks=hooks),
            ):
                assert names(stack)[:2] == [here.f_code.co_name, "plumbing"]
                assert [info.hide for info in stack] == expected[::-1]

    here = sys._getframe()
    with taken_back():
        asynctb.customize(plumbing, skip_frame=True)
        plumbing()


class Watched(abc.ABCMeta):
    """Runs code wherever that can be, once it is armed."""

    armed = False

    def __getattribute__(cls, name: str) -> Any:
        assert not Watched.armed
        return super().__getattribute__(name)

    def __instancecheck__(cls, instance: Any) -> bool:
        raise AssertionError

    def __subclasscheck__(cls, subclass: Any) -> bool:
        assert not Watched.armed
        return super().__subclasscheck__(subclass)

    def __subclasses__(cls) -> Any:
        assert not Watched.armed
        return super().__subclasses__()


def test_virtual_subclasses() -> None:
    class Base(abc.ABC):  # noqa: B024
        pass

    class Other(abc.ABC):  # noqa: B024
        pass

    class Narrower(Base):
        pass

    class Direct:
        pass

    class Inherited(Direct):
        pass

    class OfNarrower:
        pass

    class OfOther:
        pass

    class Late:
        pass

    class Itself:
        pass

    class Structural:
        def __len__(self) -> int:
            raise AssertionError

    Base.register(Direct)
    Narrower.register(OfNarrower)
    Other.register(OfOther)
    Base.register(Other)
    registry: registries.TypeRegistry[str] = registries.TypeRegistry("test")
    with taken_back():
        registry.register(Base, "base")
        registry.register(Itself, "itself")
        registry.register(collections.abc.Sized, "sized")
        assert [registry.find(cls) for cls in (Base, Narrower, Direct, Inherited)] == ["base"] * 4
        assert [registry.find(cls) for cls in (Other, OfOther)] == ["base"] * 2
        assert registry.find(OfNarrower) == ("base" if sys.implementation.name == "cpython" else None)
        assert [registry.find(cls) for cls in (Itself, Late, object, Structural)] == ["itself", None, None, None]
        assert registry.find(dict) is registry.find(type({}.items())) is None or registry.find(dict) == "sized"
        registry.register(Narrower, "narrower")
        assert registry.find(OfNarrower) == "narrower"
        registry.register(Base, "base")
        assert registry.find(OfNarrower) == "narrower"
        Base.register(Late)
        Base.register(Itself)
        registries.refresh_virtual()
        assert (registry.find(Late), registry.find(Itself)) == ("base", "itself")
        registry.withdraw(Base)
        assert registry.find(Late) is None
        for cls in (Base, Narrower, Itself, collections.abc.Sized):
            registry.withdraw(cls)
    registries._with_abstract.remove(registry)


@pytest.mark.parametrize("attribute", ["__getattribute__", "_abc_impl"])
def test_registries_of_classes_are_read_without_running_anything(
    attribute: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Base(metaclass=Watched):
        pass

    class Derived(Base):
        pass

    class Registered(metaclass=Watched):
        pass

    class Plain(abc.ABC):  # noqa: B024
        pass

    Base.register(Registered)
    Plain.register(Registered)
    if attribute == "_abc_impl":
        monkeypatch.delattr(Watched, "__getattribute__")
    monkeypatch.setattr(Watched, "_abc_impl", property(lambda cls: 1 / 0), raising=False)
    monkeypatch.setattr(Watched, "armed", True)
    registry: registries.TypeRegistry[str] = registries.TypeRegistry("test")
    with taken_back():
        registry.register(Base, "base")
        registry.register(Plain, "plain")
        assert registry.find(Base) == registry.find(Derived) == "base"
        assert registry.find(Registered) == "plain"
        assert registry.find(int) is None
        registry.withdraw(Base)
        registry.withdraw(Plain)
    registries._with_abstract.remove(registry)


def test_virtual_subclass_in_a_stack() -> None:
    class Awaits(abc.ABC):  # noqa: B024
        pass

    class Opens(abc.ABC):  # noqa: B024
        pass

    class Deferred:
        def __init__(self, coroutine: Any) -> None:
            self.coroutine = coroutine

        def __await__(self) -> Any:
            return self

        def __next__(self) -> Any:
            return self.coroutine.send(None)

    async def wait() -> None:
        with Manager():
            await Deferred(trap())

    with taken_back(), suspended(wait()) as coroutine:
        asynctb.register_unwrap_awaitable(Awaits)(lambda deferred: deferred.coroutine)
        asynctb.register_elaborate_context(Opens)(
            lambda context, walk: attrs.evolve(context, description="opened"),
        )
        assert names(Traceback.of(coroutine)) == ["wait"]
        Awaits.register(Deferred)
        Opens.register(Manager)
        stack = Traceback.of(coroutine)
        assert names(stack) == ["wait", "trap"]
        assert [context.description for context in stack.frames[0].contexts] in ([], ["opened"])
