"""Tasks of asyncio that ended with an exception: which one, and where it came from."""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import gc
import sys
import types
import weakref
from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest
from hostile import HostileStr, armed, hostile_type
from support import names

from asynctb import Activity, Traceback
from asynctb._objects import describe_error, error_line
from asynctb._snapshot.listing import Listing, snapshot

PYPY = sys.implementation.name == "pypy"
#: Whether a future keeps the traceback of its exception.
KEEPS_TRACEBACK = sys.version_info >= (3, 10)
PYTHON_TASK: Any = asyncio.tasks._PyTask  # type: ignore[attr-defined]
#: Loops that log nothing, for failures that are on purpose.
Logged = List[Dict[str, Any]]


@pytest.fixture(params=["C", "Python"])
def task_type(request: pytest.FixtureRequest) -> Any:
    if request.param == "Python":
        return PYTHON_TASK
    if asyncio.Task is PYTHON_TASK:
        pytest.skip("there are no tasks written in C")
    return asyncio.Task


def run(main: Callable[[], Any]) -> Logged:
    """Run a program, and return what its loop has reported."""
    logged: Logged = []
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _, context: logged.append(context))
    try:
        loop.run_until_complete(main())
        gc.collect()
    finally:
        loop.close()
    return logged


async def fail(error: BaseException) -> None:
    here = "fail"
    await asyncio.sleep(0)
    raise error_made_in(here, error)  # the line of the failure


def error_made_in(here: str, error: BaseException) -> BaseException:
    return error


async def outer(error: BaseException) -> None:
    try:
        await fail(error)
    finally:
        await asyncio.sleep(0)  # later than the failure


async def failed(task_type: Any, error: BaseException, name: str = "failed") -> Any:
    """Return a task that has ended with *error*."""
    task = task_type(outer(error), loop=asyncio.get_running_loop(), name=name)
    await asyncio.wait([task])
    return task


def found(**options: bool) -> Dict[str, Activity]:
    """Return the tasks of the running loop by name: other tests that failed may have left tasks that did, too."""
    own = asyncio.get_running_loop()
    tasks: List[Any] = [each for each in snapshot(**options).activities if each.kind == "task"]
    return {each.name: each for each in tasks if each.target.get_loop() is own}


def shown(stack: Optional[Traceback]) -> List[str]:
    assert stack is not None
    return names(frame for frame in stack.frames if not frame.hide)


def test_a_failed_task_is_found_with_the_stack_of_its_exception(task_type: Any) -> None:
    async def main() -> None:
        kept = await failed(task_type, ValueError("no such item"))
        for activity in (found()["failed"], found(tracebacks=False)["failed"]):
            assert activity.target is kept
            assert (activity.state, activity.failure) == ("done", "ValueError: no such item")
            assert activity.waits_for is None
            assert activity.thread is not None
            assert activity.parent == activity.thread
            assert activity.top is not None
            assert names([activity.top]) == ["fail"]
            assert activity.top.linetext == "raise error_made_in(here, error)  # the line of the failure"
        full = found()["failed"].traceback
        for stack in (full, Traceback.of(kept), Traceback.of(kept, with_contexts=False)):
            assert stack is not None
            assert stack.root is kept
            assert stack.leaf is stack.error is None
            assert shown(stack) == ["outer", "fail"]
            # Where it failed, not where the frame ended.
            assert stack.frames[-2].linetext == "await fail(error)"
            assert stack.frames[-1].frame.f_locals["here"] == "fail"
        assert full is not None
        assert full.frames[-1].contexts_unknown == "the traceback of an exception does not record context managers"
        assert Traceback.of(kept, with_contexts=False).frames[-1].contexts_unknown is None
        kept.exception()

    assert run(main) == []


