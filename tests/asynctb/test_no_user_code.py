"""Nothing that the inspected program defines is executed, whatever it defines."""

from __future__ import annotations

import ast
import contextlib
import json
import queue
import sys
import threading
from pathlib import Path
from typing import Any, AsyncIterator, Iterator, List

import pytest
from hostile import HostileStr, armed, calls, hostile_type, manager_types
from support import names, suspended, trap

import asynctb
from asynctb import Traceback
from asynctb._objects import callable_name, describe, describe_error, get_field, type_name

Manager, AsyncManager = manager_types()


def hostile_awaitable() -> Any:
    """Return an awaitable whose iterator is itself and never ends."""
    return hostile_type(
        "Awaitable", __await__=lambda self: self, __next__=lambda self: "suspended", __iter__=lambda self: self
    )()


def everything(stack: Traceback) -> List[str]:
    """Use all that a stack offers, and return the lines of its tree."""
    stack.format(ascii_only=True, show_hidden=True)
    stack.as_stdlib_summary(show_contexts=True).format()
    json.dumps(stack.as_data())
    return stack.format()


def test_the_trap_works() -> None:
    for provoke in (repr, bool, hash, str, len, list, lambda obj: obj == 1, lambda obj: isinstance(obj, int)):
        with pytest.raises((ZeroDivisionError, AssertionError)), armed():
            provoke(Manager())
        assert calls, provoke
    with pytest.raises((ZeroDivisionError, AssertionError)), armed():
        isinstance(1, Manager)
    with pytest.raises((ZeroDivisionError, AssertionError)), armed():
        Manager.__name__  # noqa: B018
    calls.clear()


def test_as_awaitable_and_local() -> None:
    async def wait(awaitable: Any, local: Any) -> None:
        a_list = [local]
        await awaitable
        del a_list

    awaitable = hostile_awaitable()
    with suspended(wait(awaitable, Manager())) as coroutine, armed():
        stack = Traceback.of(coroutine)
        text = everything(stack)
        of_awaitable = Traceback.of(awaitable)
    assert names(stack) == ["wait"]
    assert stack.leaf is awaitable
    assert of_awaitable.leaf is awaitable
    assert "hostile.Awaitable at 0x" in text[-1]


def test_as_class_attribute_of_an_awaitable() -> None:
    class Awaitable:
        __slots__ = ()
        cr_frame = hostile_type("Hostile")()

        def __await__(self) -> Any:
            return self

        def __iter__(self) -> Any:
            return self

        def __next__(self) -> str:
            return "suspended"

    async def waits(awaitable: Any) -> None:
        await awaitable

    awaitable = Awaitable()
    with suspended(waits(awaitable)) as coroutine:
        for _ in range(2):
            with armed():
                stack = Traceback.of(coroutine)
            assert stack.leaf is awaitable


def test_as_context_manager() -> None:
    async def wait() -> None:
        with Manager() as manager, contextlib.ExitStack() as stack:
            if sys.version_info < (3, 15):  # there it fails for a class whose metaclass overrides __dict__
                stack.enter_context(manager)
                stack.push(manager)
            stack.callback(isinstance, 1, object)
            async with AsyncManager():
                await trap()

    with suspended(wait()) as coroutine, armed():
        stack = Traceback.of(coroutine)
        text = everything(stack)
    assert any("with hostile.Manager" in line for line in text)
    assert any("async with hostile.AsyncManager" in line for line in text)


def test_as_subclass_of_what_glue_knows() -> None:
    bases = [contextlib.ExitStack, threading.Condition, threading.Semaphore, threading._RLock, contextlib.nullcontext]
    managers = [hostile_type("Sub", base)() for base in bases]

    async def wait() -> None:
        with managers[0], managers[1], managers[2], managers[3], managers[4]:
            await trap()

    with suspended(wait()) as coroutine, armed():
        stack = Traceback.of(coroutine)
        everything(stack)
    assert [context.manager for context in stack.frames[0].contexts] == managers
    assert [context.unknown for context in stack.frames[0].contexts] == [None] * 5


def test_inside_generator_based_managers() -> None:
    @contextlib.contextmanager
    def manage(obj: Any) -> Iterator[Any]:
        with obj:
            yield obj

    @contextlib.asynccontextmanager
    async def amanage(obj: Any) -> AsyncIterator[Any]:
        async with obj:
            yield obj

    async def wait() -> None:
        with manage(Manager()):
            async with amanage(AsyncManager()):
                await trap()

    with suspended(wait()) as coroutine, armed():
        stack = Traceback.of(coroutine)
        everything(stack)
    for context in stack.frames[0].contexts:
        assert context.inner is not None
        assert len(context.inner.frames[0].contexts) == 1


def test_as_exception_arguments_and_names() -> None:
    class Error(Exception):
        def __str__(self) -> str:
            raise AssertionError

    with armed():
        assert describe_error(Error(Manager, "text")).endswith("Error: text")


def test_as_thread_and_in_its_frames() -> None:
    waiting: queue.SimpleQueue[None] = queue.SimpleQueue()
    go_on = threading.Event()

    def work(local: Any) -> None:
        with local:
            waiting.put(None)
            go_on.wait()

    Thread = hostile_type("Thread", threading.Thread)
    thread = Thread(target=work, args=(Manager(),), name=HostileStr("name"))
    thread.start()
    waiting.get()
    with armed():
        stack = Traceback.of(thread)
        everything(stack)
    go_on.set()
    thread.join()
    assert "work" in names(stack)


