"""Hooks that the program has registered with its own asynctb."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, List

import attr
import attrs
import pytest
from debugging import TIMEOUT, Debuggee, debug
from interpreters import Interpreter
from sessions import (
    child_session,
    frame_named,
    install,
    on_all_interpreters,
    on_few_interpreters,
    reported_child,
    visible,
)

import asynctb
from dap_extension.client._session.dap import Json
from dap_extension.client._session.shapes import expand_stacks
from dap_extension.protocol import SNAPSHOT, STACKS


def environment(folder: Path, *packages: Any) -> Dict[str, str]:
    """Return what lets a program import some packages, and nothing else of what is installed here."""
    for package in (attr, attrs, *packages):
        source = Path(package.__file__).parent
        (folder / source.name).symlink_to(source)
    return {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


def descriptions(stack: Json) -> List[Any]:
    return [context.get("description") for frame in stack["frames"] for context in frame.get("contexts", ())]


def notes_of(debuggee: Debuggee) -> List[str]:
    found: List[str] = debuggee.ask(SNAPSHOT)["notes"]
    return found


@on_all_interpreters
def test_hooks_of_the_program_take_effect(interpreter: Interpreter, tmp_path: Path) -> None:
    with debug("hooks.py", interpreter.path, env=environment(tmp_path, asynctb)) as debuggee:
        debuggee.break_at("paused", "hook", "later", "forgotten")
        debuggee.session.start(TIMEOUT)
        debuggee.wait_for_stop()
        handshake = debuggee.bootstrap()
        assert handshake["notes"] == []
        stack = debuggee.stack("retrying")
        assert visible(stack)[-2:] == ["query", "retrying"]
        assert frame_named(stack, "with_retries")["hidden"]
        snapshot_id, activities = debuggee.snapshot()
        (found,) = [activity["id"] for activity in activities if activity["name"] == "retrying"]
        arguments = {"snapshotId": snapshot_id, "activityIds": [found], "hooks": False}
        (plain,) = expand_stacks(debuggee.ask(STACKS, arguments))
        assert [frame["name"] for frame in plain["stack"]["frames"]][-3:] == ["query", "with_retries", "retrying"]
        assert not any(frame.get("hidden") for frame in plain["stack"]["frames"])
        # The breakpoint in the hook is not for us.
        assert visible(debuggee.stack("redirected"))[-3:] == ["query", "deferring", "elsewhere"]

        grouping = debuggee.stack("grouping")
        if handshake["contexts"] == "full":
            contexts = [context for frame in grouping["frames"] for context in frame.get("contexts", ())]
            broken, group = contexts
            assert broken["manager"]["type"] == "__main__.Broken"
            assert "LookupError: no idea" in broken["unknown"]
            assert group["description"] == "Group of 1"
            actor, made, entry = group["children"]
            assert visible(group["inner"])[-1] == "waiter"
            assert actor["object"]["type"] == "__main__.Actor"
            assert made["context"]["description"] == "1 managers inside"
            assert entry["context"]["description"] == "an entry"
            others = debuggee.stack("exiting")
            unknown = [context.get("unknown") for frame in others["frames"] for context in frame.get("contexts", ())]
            assert unknown[0] is None
            assert "the hook returned <int" in unknown[1]
            assert "RecursionError" in unknown[2]
            assert "SystemExit: 3" in unknown[3]
            assert sorted(note for note in notes_of(debuggee) if "hook" in note) == [
                "The program's hook fail() (register_elaborate_context) failed: LookupError: no idea",
                "The program's hook leave() (register_elaborate_context) failed: SystemExit: 3",
                next(note for note in notes_of(debuggee) if "hook recurse()" in note),
            ]
        opening = frame_named(debuggee.stack("opening"), "opening")
        assert opening["hidden"]
        assert opening["contexts"][0]["description"] == "Group of 0"
        if handshake["contexts"] == "full":
            _, borrowed, described = opening["contexts"]
            assert borrowed["manager"]["type"] == "__main__.Manager"
            assert described["description"] == "described by a hook"
            assert visible(described["inner"]) == ["described"]
        snapshot = debuggee.ask(SNAPSHOT)
        waits = {each["name"]: each.get("waitsFor") for each in snapshot["activities"]}
        assert waits["greedy"]["description"] == "connection of a pool"
        assert [finding["kind"] for finding in snapshot["findings"]] == ["deadlock"]
        assert visible(debuggee.stack("late"))[-2:] == ["query", "deferring"]

        debuggee.resume()
        debuggee.wait_for_stop()
        assert "with_retries" in visible(debuggee.stack("retrying"))
        assert visible(debuggee.stack("late")) == ["deferring"]

        debuggee.resume()
        debuggee.wait_for_stop()
        assert visible(debuggee.stack("redirected"))[-1] == "elsewhere"
        assert "deferring" not in visible(debuggee.stack("redirected"))
        assert descriptions(debuggee.stack("exiting")) == [None] * len(descriptions(debuggee.stack("exiting")))
        assert debuggee.finish() == 0
        assert debuggee.output["stdout"] == "paused\nlater\nforgotten\n"
        assert debuggee.output["stderr"] == ""


SLOW = """
import asyncio, time
import asynctb