def test_only_failed_tasks_are_found_when_they_are_done(task_type: Any) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with_result = task_type(asyncio.sleep(0, "result"), loop=loop, name="with result")
        cancelled = task_type(asyncio.sleep(3600), loop=loop, name="cancelled")
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.wait([with_result, cancelled])
        assert not {"with result", "cancelled"} & set(found())
        for task, words in (
            (with_result, "the task has ended"),
            (cancelled, "the task has ended, it was cancelled"),
        ):
            assert Traceback.of(task).frames == ()
            assert str(Traceback.of(task).error) == words
            assert Traceback.of(task).as_data()["error"] == words

    assert run(main) == []


def test_an_exception_that_is_never_retrieved_is_still_reported(task_type: Any) -> None:
    async def main() -> None:
        task = await failed(task_type, ValueError("text"))
        assert found()["failed"].failure == "ValueError: text"
        Traceback.of(task).format()
        Listing(thorough=False).page()
        assert task._log_traceback is True
        del task

    (report,) = run(main)
    assert "never retrieved" in report["message"]


def test_nothing_is_kept_alive(task_type: Any) -> None:
    class Error(Exception):
        pass

    async def main() -> None:
        task = await failed(task_type, Error())
        task.exception()
        refs = [weakref.ref(task), weakref.ref(task.exception())]
        stack: Optional[Traceback] = Traceback.of(task)
        data = snapshot().as_data()
        assert stack is not None
        assert [ref() is None for ref in refs] == [False, False]
        stack = None
        gc.collect()
        count = sys.getrefcount(task) if not PYPY else 0
        snapshot()
        Traceback.of(task).as_data()
        assert PYPY or sys.getrefcount(task) == count
        del task
        gc.collect()
        assert [ref() for ref in refs] == [None, None]
        del data

    assert run(main) == []


def test_frames_of_those_who_awaited_it_are_left_out(task_type: Any) -> None:
    async def awaits(task: Any) -> None:
        with contextlib.suppress(ValueError):
            await task

    async def main() -> None:
        task = await failed(task_type, ValueError())
        await awaits(task)
        is_told = task_type is PYTHON_TASK or not (3, 10) <= sys.version_info < (3, 12)
        assert shown(Traceback.of(task)) == (["outer", "fail"] if is_told else [])
        await awaits(task)
        stack = Traceback.of(task)
        if shown(stack):
            assert shown(stack) == ["outer", "fail"]
        else:
            # The interpreter has forgotten it.
            assert task_type is not PYTHON_TASK
            assert sys.version_info >= (3, 10)
            assert "does not lead to this task" in str(stack.error)
            assert found()["failed"].top is None

    assert run(main) == []


def test_exceptions_without_a_traceback(task_type: Any) -> None:
    async def main() -> None:
        task = await failed(task_type, ValueError("text"))
        if KEEPS_TRACEBACK and task_type is PYTHON_TASK:
            task._exception_tb = None
        elif KEEPS_TRACEBACK:
            with contextlib.suppress(ValueError):
                await task
        task.exception().__traceback__ = None
        activity = found()["failed"]
        assert activity.failure == "ValueError: text"
        assert activity.top is None
        assert activity.traceback is not None
        assert activity.traceback.frames == ()
        assert activity.traceback.error is not None
        assert "incomplete: the traceback of its exception does not" in str(snapshot())

    assert run(main) == []


def test_the_same_function_in_tasks_that_await_each_other(task_type: Any) -> None:
    async def crawl(depth: int) -> None:
        if not depth:
            raise LookupError
        tasks.append(task_type(crawl(depth - 1), loop=asyncio.get_running_loop()))
        await tasks[-1]

    async def main() -> None:
        tasks.append(task_type(crawl(2), loop=asyncio.get_running_loop()))
        await asyncio.wait([tasks[0]])
        for level, task in enumerate(tasks):
            stack = Traceback.of(task)
            depths = [frame.frame.f_locals["depth"] for frame in stack.frames if not frame.hide]
            assert depths == [2, 1, 0][level:] or (depths == [] and "does not lead to" in str(stack.error))
        if KEEPS_TRACEBACK:  # nobody has awaited this one
            assert len(shown(Traceback.of(tasks[0]))) == 3
        tasks[0].exception()

    tasks: List[Any] = []
    assert run(main) == []


