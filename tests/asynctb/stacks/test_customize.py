"""What libraries can register: functions, awaitables, roots, managers; and how their registration is found."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import sys
import threading
import types
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, AsyncIterator, Callable, Dict, Iterator, List, Optional

import attrs
import pytest
from support import frame_named, names, suspended, trap

import asynctb
from asynctb import Traceback
from asynctb._frameworks import _entry_points, _hiding, _registry
from asynctb._objects import funcname_of
from asynctb._stacks import follow
from asynctb._stacks.customize import code_objects_of
from asynctb._stacks.extract import top_frame


def chain(*functions: Callable[..., Any]) -> Any:
    """Return a coroutine of the first function, which awaits one of the second, and so on."""
    return functools.reduce(lambda inner, function: function(inner), reversed(functions), trap())


def hidden(stack: Traceback) -> List[str]:
    return names(info for info in stack if info.hide)


def test_skip_frame() -> None:
    @asynctb.customize(skip_frame=True)
    async def plumbing(inner: Any) -> None:
        await inner

    async def own(inner: Any) -> None:
        await inner

    with suspended(chain(own, plumbing, own)) as coroutine:
        stack = Traceback.of(coroutine)
        assert names(stack) == ["own", "plumbing", "own", "trap"]
        assert hidden(stack) == ["plumbing"]
        assert not any("plumbing" in line for line in stack.format())
        assert any("plumbing" in line for line in stack.format(show_hidden=True))
        asynctb.customize(plumbing, skip_frame=False)
        assert hidden(Traceback.of(coroutine)) == []


def test_skip_callees() -> None:
    @asynctb.customize(skip_callees=True)
    async def blackbox(inner: Any) -> None:
        await inner

    async def own(inner: Any) -> None:
        await inner

    with suspended(chain(own, blackbox, own)) as coroutine:
        stack = Traceback.of(coroutine)
    assert names(stack) == ["own", "blackbox"]
    assert stack.leaf is stack.error is None


def test_skip_callees_of_a_running_function() -> None:
    def blackbox() -> Traceback:
        return Traceback.since(here)

    here = sys._getframe()
    asynctb.customize(blackbox, skip_callees=True)

    def outer() -> Traceback:
        return (lambda: blackbox())()

    assert names(outer())[-1] == "blackbox"


def test_get_target() -> None:
    async def shim(inner: Any) -> None:
        await inner

    async def own(inner: Any) -> None:
        await inner

    seen: List[Any] = []
    targets: List[Any] = []

    @asynctb.register_get_target(shim)
    def get_target(frame: types.FrameType, inner: Optional[types.FrameType]) -> Any:
        seen.append((frame.f_code.co_name, inner and inner.f_code.co_name))
        return targets[-1]

    with suspended(chain(own, shim, own)) as coroutine, suspended(chain(own)) as other:
        for target, expected in (
            (None, ["own", "shim", "own", "trap"]),
            (other, ["own", "shim", "own", "trap"]),
            (other.cr_await, ["own", "shim", "trap"]),  # type: ignore[attr-defined]
            ((), ["own", "shim"]),
            ((sys._getframe(),), ["own", "shim", "test_get_target"]),
            ((sys._getframe(), other), ["own", "shim", "test_get_target", "own", "trap"]),
            (coroutine, ["own", "shim", "own", "shim", "own", "trap"]),
        ):
            targets.append(target)
            stack = Traceback.of(coroutine)
            assert names(stack) == expected
            assert stack.error is None
    assert set(seen) == {("shim", "own")}


def test_get_target_of_a_running_function() -> None:
    """As for a portal that waits in a thread for a coroutine somewhere else."""

    def portal(coroutine: Any) -> Traceback:
        return look()

    def look() -> Traceback:
        return Traceback.since(here)

    here = sys._getframe()
    asynctb.customize(portal, get_target=lambda frame, inner: frame.f_locals["coroutine"])
    with suspended(wait_in_trap()) as coroutine:
        assert names(portal(coroutine)) == ["test_get_target_of_a_running_function", "portal", "wait_in_trap", "trap"]


async def wait_in_trap() -> None:
    await trap()


def test_failing_hooks() -> None:
    class Awaitable:
        def __await__(self) -> Any:
            return self

        def __next__(self) -> str:
            return "suspended"

    @asynctb.register_unwrap_awaitable(Awaitable)
    def unwrap(awaitable: Awaitable) -> Any:
        raise LookupError("no idea")

    async def shim(inner: Any) -> None:
        await inner

    @asynctb.register_get_target(shim)
    def get_target(frame: types.FrameType, inner: Optional[types.FrameType]) -> Any:
        raise LookupError("no idea")

    awaitable = Awaitable()
    with suspended(wait_for(awaitable)) as coroutine:
        stack = Traceback.of(coroutine)
    assert names(stack) == ["wait_for"]
    assert stack.leaf is awaitable
    assert "Awaitable failed: LookupError: no idea" in str(stack.error)
    assert stack.error is not None
    assert stack.error.__traceback__ is None
    assert stack.error.__context__ is None
    with suspended(chain(shim)) as coroutine:
        stack = Traceback.of(coroutine)
    assert names(stack) == ["shim", "trap"]
    assert "shim failed: LookupError: no idea" in str(stack.error)


async def wait_for(awaitable: Any) -> None:
    await awaitable


def test_hook_that_returns_nonsense() -> None:
    async def shim(inner: Any) -> None:
        await inner

    asynctb.customize(shim, get_target=lambda frame, inner: (1, 2))
    with suspended(chain(shim)) as coroutine:
        assert "<int at 0x" in str(Traceback.of(coroutine).error)
    asynctb.customize(shim, get_target=lambda frame, inner: 5)
    with suspended(chain(shim)) as coroutine:
        stack = Traceback.of(coroutine)
        assert (names(stack), stack.leaf, stack.error) == (["shim"], 5, None)


def test_failure_of_a_hook_is_kept() -> None:
    async def failing(inner: Any) -> None:
        await inner

    async def blackbox(inner: Any) -> None:
        await inner

    async def shim(inner: Any) -> None:
        await inner

    def fail(frame: types.FrameType, inner: Optional[types.FrameType]) -> Any:
        raise ValueError("no")

    reason = f"the get_target hook for {funcname_of(failing.__code__)} failed: ValueError: no"
    asynctb.customize(failing, get_target=fail)
    with suspended(chain(failing)) as coroutine:
        stack = Traceback.of(coroutine)
        assert (names(stack), str(stack.error)) == (["failing", "trap"], reason)
    asynctb.customize(blackbox, skip_callees=True)
    with suspended(chain(failing, blackbox)) as coroutine:
        stack = Traceback.of(coroutine)
        assert (names(stack), str(stack.error)) == (["failing", "blackbox"], reason)
    asynctb.customize(failing, skip_callees=True)
    with suspended(chain(failing)) as coroutine:
        stack = Traceback.of(coroutine)
        assert (names(stack), str(stack.error)) == (["failing"], reason)
    with suspended(wait_in_trap()) as other, suspended(chain(failing, shim)) as coroutine:
        asynctb.customize(failing, skip_callees=False)
        asynctb.customize(shim, get_target=lambda frame, inner: other)
        stack = Traceback.of(coroutine)
        assert (names(stack), str(stack.error)) == (["failing", "shim", "wait_in_trap", "trap"], reason)


def test_nested_functions_and_wrappers() -> None:
    def factory(flag: bool) -> Any:
        if flag:

            async def nested(inner: Any) -> None:
                await inner

        else:

            async def nested(inner: Any) -> None:
                await inner

        return nested

    asynctb.customize(factory, "nested", skip_frame=True)
    for flag in (True, False):
        with suspended(chain(factory(flag))) as coroutine:
            assert hidden(Traceback.of(coroutine)) == ["nested"]

    class Class:
        @classmethod
        @functools.lru_cache(maxsize=1)
        def method(cls) -> None: ...

        @staticmethod
        def static() -> None: ...

    for thing in (Class.method, functools.partial(Class.method), vars(Class)["method"]):
        assert [code.co_name for code in code_objects_of(thing)] == ["method"]
    assert [code.co_name for code in code_objects_of(vars(Class)["static"])] == ["static"]
    assert code_objects_of(Class.static.__code__) == (Class.static.__code__,)


def test_equal_code_is_not_the_same_code() -> None:
    def make() -> Any:
        space: Dict[str, Any] = {}
        exec(compile("async def same(inner):\n    await inner\n", "<same>", "exec"), space)
        return space["same"]

    first, second = make(), make()
    assert first.__code__ == second.__code__
    asynctb.customize(first, skip_frame=True)
    with suspended(chain(second, first)) as coroutine:
        assert [info.hide for info in Traceback.of(coroutine)] == [False, True, False]


def test_wrong_arguments() -> None:
    for wrong in (print, 1, object()):
        with pytest.raises(TypeError, match="no code"):
            asynctb.customize(wrong, skip_frame=True)  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="'missing' in chain"):
        asynctb.customize(chain, "missing", skip_frame=True)
    with pytest.raises(TypeError, match="skip_frame must be"):
        asynctb.customize(chain, skip_frame=1)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="get_target must be"):
        asynctb.customize(chain, get_target=1)  # type: ignore[call-overload]
    for register in (asynctb.register_root, asynctb.register_unwrap_awaitable, asynctb.register_elaborate_context):
        with pytest.raises(TypeError, match="expected a type"):
            register(1)  # type: ignore[arg-type]


def test_root() -> None:
    class Task:
        def __init__(self, coroutine: Any) -> None:
            self.coroutine = coroutine

        def __await__(self) -> Any:
            return self

        def __next__(self) -> str:
            return "suspended"

    class SpecialTask(Task):
        pass

    asynctb.register_root(Task)(lambda task: task.coroutine)
    with suspended(wait_in_trap()) as coroutine:
        task = SpecialTask(coroutine)
        stack = Traceback.of(task)
        assert names(stack) == ["wait_in_trap", "trap"]
        assert stack.root is task
        assert len(Traceback.of(SpecialTask(None))) == 0
        with suspended(wait_for(task)) as waiter:
            stack = Traceback.of(waiter)
            assert names(stack) == ["wait_for"]  # awaiting a task ends a stack
            assert stack.leaf is task


def test_root_and_target_that_are_a_traceback() -> None:
    class Job:
        error: Any = None

    def fail() -> None:
        raise ValueError  # the failure

    def plumbing() -> None:
        try:
            fail()
        finally:
            "a later line"

    async def shim(job: Job) -> None:
        await trap()

    job = Job()
    try:
        plumbing()
    except ValueError as error:
        job.error = error
    asynctb.register_root(Job)(lambda job: job.error.__traceback__)
    # What a function does later is another matter.
    asynctb.customize(plumbing, skip_frame=True, get_target=lambda frame, inner: wait_in_trap())
    stack = Traceback.of(job)
    assert names(stack) == ["test_root_and_target_that_are_a_traceback", "plumbing", "fail"]
    assert [info.hide for info in stack.frames] == [False, True, False]
    assert [info.linetext for info in stack.frames] == ["plumbing()", "fail()", "raise ValueError  # the failure"]
    assert stack.root is job
    assert stack.leaf is stack.error is None
    (top,) = top_frame(job).frames
    assert (names([top]), top.hide) == (["fail"], False)
    assert top.linetext == "raise ValueError  # the failure"

    asynctb.customize(shim, get_target=lambda frame, inner: (sys._getframe(), job.error.__traceback__.tb_next))
    with suspended(shim(job)) as coroutine:
        stack = Traceback.of(coroutine)
    assert names(stack) == ["shim", "<lambda>", "plumbing", "fail"]
    assert stack.frames[0].contexts_unknown is None
    assert stack.frames[3].linetext == "raise ValueError  # the failure"
    job.error = ValueError()
    assert names(Traceback.of(job)) == []


class Manager:
    inner: Any = None
    child: Any = None

    def __enter__(self) -> Manager:
        return self

    def __exit__(self, *exc: object) -> None: ...


async def hold(*managers: Any) -> None:
    with managers[0] as first:
        del first
        await (hold(*managers[1:]) if managers[1:] else trap())


def contexts_of(manager: Any, **options: Any) -> Any:
    with suspended(hold(manager)) as coroutine:
        return frame_named(Traceback.of(coroutine, **options), "hold").contexts


def test_unwrap_context_manager() -> None:
    class Proxy(Manager):
        pass

    inner = Manager()
    proxy, around = Proxy(), Proxy()
    asynctb.register_unwrap_context_manager(Proxy)(lambda manager: manager.inner)
    assert [context.manager for context in contexts_of(proxy)] == [proxy]
    proxy.inner, around.inner = inner, proxy
    (context,) = contexts_of(around)
    assert context.manager is inner
    assert context.varname == "first"
    assert context.start_line is not None
    proxy.inner = around  # round in a circle
    assert len(contexts_of(proxy)) == 1


def test_elaborate_context() -> None:
    class Group(Manager):
        pass

    @asynctb.register_elaborate_context(Group)
    def elaborate(context: asynctb.ContextInfo, walk: asynctb.Walk) -> asynctb.ContextInfo:
        group: Any = context.manager
        return attrs.evolve(
            context,
            description="Group of one",
            inner=walk.stack(group.inner),
            children=(walk.child(group.child), walk.context(Manager(), description="entry")),
        )

    group = Group()
    with suspended(wait_in_trap()) as group.inner, suspended(hold(Manager())) as group.child:
        (context,) = contexts_of(group)
        assert names(context.inner) == ["wait_in_trap", "trap"]
        child, entry = context.children
        assert child.root is group.child
        assert len(child) == 0
        assert entry.description == "entry"
        assert entry.start_line is None
        (context,) = contexts_of(group, recurse_child_tasks=True)
        assert names(context.children[0]) == ["hold", "trap"]
        assert len(context.children[0].frames[0].contexts) == 1


def test_failing_elaboration() -> None:
    class Broken(Manager):
        pass

    @asynctb.register_elaborate_context(Broken)
    def elaborate(context: asynctb.ContextInfo, walk: asynctb.Walk) -> asynctb.ContextInfo:
        raise KeyError("broken")

    (context,) = contexts_of(Broken())
    assert type(context.manager) is Broken
    assert context.unknown.endswith("Broken failed: KeyError: broken")
    asynctb.register_elaborate_context(Broken)(lambda context, walk: 5)
    (context,) = contexts_of(Broken())
    assert "returned <int at 0x" in context.unknown
    wrong: List[Any] = [
        {"description": 3},
        {"unknown": b"x"},
        {"children": None},
        {"children": (1,)},
        {"inner": 5},
        {"block": None},
    ]
    for fields in wrong:
        (name,) = fields
        asynctb.register_elaborate_context(Broken)(
            lambda context, walk, fields=fields: attrs.evolve(context, **fields)  # type: ignore[misc]
        )
        (context,) = contexts_of(Broken())
        assert f" in {name}" in context.unknown
        assert type(context.manager) is Broken


def test_something_inside_without_a_stack() -> None:
    class Odd(Manager):
        pass

    asynctb.register_elaborate_context(Odd)(lambda context, walk: attrs.evolve(context, inner=walk.stack(1)))
    (context,) = contexts_of(Odd())
    assert "has no stack" in str(context.inner.error)


def test_managers_inside_each_other() -> None:
    """Neither a recursion error nor an endless loop."""

    class Selfish(Manager):
        pass

    selfish = Selfish()
    with suspended(hold(selfish)) as coroutine:
        asynctb.register_elaborate_context(Selfish)(
            lambda context, walk: attrs.evolve(context, inner=walk.stack(coroutine))
        )
        (context,) = Traceback.of(coroutine).frames[0].contexts
        assert context.inner is not None
        (again,) = context.inner.frames[0].contexts
        assert again.inner is None
        assert again.unknown == "contains itself"


def test_hooks_that_find_ever_more_inside() -> None:
    class Endless(Manager):
        pass

    @asynctb.register_elaborate_context(Endless)
    def elaborate(context: asynctb.ContextInfo, walk: asynctb.Walk) -> asynctb.ContextInfo:
        with suspended(hold(Endless())) as coroutine:
            return attrs.evolve(context, inner=walk.stack(coroutine))

    with suspended(hold(Endless())) as coroutine:
        stack = Traceback.of(coroutine)
    depth = 0
    while stack.frames:
        (context,) = stack.frames[0].contexts
        assert context.inner is not None
        stack = context.inner
        depth += 1
    assert depth == 51
    assert "more than 50" in str(stack.error)


@pytest.mark.parametrize("recurse_child_tasks", [False, True])
def test_stacks_inside_are_counted(recurse_child_tasks: bool) -> None:
    class Pool(Manager):
        """Has stacks of ten frames."""

    async def deep(count: int) -> None:
        await (deep(count - 1) if count > 1 else wait_in_trap())

    @asynctb.register_elaborate_context(Pool)
    def elaborate(context: asynctb.ContextInfo, walk: asynctb.Walk) -> asynctb.ContextInfo:
        return attrs.evolve(context, children=tuple(walk.stack(coroutine) for _ in range(2000)))

    with suspended(deep(8)) as coroutine, suspended(hold(Pool())) as holder:
        (context,) = Traceback.of(holder, recurse_child_tasks=recurse_child_tasks).frames[0].contexts
        stacks = [stack for stack in context.children if isinstance(stack, Traceback)]
    assert {len(stack.frames) for stack in stacks[:1000]} == {10}
    left_out = [stack for stack in stacks if not stack.frames]
    assert len(left_out) == (0 if recurse_child_tasks else 1000)
    assert all("there is too much inside" in str(stack.error) for stack in left_out)


def test_subclass_hooks_prevail() -> None:
    class Special(Manager):
        pass

    asynctb.register_elaborate_context(Manager)(lambda context, walk: attrs.evolve(context, description="manager"))
    assert contexts_of(Special())[0].description == "manager"
    asynctb.register_elaborate_context(Special)(lambda context, walk: None)
    assert contexts_of(Special())[0].description is None
    assert contexts_of(Manager())[0].description == "manager"
    asynctb.register_elaborate_context(Manager)(lambda context, walk: None)


def test_stack_finder() -> None:
    """A coroutine can be running although no thread runs it: in another greenlet."""

    def switch() -> None:
        frames.append(sys._getframe())
        started.set()
        finish.wait()

    async def main() -> None:
        switch()

    def thread() -> None:
        with pytest.raises(StopIteration):
            coroutines[0].send(None)

    frames: List[types.FrameType] = []
    started, finish = threading.Event(), threading.Event()
    coroutines = [main()]
    worker = threading.Thread(target=thread)
    worker.start()
    started.wait()
    looked_for: List[types.FrameType] = []
    real = sys._current_frames

    def hide_worker() -> Dict[int, types.FrameType]:
        return {ident: frame for ident, frame in real().items() if ident != worker.ident}

    @asynctb.register_stack_finder
    def find(frame: types.FrameType) -> Optional[types.FrameType]:
        looked_for.append(frame)
        return frames[-1]

    sys._current_frames = hide_worker
    try:
        stack = Traceback.of(coroutines[0])
    finally:
        sys._current_frames = real
        finish.set()
        worker.join()
        asynctb._stacks.customize.stack_finders.remove(find)
    assert names(stack) == ["main", "switch"]
    assert len(looked_for) == 1


@contextmanager
def imported(name: str, source: str, folder: Path) -> Iterator[types.ModuleType]:
    path = folder / f"{name}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules[name]


def notes_about(library: str) -> List[str]:
    return [note for note in _registry.notes() if library in note]


LIBRARY = """
async def plumbing(inner):
    await inner

