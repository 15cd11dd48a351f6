"""Readers that are less exact, forced through the environment and through the function."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from typing import Any, Generator, Iterator, List, Optional

import pytest

from asynctb import _frames, snapshot
from asynctb._frames import _choice, read_frame, reader_mode, reader_notes, set_reader_mode

PYPY = sys.implementation.name == "pypy"


class Manager:
    def __enter__(self) -> Manager:
        return self

    def __exit__(self, *args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def best_mode_afterwards() -> Iterator[None]:
    yield
    set_reader_mode(None)


def suspended(first: Manager, second: Manager) -> Any:
    def program() -> Generator[None, None, None]:
        with first as x, second:
            for _ in (x,):
                yield

    generator = program()
    next(generator)
    return generator


def test_full_is_what_is_used() -> None:
    set_reader_mode(None)
    assert reader_mode() == "full"
    assert reader_notes() == ()


def test_gc_only() -> None:
    set_reader_mode("gc-only")
    assert reader_mode() == "gc-only"
    assert "gc-only" in reader_notes()[0]
    first, second = Manager(), Manager()
    generator = suspended(first, second)
    read = read_frame(generator.gi_frame, owner=generator)
    assert [context.manager for context in read.contexts] == [first, second]
    with first:
        (context,) = read_frame(sys._getframe()).contexts
        assert context.phase == "active"
        assert (context.manager is None and context.unknown) or PYPY
    generator.close()


def test_static_only() -> None:
    set_reader_mode("static-only")
    assert reader_mode() == "static-only"
    generator = suspended(Manager(), Manager())
    contexts = read_frame(generator.gi_frame, owner=generator).contexts
    assert [(context.manager, context.phase, context.varname) for context in contexts] == [
        (None, "active", "x"),
        (None, "active", None),
    ]
    assert all(context.unknown for context in contexts)
    generator.close()


def test_off() -> None:
    set_reader_mode("off")
    with Manager():
        read = read_frame(sys._getframe())
    assert read.contexts == ()
    assert read.unknown
    assert read.lasti > 0


def test_no_such_mode() -> None:
    with pytest.raises(ValueError, match="full, gc-only, static-only, off"):
        set_reader_mode("fast")  # type: ignore[arg-type]


def in_child(variable: Optional[str], code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(_frames._types.__file__)) + "/.."}
    if variable is not None:
        environment["ASYNCTB_READER"] = variable
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, timeout=60).stdout.decode()


@pytest.mark.parametrize("mode", ["gc-only", "static-only", "off", "full"])
def test_environment_variable(mode: str) -> None:
    code = "import warnings; warnings.simplefilter('error'); from asynctb import _frames as f; print(f.reader_mode())"
    assert in_child(mode, code).strip() == mode


def test_environment_variable_that_is_wrong() -> None:
    code = "from asynctb import _frames as f; print(f.reader_mode(), f.reader_notes())"
    out = in_child("best", code)
    assert out.startswith("full ")
    assert "ASYNCTB_READER" in out


def notes_on_reading() -> List[str]:
    return [note for note in snapshot().notes if note.startswith("Stacks are read less exactly")]


@pytest.mark.parametrize("mode", ["gc-only", "static-only", "off"])
def test_snapshot_has_the_reason_every_time(mode: Any) -> None:
    set_reader_mode(mode)
    for _ in range(2):
        if reader_mode() != "full":  # PyPy has no reader "gc-only"
            (note,) = notes_on_reading()
            assert f"the reader {mode!r}: the program asked for" in note
            assert note in str(snapshot())
    set_reader_mode(None)
    assert notes_on_reading() == []


def nothing(*objects: object) -> List[object]:
    return []


def failing(*objects: object) -> List[object]:
    raise NotImplementedError("no referents")


@pytest.mark.parametrize("broken", [nothing, failing])
def test_snapshot_has_the_reason_why_stacks_may_be_cut(broken: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    set_reader_mode(None)
    monkeypatch.setattr(gc, "get_referents", broken)
    for _ in range(2):
        assert any("gc.get_referents does not tell" in note for note in notes_on_reading())
    monkeypatch.undo()
    assert notes_on_reading() == []


def test_importing_chooses_no_reader() -> None:
    code = "import sys, asynctb; print([name for name in sys.modules if name.startswith('asynctb._frames._cpython')])"
    assert in_child(None, code).strip() == "[]"


def test_a_reader_that_fails_its_trial_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_choice._TRIALS, "full", lambda: (None, "it is broken"))
    monkeypatch.setattr(_frames, "_warned", False)
    with pytest.warns(_frames.InspectionWarning, match="it is broken"):
        set_reader_mode(None)
    assert reader_mode() == "gc-only"
    assert any("it is broken" in note for note in reader_notes())
    set_reader_mode(None)  # warns once only
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("what", "value"), [("version_info", (3, 99, 0)), ("implementation", type("other", (), {"name": "other"}))]
)
def test_unknown_interpreters(monkeypatch: pytest.MonkeyPatch, what: str, value: object) -> None:
    monkeypatch.setattr(_choice.sys, what, value)
    if PYPY and what == "version_info":
        return
    reader, problem = _choice._full()
    assert reader is None
    assert problem


@pytest.mark.skipif(PYPY, reason="PyPy has no subinterpreters, and its reader reads no memory")
def test_subinterpreters() -> None:
    code = '''
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
program = """
import sys, warnings
sys.path[:] = %r
warnings.simplefilter("ignore")
from asynctb import _frames
print(_frames.reader_mode(), flush=True)
""" % (__import__("sys").path,)
run = getattr(interpreters, "exec", interpreters.run_string)
new = interpreters.create()
assert run(new, program) is None
interpreters.destroy(new)
from asynctb import _frames
print(_frames.reader_mode(), flush=True)
__import__("os")._exit(0)  # CPython 3.12.1 releases twice what a subinterpreter has imported (asyncio is enough)
'''
    assert in_child(None, code).split() == ["gc-only", "full"]


#: What the readers take for granted about the layout of frames, each in some way that it could be otherwise.
WRONG_LAYOUTS = (
    [("_SLOTS", 8), ("_SLOTS", -8), ("_OWNER", -1), ("_POINTER_TO_FRAME", -8)]
    if sys.version_info >= (3, 11)
    else [("_VALUE_STACK", 8), ("_HEADER", 4), ("_SLOTS", 8)]
)


@pytest.mark.skipif(PYPY, reason="reads no memory")
@pytest.mark.parametrize(("name", "difference"), WRONG_LAYOUTS)
def test_a_wrong_layout_is_noticed(monkeypatch: pytest.MonkeyPatch, name: str, difference: int) -> None:
    module = _reader_module()
    assert module.layout_problem() is None
    monkeypatch.setattr(module, name, getattr(module, name) + difference)
    assert module.layout_problem()
    assert _choice._full()[1] == module.layout_problem()
    assert _choice.choose("full").mode == "gc-only"


@pytest.mark.skipif(sys.version_info < (3, 14) or PYPY, reason="the slots are addresses")
def test_slots_that_are_no_addresses_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a build with Py_STACKREF_DEBUG, they are numbers of entries in a table."""
    module = _reader_module()
    monkeypatch.setattr(module, "_ADDRESS", 0xFFFF)
    assert "local variables" in module.layout_problem()
    assert _choice.choose("full").mode == "gc-only"