def test_an_exception_that_several_tasks_end_with(task_type: Any) -> None:
    async def worker(label: str, future: Any) -> None:
        await future

    async def main() -> None:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        tasks = [task_type(worker(label, future), loop=loop) for label in "abc"]
        await asyncio.sleep(0)
        future.set_exception(ConnectionError())
        await asyncio.wait(tasks)

        def labels() -> List[Any]:
            stacks = [Traceback.of(task) for task in tasks]
            assert all(stack.frames or "does not lead to" in str(stack.error) for stack in stacks)
            return [[f.frame.f_locals["label"] for f in stack.frames if not f.hide] for stack in stacks]

        assert labels() == ([["a"], ["b"], ["c"]] if KEEPS_TRACEBACK else [[], [], []])
        for task in tasks:
            with contextlib.suppress(ConnectionError):
                await task
        for label, found_labels in zip("abc", labels()):
            assert found_labels in ([], [label])

    assert run(main) == []


def test_an_exception_that_was_raised_before(task_type: Any) -> None:
    """The frame that it came from first goes on; that it is suspended elsewhere now does not matter."""
    made: List[ValueError] = []

    async def reader() -> None:
        try:
            raise ValueError("broken")
        except ValueError as error:
            made.append(error)
        await asyncio.sleep(3600)

    async def waits() -> None:
        raise made[0]

    async def main() -> None:
        loop = asyncio.get_running_loop()
        reading = loop.create_task(reader())
        await asyncio.sleep(0)
        task = task_type(waits(), loop=loop, name="failed")
        await asyncio.wait([task])
        stack = found()["failed"].traceback
        assert shown(stack) == ["waits", "reader"]
        assert stack is not None
        assert stack.frames[-1].linetext.startswith('raise ValueError("broken")')
        assert reading.get_coro().cr_frame is stack.frames[-1].frame  # type: ignore[union-attr]
        reading.cancel()
        task.exception()

    assert run(main) == []


def test_other_coroutines(task_type: Any) -> None:
    """Where nothing else tells which frames are those of the task, it takes the traceback that the task has kept."""

    class Duck:
        def send(self, value: object) -> object:
            raise ValueError("duck")

        throw = close = __await__ = send

    @types.coroutine
    def generator() -> Iterator[None]:
        yield
        raise ValueError("generator")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        tasks = [task_type(Duck(), loop=loop, name="Duck")]
        if sys.version_info < (3, 12):
            tasks.append(task_type(generator(), loop=loop, name="generator"))
        await asyncio.wait(tasks)
        assert found()["Duck"].failure == "ValueError: duck"
        assert shown(found()["Duck"].traceback) == (["send"] if KEEPS_TRACEBACK else [])
        if len(tasks) == 2:
            assert shown(found()["generator"].traceback) == ["generator"]
        for task in tasks:
            task.exception()

    assert run(main) == []


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there are no eager tasks")
def test_eager_tasks_that_fail_at_once() -> None:
    async def at_once() -> None:
        raise ValueError("at once")

    async def main() -> None:
        eager: Any = {"eager_start": True}
        task: Any = asyncio.Task(at_once(), loop=asyncio.get_running_loop(), name="failed", **eager)
        assert task.done()
        assert shown(Traceback.of(task)) == ["at_once"]

        async def awaits() -> None:
            with contextlib.suppress(ValueError):
                await task

        await awaits()
        assert shown(Traceback.of(task)) == []  # nothing tells it from those who have awaited it
        assert "does not lead to" in str(Traceback.of(task).error)
        if sys.version_info >= (3, 14):
            assert found()["failed"].failure == "ValueError: at once"
        task.exception()

    assert run(main) == []