class Manager:
    async def __aenter__(self): return self
    async def __aexit__(self, *exc): pass

@asynctb.register_elaborate_context(Manager)
def wait(context, walk):
    time.sleep(0.3)

async def slow():
    async with Manager(), Manager(), Manager(), Manager(), Manager(), Manager(), Manager(), Manager():
        await asyncio.sleep(1000)

async def main():
    task = asyncio.ensure_future(slow())
    task.set_name("slow")
    await asyncio.sleep(0)
    print("paused")  # @paused
    task.cancel()

asyncio.run(main())
"""


def test_a_slow_hook_is_left_out(tmp_path: Path) -> None:
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    with debug(str(script), env=environment(tmp_path, asynctb)) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        for _ in range(2):
            (frame,) = [frame for frame in debuggee.stack("slow")["frames"] if "contexts" in frame]
            left_out = ["left out" in context.get("unknown", "") for context in frame["contexts"]]
            assert left_out.count(False) == 4
        (note,) = notes_of(debuggee)
        assert (
            note == "The program's hook wait() (register_elaborate_context) takes too long: it is left out after 1 s."
        )
        assert debuggee.finish() == 0


HANGING = """
import asyncio, threading, sys, time
import attrs
import asynctb

held = threading.Lock()
held.acquire()

class Manager:
    async def __aenter__(self): return self
    async def __aexit__(self, *exc): pass

class Good(Manager): pass

@asynctb.register_elaborate_context(Manager)
def hang(context, walk):
    {hang}

@asynctb.register_elaborate_context(Good)
def good(context, walk):
    return attrs.evolve(context, description="good", inner=walk.stack(hanging()))

def hanging():
    with Manager():
        yield

async def wait():
    async with Manager(), Good():
        await asyncio.sleep(1000)

async def main():
    task = asyncio.ensure_future(wait())
    task.set_name("wait")
    await asyncio.sleep(0)
    print("paused")  # @paused
    held.release()
    task.cancel()
    print(sorted(thread.name for thread in threading.enumerate() if not hasattr(thread, "is_pydev_daemon_thread")))