def _asynctb_install_(registration):
    registration.customize(plumbing, skip_frame=True)
"""


def test_hook_in_the_library(tmp_path: Path) -> None:
    with imported("library_with_hook", LIBRARY, tmp_path) as library, suspended(chain(library.plumbing)) as coroutine:
        assert hidden(Traceback.of(coroutine)) == ["plumbing"]
    assert notes_about("library_with_hook") == []
    with imported("library_with_hook", LIBRARY, tmp_path) as again, suspended(chain(again.plumbing)) as coroutine:
        assert hidden(Traceback.of(coroutine)) == ["plumbing"]


def test_hook_of_a_module_that_is_being_imported(tmp_path: Path) -> None:
    with imported("half_a_library", LIBRARY, tmp_path) as library, suspended(chain(library.plumbing)) as coroutine:
        assert library.__spec__ is not None
        library.__spec__._initializing = True  # type: ignore[attr-defined]
        assert hidden(Traceback.of(coroutine)) == []
        library.__spec__._initializing = False  # type: ignore[attr-defined]
        assert hidden(Traceback.of(coroutine)) == ["plumbing"]


def test_failing_hook_in_a_library(tmp_path: Path) -> None:
    source = "def _asynctb_install_(registration):\n    raise ValueError('broken library')\n"
    with imported("broken_library", source, tmp_path), suspended(wait_in_trap()) as coroutine:
        stack = Traceback.of(coroutine)
        assert names(stack) == ["wait_in_trap", "trap"]
        assert stack.error is None
        (note,) = notes_about("broken_library")
        assert "ValueError: broken library" in note
    del _registry._failures["module", "broken_library"]


def test_failing_hook_of_a_room_is_tried_again_when_more_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def install(module: types.ModuleType) -> None:
        calls.append(module)
        plumbing = sys.modules["lazy_library_part"].plumbing
        _registry.Registration().customize(plumbing, skip_frame=True)

    calls: List[types.ModuleType] = []
    monkeypatch.setitem(_registry._rooms, "builtins", _registry.Room({"lazy_library": install}))
    with imported("lazy_library", "", tmp_path), suspended(wait_in_trap()) as coroutine:
        Traceback.of(coroutine)
        Traceback.of(coroutine)
        assert len(calls) == 1
        (note,) = notes_about("lazy_library")
        assert "KeyError: lazy_library_part" in note
        source = LIBRARY.replace("_asynctb_install_", "other")
        with imported("lazy_library_part", source, tmp_path) as part, suspended(chain(part.plumbing)) as inside:
            assert hidden(Traceback.of(inside)) == ["plumbing"]
        assert notes_about("lazy_library") == []
        assert len(calls) == 2
        with imported("something_else", "", tmp_path):
            Traceback.of(coroutine)
        assert len(calls) == 2


def test_hooks_of_a_library_replace_those_of_a_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def install(module: types.ModuleType) -> None:
        calls.append(module.__name__)

    calls: List[str] = []
    # New modules are known by their addresses, too, which must not be used again.
    kept: List[types.ModuleType] = []
    room = _registry.Room({"replacing": install, "replacing.part": install, "replacing_not": install})
    monkeypatch.setitem(_registry._rooms, "builtins", room)
    with suspended(wait_in_trap()) as coroutine:
        for source, expected in (
            (LIBRARY, ["replacing_not"]),
            (LIBRARY + "    raise ValueError('broken')\n", ["replacing", "replacing.part", "replacing_not"]),
            (LIBRARY.replace("_asynctb_install_", "other"), ["replacing", "replacing.part", "replacing_not"]),
        ):
            calls.clear()
            with ExitStack() as modules:
                for name in ("replacing", "replacing.part", "replacing_not"):
                    text = source if name == "replacing" else ""
                    kept.append(modules.enter_context(imported(name, text, tmp_path)))
                Traceback.of(coroutine)
                Traceback.of(coroutine)
                assert calls == expected
            _registry._failures.pop(("module", "replacing"), None)


def test_elaborate_frame() -> None:
    class Manager:
        def __enter__(self) -> None:
            pass

        def __exit__(self, *exc: object) -> None:
            pass

    async def function(number: int) -> None:
        with Manager():
            await trap()

    given: List[Any] = []
    results: List[Callable[[Any, asynctb.Walk], Any]] = [
        lambda info, walk: None,
        lambda info, walk: attrs.evolve(info, hide=True, contexts=()),
        lambda info, walk: attrs.evolve(info, contexts=(walk.context(manager), *info.contexts), lasti=0),
        lambda info, walk: 5,
        lambda info, walk: attrs.evolve(info, frame=sys._getframe()),
        lambda info, walk: attrs.evolve(info, contexts=(5,)),
        lambda info, walk: attrs.evolve(info, hide=1),
        lambda info, walk: attrs.evolve(info, contexts_unknown=5),
        lambda info, walk: attrs.evolve(info, contexts=None),
    ]
    manager = Manager()

    @asynctb.register_elaborate_frame(function)
    def elaborate(info: asynctb.FrameInfo, walk: asynctb.Walk) -> Any:
        given.append(info)
        return result(info, walk)

    for number, result in enumerate(results):  # noqa: B007  (the hook calls it)
        with suspended(function(number)) as coroutine:
            plain = Traceback.of(coroutine, hooks=False)
            del given[:]
            stack = Traceback.of(coroutine)
            assert len(given) == 1
            assert names(stack) == names(plain) == ["function", "trap"]
            first = stack.frames[0]
            assert first.lasti == plain.frames[0].lasti
            if number == 0:
                assert first is given[0]
            elif number < 3:
                assert first.hide is (number == 1)
                added = {1: [], 2: [manager, *[context.manager for context in plain.frames[0].contexts]]}[number]
                assert [context.manager for context in first.contexts] == added
            else:
                assert "the hook for" in str(first.contexts_unknown)
                assert "TypeError: the hook returned" in str(first.contexts_unknown)
                assert len(first.contexts) == len(plain.frames[0].contexts)
            if number < 2:
                assert Traceback.of(coroutine, with_contexts=False).frames[0].hide is (number == 1)
    with suspended(function(1)) as coroutine:
        result = lambda info, walk: walk.stack(coroutine).frames[0]  # noqa: E731
        stack = Traceback.of(coroutine)  # leads round in a circle
        assert names(stack) == ["function", "trap"]
    with pytest.raises(TypeError, match="must be callable"):
        asynctb.register_elaborate_frame(function)(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must be callable"):
        asynctb.customize(function, elaborate=5)  # type: ignore[call-overload]


def test_hooks_for_generator_functions() -> None:
    class Manager:
        def __enter__(self) -> None:
            pass

        def __exit__(self, *exc: object) -> None:
            pass

    @contextmanager
    def made(inside: Any) -> Iterator[None]:
        yield

    @asynccontextmanager
    async def made_async(inside: Any) -> AsyncIterator[None]:
        yield

    @contextmanager
    def other(inside: Any) -> Iterator[None]:
        yield

    def factory() -> Any:
        @contextmanager
        def nested(inside: Any) -> Iterator[None]:
            yield

        return nested

    async def function() -> None:
        with other(manager), factory()(manager), ExitStack() as stack:
            stack.enter_context(made(manager))
            async with made_async(manager):
                await trap()

    manager = Manager()
    for thing in ((made,), (made_async,), (factory, "nested")):
        asynctb.register_unwrap_context_generator(*thing)(lambda frame: asynctb.local_variable(frame, "inside"))
    with suspended(function()) as coroutine:
        for info in Traceback.of(coroutine).frames[0].contexts[:1]:
            assert info.description is not None
            assert info.description.endswith("other()")
            _, nested, stack, last = Traceback.of(coroutine).frames[0].contexts
            assert nested.manager is last.manager is manager
            (child,) = stack.children
            assert isinstance(child, asynctb.ContextInfo)
            assert child.manager is manager

    def fail(context: asynctb.ContextInfo) -> Any:
        raise LookupError("no idea")

    @asynctb.register_elaborate_context_generator(other)
    def elaborate(context: asynctb.ContextInfo, walk: asynctb.Walk) -> Any:
        assert names(walk.stack(asynctb.get_field(context.manager, "gen"))) == ["other"]
        return act(context)

    act: Callable[[asynctb.ContextInfo], Any]
    for act, description, unknown in (  # noqa: B007  (the hook calls it)
        (lambda context: None, "other()", None),
        (lambda context: attrs.evolve(context, description="described"), "described", None),
        (lambda context: 5, "other()", "TypeError: the hook returned <int"),
        (fail, "other()", "LookupError: no idea"),
    ):
        with suspended(function()) as coroutine:
            for info in Traceback.of(coroutine).frames[0].contexts[:1]:
                assert str(info.description).endswith(description)
                assert info.inner is not None
                assert info.unknown is None if unknown is None else unknown in str(info.unknown)


def test_hook_in_a_library_that_is_no_function(tmp_path: Path) -> None:
    with imported("odd_library", "_asynctb_install_ = True", tmp_path), suspended(wait_in_trap()) as coroutine:
        assert names(Traceback.of(coroutine)) == ["wait_in_trap", "trap"]
        (note,) = notes_about("odd_library")
        assert "TypeError" in note
    del _registry._failures["module", "odd_library"]


def test_failing_stack_finders(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(frame: types.FrameType) -> types.FrameType:
        raise LookupError("no greenlets")

    def left() -> types.FrameType:
        return sys._getframe()

    finders: List[Any] = [fail, lambda frame: 5]
    for finder, text in zip(finders, ("LookupError: no greenlets", "it returned <int at 0x")):
        monkeypatch.setattr(follow, "stack_finders", [finder])
        frame = left()
        for stack in (Traceback.of(frame), Traceback.since(frame)):
            assert names(stack) == ["left"]
            assert text in str(stack.error)
        assert names(Traceback.of(sys._getframe())) == ["test_failing_stack_finders"]


def test_entry_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = tmp_path / "plugin-1.0.dist-info"
    metadata.mkdir()
    (metadata / "entry_points.txt").write_text(
        "[console_scripts]\nlibrary = other:main\n\n[asynctb]\nplugged_library = asynctb_plugin:Hooks.install [extra]\n"
    )
    (tmp_path / "asynctb_plugin.py").write_text(
        "import sys\n"
        "class Hooks:\n"
        "    @staticmethod\n"
        "    def install(registration):\n"
        "        registration.customize(sys.modules['plugged_library'].plumbing, skip_frame=True)\n"
    )
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path), str(tmp_path / "missing"), 5])
    monkeypatch.setattr(_registry, "_plugins", None)
    source = "async def plumbing(inner):\n    await inner\n"
    Traceback.of(threading.current_thread())
    assert "asynctb_plugin" not in sys.modules  # nobody needs it yet
    with imported("plugged_library", source, tmp_path) as library, suspended(chain(library.plumbing)) as coroutine:
        assert hidden(Traceback.of(coroutine)) == ["plumbing"]
    assert notes_about("plugged_library") == []
    monkeypatch.delitem(sys.modules, "asynctb_plugin")


def test_entry_point_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "# comment\n[ asynctb ]\n; a = b:c\nd = e:f\n g.h=i\n[other]\nj = k:l\n"
    assert _entry_points.parse(text) == [("d", "e:f"), ("g.h", "i")]
    unreadable = tmp_path / "plugin.egg-info"
    unreadable.mkdir()
    (unreadable / "entry_points.txt").write_bytes(b"\xff\xfe")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    found, failure = _entry_points.entry_points()
    assert found == []
    assert failure is not None
    assert "plugin.egg-info" in failure


@pytest.mark.parametrize("path", [None, 5, iter([]), "text"])
def test_path_that_is_no_list(path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def wait() -> None:
        await trap()

    with suspended(wait()) as coroutine, monkeypatch.context() as patch:
        patch.setattr(sys, "path", path)
        patch.setattr(_registry, "_plugins", None)
        patch.setattr(_registry, "_failures", {})
        patch.setattr(_registry, "_modules_seen", None)
        assert names(Traceback.of(coroutine)) == ["wait", "trap"]
        (note,) = _registry.notes()
    assert note == f"Entry points were not looked for: sys.path is a {type(path).__name__}"


def test_path_with_odd_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> Any:
        raise AssertionError

    methods = ("__hash__", "__eq__", "__str__", "__bool__", "__len__", "__iter__", "__fspath__", "__getitem__")
    odd_text, odd_list, odd = (
        type("Odd", (base,), {name: fail for name in methods if base is not str or hasattr(str, name)})
        for base in (str, list, object)
    )
    metadata = tmp_path / "plugin.dist-info"
    metadata.mkdir()
    (metadata / "entry_points.txt").write_text("[asynctb]\na = b:c\n")
    (tmp_path / "a file").write_text("")
    entries = [None, 5, b"bytes", tmp_path, odd(), [], str(tmp_path / "a file"), "x" * 100_000, str.__new__(odd_text)]
    path: List[object] = list.__new__(odd_list)
    list.extend(path, [*entries, str.__new__(odd_text, str(tmp_path)), str(tmp_path)])
    with monkeypatch.context() as patch:
        patch.setattr(sys, "path", path)
        for function in ("os.listdir", "os.stat", "builtins.open"):
            patch.setattr(function, fail)
        found, failure = _entry_points.entry_points()
        patch.setattr(sys, "path", ["null\0character", str(tmp_path)])
        found_after_failure, failure_in_name = _entry_points.entry_points()
    assert found == found_after_failure == [("a", "b:c")]
    assert failure is None
    assert "could not be listed" in str(failure_in_name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_entry_points_are_not_read_from_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = tmp_path / "pipe.dist-info"
    metadata.mkdir()
    os.mkfifo(metadata / "entry_points.txt")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    reader = threading.Thread(target=_entry_points.entry_points, daemon=True)
    reader.start()
    reader.join(30)
    assert not reader.is_alive()


def test_modules_of_a_hidden_package_that_are_imported_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "hidden_package"
    package.mkdir()
    (package / "__init__.py").write_text("def early():\n    yield\n")
    (package / "later.py").write_text("def late():\n    yield\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(_hiding, "hidden_packages", {})
    early: Any = importlib.import_module("hidden_package")
    _hiding.hide_package("hidden_package")
    late: Any = importlib.import_module("hidden_package.later")
    for function in (early.early, late.late):
        generator = function()
        next(generator)
        assert [info.hide for info in Traceback.of(generator)] == [True]
    for name in ("hidden_package", "hidden_package.later"):
        del sys.modules[name]