def test_hostile_exceptions_are_not_executed(task_type: Any) -> None:
    Error = hostile_type("Error", Exception)

    async def main() -> None:
        error = Error(HostileStr("text"), object())
        task = await failed(task_type, error)
        with armed():
            taken = snapshot()
            str(taken)
            taken.as_data()
            stack = Traceback.of(task)
            stack.format()
        # What a task written in Python has kept is what the exception's own __traceback__ gave.
        is_told = task_type is not PYTHON_TASK or not (3, 10) <= sys.version_info < (3, 12)
        assert shown(stack) == (["outer", "fail"] if is_told else [])
        (activity,) = (each for each in taken.activities if each.target is task)
        assert activity.failure == "hostile.Error: text"
        task.exception()

    assert run(main) == []


def test_tasks_that_were_never_initialised(task_type: Any) -> None:
    class Task(task_type):  # type: ignore[misc]  # known at run time
        pass

    async def main() -> None:
        new = [task_type.__new__(task_type), Task.__new__(Task)]
        taken = snapshot()  # finds them where it looks through all objects
        assert taken.notes == ()
        assert any(each.kind == "task" for each in taken.activities)
        for task in new:
            assert Traceback.of(task).frames == ()
            # Otherwise it fails when it is deleted.
            task.__init__(asyncio.sleep(0), loop=asyncio.get_running_loop())
        await asyncio.wait(new)

    assert run(main) == []


def test_a_state_that_is_no_exception() -> None:
    async def main() -> None:
        task = await failed(PYTHON_TASK, ValueError())
        task.exception()
        task._exception = "text"
        assert "failed" not in found()
        assert Traceback.of(task).frames == ()

    assert run(main) == []


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError(), "ValueError"),
        (ValueError("no such item"), "ValueError: no such item"),
        (KeyError(5), "KeyError: 5"),
        (KeyError(True), "KeyError"),
        (KeyError(10**30), "KeyError"),
        (OSError(2, "No such file or directory", "/x"), "FileNotFoundError: No such file or directory"),
        (ValueError("first line\nsecond"), "ValueError: first line…"),
        (ValueError("x" * 1000), "ValueError: " + "x" * 188 + "…"),
        (ValueError(object()), "ValueError"),
    ],
)
def test_descriptions(error: Exception, text: str) -> None:
    assert error_line(error) == text
    assert describe_error(error).startswith(text.rstrip("…"))


@pytest.mark.skipif(sys.version_info < (3, 11), reason="there are no exception groups")
def test_exception_groups(task_type: Any) -> None:
    async def main() -> None:
        group: Any = vars(builtins)["ExceptionGroup"]
        task = await failed(task_type, group("several", [ValueError(1), KeyError(2)]))
        assert found()["failed"].failure == "ExceptionGroup: several (2 sub-exceptions)"
        assert error_line(group("", [ValueError()])) == "ExceptionGroup (1 sub-exception)"
        for value in (hostile_type("Exceptions")(), 7):
            error = type("Slotted", (group,), {"__slots__": ("exceptions",)})("text", [ValueError()])
            error.exceptions = value
            with armed():
                assert error_line(error).endswith("Slotted: text (1 sub-exception)")
        task.exception()

    assert run(main) == []


def test_tree(task_type: Any) -> None:
    async def main() -> None:
        task = await failed(task_type, ValueError("no such\x1b item"), name="fetch-3")
        lines = snapshot().format()
        line = next(index for index, text in enumerate(lines) if text.partition("Task fetch-3  ")[1])
        assert lines[line].endswith("Task fetch-3  done, failed with ValueError: no such\\x1b item")
        # Where it was made is known in the debug mode of asyncio.
        following = [text for text in lines[line + 1 : line + 3] if "created at " not in text]
        assert "outer  " in following[0]
        data = next(each for each in snapshot().as_data()["activities"] if each["name"] == "fetch-3")
        assert data["failure"] == "ValueError: no such\x1b item"
        assert data["top"]["name"].endswith("fail")
        assert [frame["name"] for frame in data["stack"]["frames"] if not frame.get("hidden")] == ["outer", "fail"]
        task.exception()

    assert run(main) == []