def _reader_module() -> Any:
    _choice._full()
    name = "_cpython_311" if sys.version_info >= (3, 11) else "_cpython_38"
    return sys.modules[f"asynctb._frames.{name}"]


@pytest.mark.skipif(sys.version_info < (3, 11) or PYPY, reason="the slots are in the frame object")
def test_owners_of_other_types_are_not_read() -> None:
    class Odd:
        pass

    generator = suspended(Manager(), Manager())
    read = read_frame(generator.gi_frame, owner=generator)
    others: List[object] = [Odd(), [], generator.gi_frame, type(generator)]
    for owner in others:
        other = read_frame(generator.gi_frame, owner=owner)
        assert [context.manager for context in other.contexts] == [context.manager for context in read.contexts]
    generator.close()
    module = _reader_module()
    plan = module.analysis_of(suspended.__code__)
    for owner in others:
        assert module._read_generator(owner, sys._getframe(), 0, plan) is None


def test_a_choice_that_something_was_in_the_way_of_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    real, interruptions = _choice._TRIALS["full"], [TimeoutError("a signal handler")]

    def interrupted() -> Any:
        if interruptions:
            raise interruptions.pop()
        return real()

    for name, value in (("_reader", None), ("_tries", 0), ("_warned", True)):
        monkeypatch.setattr(_frames, name, value)
    monkeypatch.setitem(_choice._TRIALS, "full", interrupted)
    read_frame(sys._getframe())
    assert "TimeoutError: a signal handler" in str(_frames._notes)
    assert reader_mode() == "full"
    assert reader_notes() == ()