def test_as_something_without_a_stack() -> None:
    for obj in (Manager(), Manager, HostileStr("text")):
        with armed(), pytest.raises(TypeError, match="has no stack"):
            Traceback.of(obj)


def test_descriptions() -> None:
    obj = Manager()
    with armed():
        assert type_name(Manager) == "hostile.Manager"
        assert describe(obj) == f"<hostile.Manager at {hex(id(obj))}>"
        assert callable_name(obj) == "hostile.Manager"
        assert callable_name(Manager) == "hostile.Manager"
        assert get_field(obj, "gen") is None
        assert get_field(obj, "__dict__") is not obj


def test_keys_of_instance_dictionaries() -> None:
    class Plain:
        pass

    obj = Plain()
    vars(obj)[HostileStr("gen")] = 1
    vars(obj)["gen"] = 2
    with armed():
        assert get_field(obj, "gen") is None


def test_names_of_source_files() -> None:
    code = compile("async def wait(awaitable):\n    await awaitable\n", "<hostile>", "exec")
    space: Any = {"__name__": HostileStr("hostile"), "__loader__": Manager(), HostileStr("__name"): 1}
    exec(code, space)
    with suspended(space["wait"](trap())) as coroutine, armed():
        stack = Traceback.of(coroutine)
        everything(stack)
        since = Traceback.since(None)
    assert names(stack) == ["wait", "trap"]
    assert since.frames[-1].frame is sys._getframe()


def test_names_of_code_objects() -> None:
    space: Any = {}
    exec(compile("async def wait(awaitable):\n    await awaitable\n", HostileStr("hostile.py"), "exec"), space)
    names_of_code = {
        name: HostileStr("hostile") for name in ("co_name", "co_qualname") if hasattr(everything.__code__, name)
    }
    space["wait"].__code__ = space["wait"].__code__.replace(**names_of_code)
    with suspended(space["wait"](trap())) as coroutine:
        with armed():
            stack = Traceback.of(coroutine)
            everything(stack)
            asynctb.snapshot(loose_objects=True).format(show_hidden=True)
            (entry, _) = stack.as_stdlib_summary()
        assert type(stack.frames[0].filename) is type(stack.frames[0].funcname) is str
        assert type(entry.filename) is type(entry.name) is str


def test_as_exit_method() -> None:
    """A callable of a hostile type, found on the class and in the frame's stack."""
    Callable = hostile_type("Callable", __call__=lambda self, *args: None)
    WithCallable = hostile_type("WithCallable", __enter__=lambda self: self, __exit__=Callable())

    async def wait() -> None:
        with WithCallable() as manager:
            await trap()
            del manager

    with suspended(wait()) as coroutine, armed():
        stack = Traceback.of(coroutine)
        everything(stack)
    assert len(stack.frames[0].contexts) == 1


def test_as_iterator() -> None:
    iterator = hostile_type("Iterator", __iter__=lambda self: self, __next__=lambda self: 1)()

    def generate() -> Iterator[int]:
        yield from iterator

    generator = generate()
    next(generator)
    with armed():
        stack = Traceback.of(generator)
        everything(stack)
    assert stack.leaf is iterator
    generator.close()


def test_as_what_is_sent_and_thrown() -> None:
    async def echo() -> Any:
        while True:
            try:
                yield
            except BaseException:
                await trap()
            await trap()

    async def send(obj: Any) -> None:
        generator = echo()
        await generator.asend(None)
        await generator.asend(obj)

    async def throw(obj: Any) -> None:
        generator = echo()
        await generator.asend(None)
        await generator.athrow(obj)

    Error = hostile_type("Error", Exception)
    for coroutine in (send(Manager()), throw(Error())):
        with suspended(coroutine), armed():
            stack = Traceback.of(coroutine)
            everything(stack)
        assert names(stack) == [coroutine.__name__, "echo", "trap"]


def test_in_a_running_frame() -> None:
    """Also while its __enter__ and __exit__ run."""
    stacks: List[Traceback] = []

    def look(*args: object) -> None:
        with armed():
            stacks.append(Traceback.since(here))
            everything(stacks[-1])

    here = sys._getframe()
    Class = hostile_type("Class", __enter__=look, __exit__=look)
    with Class():
        look()
    assert [names(stack)[1:] for stack in stacks] == [["look"]] * 3
    assert [len(stack.frames[0].contexts) for stack in stacks[1:]] == [1, 1]


def test_types_are_compared_by_identity() -> None:
    """``type(x) == A`` and ``type(x) in (A, B)`` ask the metaclass."""
    TYPE = ast.Name("type", ast.Load())
    found = []
    for path in Path(str(asynctb.__file__)).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare) and not all(isinstance(op, (ast.Is, ast.IsNot)) for op in node.ops):
                for operand in (node.left, *node.comparators):
                    if isinstance(operand, ast.Call) and ast.dump(operand.func) == ast.dump(TYPE):
                        found.append(f"{path.name}:{node.lineno}")
    assert found == []