asyncio.run(main())
"""


@pytest.mark.parametrize("hang", ["held.acquire()", "while True: pass", "time.sleep(1000)"])
@on_few_interpreters
def test_a_hook_that_does_not_return_is_left_behind(interpreter: Interpreter, hang: str, tmp_path: Path) -> None:
    script = tmp_path / "hanging.py"
    script.write_text(HANGING.replace("{hang}", hang))
    with debug(str(script), interpreter.path, env=environment(tmp_path, asynctb)) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        for _ in range(2):
            _, activities = debuggee.snapshot()
            assert [each["name"] for each in activities if each["kind"] == "thread"] == ["MainThread"]
            (frame,) = [frame for frame in debuggee.stack("wait")["frames"] if "contexts" in frame]
            manager, good = frame["contexts"]
            assert "left out, as it has not returned before" in manager["unknown"]
            assert good["description"] == "good"
        (note,) = notes_of(debuggee)
        assert note.endswith("hook hang() (register_elaborate_context) did not return within 5 s: it is left out.")
        # The debugger works as before.
        assert debuggee.request("evaluate", {"expression": "1 + 1"})["result"] == "2"
        assert debuggee.finish() == 0
        assert debuggee.output["stdout"] == "paused\n['MainThread']\n"
        assert debuggee.output["stderr"] == ""


OLD = """
import asyncio
import asynctb

asynctb.customize(asyncio.sleep, skip_frame=True, skip_callees=True)  # what its glue is like

@asynctb.customize(skip_frame=True)
async def plumbing(other):
    await Awaitable(other)

class Awaitable:
    def __init__(self, coroutine):
        self.coroutine = coroutine
    def __await__(self):
        return self
    def __next__(self):
        return self.coroutine.send(None)

class Manager:
    async def __aenter__(self): return self
    async def __aexit__(self, *exc): pass

class Wrapper(Manager):
    def __init__(self): self.manager = Manager()

@asynctb.register_unwrap_awaitable(Awaitable)
def unwrap(awaitable):
    return awaitable.coroutine

@asynctb.register_unwrap_context_manager(Wrapper)
def unwrap_wrapper(wrapper):
    return wrapper.manager

async def elsewhere(coroutine):
    await asyncio.sleep(1000)

@asynctb.register_get_target(elsewhere)
def target(frame, inner):
    return frame.f_locals["coroutine"]

async def inner():
    async with Wrapper():
        await asyncio.sleep(1000)

async def outer(coroutine):
    coroutine.send(None)
    await plumbing(elsewhere(coroutine))

async def main():
    task = asyncio.ensure_future(outer(inner()))
    task.set_name("outer")
    await asyncio.sleep(0)
    print("paused")  # @paused
    import os
    os._exit(0)

asyncio.run(main())
"""


def check_old_version(interpreter: Interpreter, folder: Path, env: Dict[str, str]) -> None:
    script = folder / "old.py"
    script.write_text(OLD)
    with debug(str(script), interpreter.path, env=env) as debuggee:
        debuggee.run_to("paused")
        handshake = debuggee.bootstrap()
        assert handshake["notes"] == []
        stack = debuggee.stack("outer")
        # asyncio's own functions are as this version has it.
        assert [frame["name"] for frame in stack["frames"]][-5:] == ["sleep", "inner", "elsewhere", "plumbing", "outer"]
        assert visible(stack) == ["inner", "elsewhere", "outer"]
        if handshake["contexts"] == "full":
            (context,) = frame_named(stack, "inner")["contexts"]
            assert context["manager"]["type"] == "__main__.Manager"
        assert debuggee.finish() == 0


@on_few_interpreters
def test_hooks_of_the_version_of_2020(interpreter: Interpreter, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    assert request.config.cache is not None
    folder = request.config.cache.mkdir("asynctb") / "0.0.0a0"
    install(folder, None, "--no-deps", "asynctb==0.0.0a0")
    env = environment(tmp_path)
    (tmp_path / "asynctb").symlink_to(folder / "asynctb")
    check_old_version(interpreter, tmp_path, env)


FIRST_LAYOUT = """
from collections import namedtuple

Handling = namedtuple("Handling", "code skip_frame skip_callees get_target")

class TypeRegistry:
    def __init__(self):
        self._hooks = {}
    def register(self, cls):
        return lambda hook: self._hooks.__setitem__(id(cls), (cls, hook))

handling_by_code, stack_finders = {}, []
awaitables, context_managers = TypeRegistry(), TypeRegistry()
register_unwrap_awaitable, register_unwrap_context_manager = awaitables.register, context_managers.register

class Handling:
    def __init__(self, code, skip_frame, skip_callees, get_target):
        self.code, self.skip_frame, self.skip_callees, self.get_target = code, skip_frame, skip_callees, get_target

def customize(function=None, *, skip_frame=False, skip_callees=False, get_target=None):
    def decorate(function):
        code = function.__code__
        handling_by_code[id(code)] = Handling(code, skip_frame, skip_callees, get_target)
        return function
    return decorate if function is None else decorate(function)

def register_get_target(function):
    return lambda hook: customize(function, get_target=hook)
"""


@on_few_interpreters
@pytest.mark.parametrize("module", ["_customize", "_stacks/customize"])
def test_hooks_of_versions_without_a_list_of_them(interpreter: Interpreter, module: str, tmp_path: Path) -> None:
    env = environment(tmp_path)
    path = tmp_path / "asynctb" / f"{module}.py"
    path.parent.mkdir(parents=True)
    path.write_text(FIRST_LAYOUT)
    dotted = module.replace("/", ".")
    (tmp_path / "asynctb" / "__init__.py").write_text(f"from asynctb.{dotted} import *\n")
    check_old_version(interpreter, tmp_path, env)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def customize(): pass\n__version__ = '9.0'\n", ["asynctb 9.0 keeps them in a way that is not known"]),
        ("def customize(): pass\n", ["asynctb of an unknown version keeps them"]),
        ("", []),
        (
            "def customize(): pass\nclass A: pass\n_third_party = {1: 2, 3: ('register_new', A, print), "
            "4: ('register_root', 5, 5), 6: ('customize', customize.__code__, {'newer': 1, 'skip_frame': True})}",
            [
                "hook of the program (register_new) is left out: TypeError: this version does not know what that is",
                "hook of the program (register_root) is left out: TypeError: it is not about a type",
                "option of the program's customize() is left out: newer",
            ],
        ),
        ("def customize(): pass\n_third_party = {}\nprint('paused')  # @paused\n", []),
    ],
)
def test_what_cannot_be_taken_over_is_told(source: str, expected: List[str], tmp_path: Path) -> None:
    (tmp_path / "asynctb.py").write_text(source)
    script = tmp_path / "program.py"
    script.write_text("import asynctb\nprint('paused')  # @paused\n")
    with debug(str(script), env={"PYTHONPATH": str(tmp_path)}) as debuggee:
        if "@paused" in source:  # in the middle of the import
            debuggee.script = tmp_path / "asynctb.py"
            debuggee.lines = {"paused": 3}
        debuggee.run_to("paused")
        handshake = debuggee.bootstrap()
        notes = notes_of(debuggee)
        assert len(notes) == len(expected) == len(handshake["notes"])
        for note, text in zip(notes, expected):
            assert text in note
        assert debuggee.finish() == 0


PARENT = """
import subprocess, sys
import asynctb

@asynctb.customize(skip_frame=True)
def plumbing(function):
    return function()

def work():
    print("paused")  # @paused

def child():
    plumbing(work)

if sys.argv[1:]:
    child()
else:
    subprocess.run([sys.executable, __file__, "child"], check=True)
"""


def test_hooks_in_a_subprocess(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with debug(str(script), env=environment(tmp_path, asynctb), subProcess=True) as parent:
        parent.session.start(TIMEOUT)
        with child_session(parent, reported_child(parent), script) as child:
            child.run_to("paused")
            child.bootstrap()
            stack = child.stack("MainThread")
            assert visible(stack)[:2] == ["work", "child"]
            assert frame_named(stack, "plumbing")["hidden"]
            child.finish()


def test_nothing_is_found_where_there_is_no_asynctb(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text("print('paused')  # @paused\n")
    with debug(str(script), env={"PYTHONPATH": os.devnull}) as debuggee:
        debuggee.run_to("paused")
        assert debuggee.bootstrap()["notes"] == []
        assert debuggee.finish() == 0
