"""Dumps of a whole process: what they say, and that nothing which waits for its time disturbs the program."""

from __future__ import annotations

import asyncio
import gc
import io
import os
import select
import signal
import subprocess
import sys
import textwrap
import threading
import time
import types
import weakref
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, List, Tuple

import pytest
from support import HAS_TASK_STATES

import asynctb

PATIENCE = 60  # seconds until something that should have happened at once counts as a failure
unix = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no SIGUSR1")


class Pipe:
    """What is written into it can be waited for without sleeping."""

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe()

    def read_until(self, text: str, times: int = 1) -> str:
        received = b""
        deadline = time.monotonic() + PATIENCE
        while received.count(text.encode()) < times:
            # Not in one go: a signal that comes right before the system call would not be handled during it.
            while not select.select([self.read_end], [], [], 0.1)[0]:
                assert time.monotonic() < deadline, f"after {received!r}"
            chunk = os.read(self.read_end, 100_000)
            assert chunk, f"the pipe was closed after {received!r}"
            received += chunk
        return received.decode()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    os.close(made.read_end)
    os.close(made.write_end)


def python(program: str, *options: str) -> Tuple[int, str, str]:
    """Run a program in a process of its own; return its exit code, output and error output."""
    command = [sys.executable, *options, "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


#: Whether the system says which threads wait, and Python what for.
TELLS_WHO_WAITS = HAS_TASK_STATES and sys.implementation.name == "cpython"


def wait_on_lock(lock: threading.Lock, ready: threading.Event) -> None:
    ready.set()
    with lock:
        pass


@contextmanager
def waiting_thread() -> Iterator[None]:
    """Have another thread in `wait_on_lock`."""
    lock, ready = threading.Lock(), threading.Event()
    thread = threading.Thread(target=wait_on_lock, args=(lock, ready), name="the other one")
    with lock:
        thread.start()
        ready.wait()
        for _ in range(5000):
            if not TELLS_WHO_WAITS or thread.name in [
                each.name for each in asynctb.snapshot(tracebacks=False).activities if each.state == "suspended"
            ]:
                break
            thread.join(0.001)  # it is about to wait
        yield
    thread.join()


# At once


def test_dump_writes_every_stack_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with waiting_thread():
        asynctb.dump()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"asynctb: stacks of process {os.getpid()} at ")
    assert "Thread MainThread  running\n" in err
    state = "suspended, waits for lock, held by MainThread" if TELLS_WHO_WAITS else "running"
    assert f"Thread the other one  {state}\n" in err
    assert "test_dump_writes_every_stack_to_stderr" in err
    assert "with waiting_thread():" not in err  # the line is that of the call
    assert "wait_on_lock" in err
    assert os.path.join("asynctb", "_output", "dump.py") not in err


def test_dump_nests_tasks_under_what_they_belong_to() -> None:
    async def child() -> None:
        await asyncio.sleep(PATIENCE)

    async def parent() -> str:
        task = asyncio.ensure_future(child())
        await asyncio.sleep(0)
        stream = io.StringIO()
        asynctb.dump(stream)
        task.cancel()
        return stream.getvalue()

    text = asyncio.run(parent())
    lines = [line for line in text.splitlines() if "Task " in line]
    assert len(lines) == 2
    assert "running" in lines[0]
    assert lines[1].endswith("suspended, waits for sleep")
    # The frames of the running task are shown once, there.
    assert text.count("parent  ") == 1


def test_dump_takes_a_file_descriptor(pipe: Pipe) -> None:
    asynctb.dump(pipe.write_end)
    assert "├─" in pipe.read_until("test_dump_takes_a_file_descriptor")


def test_dump_draws_what_the_encoding_has() -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii") as stream:
        asynctb.dump(stream)
        assert "\n|- " in raw.getvalue().decode("ascii")
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="utf-8") as stream:
        asynctb.dump(stream)
        assert "\n├─ " in raw.getvalue().decode("utf-8")


@pytest.mark.parametrize("file", [True, 2.0, "dump.txt", object(), io.BytesIO()])
def test_files_of_wrong_types_are_refused(file: Any) -> None:
    with pytest.raises(TypeError, match="text stream"):
        asynctb.dump(file)
    with pytest.raises(TypeError, match="text stream"):
        asynctb.dump_after(PATIENCE, file=file)
    with pytest.raises(TypeError, match="text stream"):
        asynctb.dump_on_signal(file=file)


def test_dump_keeps_nothing_alive() -> None:
    class Thing:
        pass

    async def main() -> weakref.ref[Thing]:
        thing = Thing()
        asynctb.dump(io.StringIO())
        return weakref.ref(thing)

    ref = asyncio.run(main())
    gc.collect()
    assert ref() is None


# After a time


def test_dump_after_reports_a_thread_that_is_stuck_in_c(pipe: Pipe) -> None:
    with asynctb.dump_after(0.01, file=pipe.write_end):
        text = pipe.read_until("test_dump_after_reports_a_thread_that_is_stuck_in_c")
    assert ", 0.01 s have passed\n" in text


def test_dump_after_reports_an_idle_loop(pipe: Pipe) -> None:
    async def main() -> str:
        def read() -> None:
            loop.remove_reader(pipe.read_end)
            received.set_result(pipe.read_until("main  "))

        loop = asyncio.get_running_loop()
        received: asyncio.Future[str] = loop.create_future()
        loop.add_reader(pipe.read_end, read)
        with asynctb.dump_after(0.01, file=pipe.write_end):
            text = await received
        return text

    text = asyncio.run(main())
    assert "suspended, waits for future" in text
    assert "text = await received" in text


def test_dump_after_repeats(pipe: Pipe) -> None:
    with asynctb.dump_after(0.01, file=pipe.write_end, repeat=True) as watchdog:
        text = pipe.read_until("asynctb: stacks of process", 3)
    assert watchdog.count >= 2
    assert watchdog.error is None
    assert ", 0.01 s have passed\n" in text
    assert ", 0.02 s have passed\n" in text


def test_cancelled_in_time_dump_after_writes_nothing() -> None:
    stream = io.StringIO()
    with asynctb.dump_after(PATIENCE, file=stream) as watchdog:
        pass
    watchdog.cancel()
    assert (watchdog.count, watchdog.error, stream.getvalue()) == (0, None, "")


class FailingStream(io.StringIO):
    def __init__(self) -> None:
        super().__init__()
        self.written_to = threading.Event()

    def write(self, text: str) -> int:
        self.written_to.set()
        raise ZeroDivisionError("the disk is gone")


def test_what_goes_wrong_in_dump_after_is_only_noted() -> None:
    stream = FailingStream()
    with asynctb.dump_after(0.001, file=stream) as watchdog:
        assert stream.written_to.wait(PATIENCE)
    assert watchdog.error == "ZeroDivisionError: the disk is gone"
    assert watchdog.count == 0


def test_cancel_waits_for_a_dump_that_is_being_made() -> None:
    class SlowStream(io.StringIO):
        def write(self, text: str) -> int:
            entered.set()
            assert left.wait(PATIENCE)
            return super().write(text)

    entered, left = threading.Event(), threading.Event()
    stream = SlowStream()
    watchdog = asynctb.dump_after(0.001, file=stream)
    assert entered.wait(PATIENCE)
    timer = threading.Timer(0.01, left.set)
    timer.start()
    watchdog.cancel()
    assert left.is_set()
    assert watchdog.count == 1
    timer.join()


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), 10**20])
def test_impossible_times_are_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds must be positive"):
        asynctb.dump_after(seconds)


def test_a_time_must_be_a_number() -> None:
    with pytest.raises(TypeError, match="seconds must be a number"):
        asynctb.dump_after("1")  # type: ignore[arg-type]


def test_the_watchdog_is_not_listed_among_the_threads() -> None:
    threads = {activity.id for activity in asynctb.snapshot().activities}
    with asynctb.dump_after(PATIENCE), asynctb.dump_after(PATIENCE):
        assert {activity.id for activity in asynctb.snapshot().activities} == threads
        assert all("dump" not in thread.name for thread in threading.enumerate())


def test_the_watchdog_does_not_keep_the_process_from_ending() -> None:
    assert python("import asynctb; asynctb.dump_after(1000)", "-X", "dev") == (0, "", "")


def test_a_process_may_end_in_the_middle_of_dumps() -> None:
    program = """
        import asynctb, os, sys
        read_end, write_end = os.pipe()
        asynctb.dump_after(0.0001, file=write_end, repeat=True)
        asynctb.dump_after(0.0001, repeat=True)
        os.read(read_end, 1)
    """
    for _ in range(5):
        code, out, err = python(program)
        assert (code, out) == (0, "")
        assert "Fatal" not in err
        assert "Traceback" not in err


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_has_no_watchdog_and_can_cancel_it() -> None:
    program = """
        import asynctb, os
        with asynctb.dump_after(1000):
            child = os.fork()
        if child:
            print(os.waitpid(child, 0)[1])
    """
    assert python(program, "-W", "ignore::DeprecationWarning") == (0, "0\n", "")


def test_the_watchdog_is_a_thread_also_where_gevent_makes_greenlets_of_them() -> None:
    pytest.importorskip("gevent")
    program = """
        import gevent.monkey
        gevent.monkey.patch_all()
        import asynctb, io, os
        read_end, write_end = os.pipe()
        with asynctb.dump_after(0.01, file=write_end):
            text = os.read(read_end, 100_000).decode()  # blocks the only thread, and so all greenlets
        own = io.StringIO()
        asynctb.dump(own)
        print("<module>" in text, "<module>" in own.getvalue(), "asynctb/_output/dump.py" in own.getvalue())
    """
    assert python(program)[:2] == (0, "True True False\n")


# On a signal


@unix
def test_dump_on_signal() -> None:
    stream = io.StringIO()
    with asynctb.dump_on_signal(file=stream) as handle:
        signal.raise_signal(signal.SIGUSR1)
    assert (handle.count, handle.error) == (1, None)
    text = stream.getvalue()
    assert text.splitlines()[0].endswith(", SIGUSR1 received")
    assert "signal.raise_signal(signal.SIGUSR1)" in text
    assert os.path.join("asynctb", "_output", "dump.py") not in text


@unix
def test_a_signal_finds_the_main_thread_waiting(pipe: Pipe) -> None:
    ready = threading.Event()

    def send() -> None:
        assert ready.wait(PATIENCE)
        os.kill(os.getpid(), signal.SIGUSR1)

    sender = threading.Thread(target=send)
    sender.start()
    with asynctb.dump_on_signal(file=pipe.write_end):
        ready.set()
        text = pipe.read_until("test_a_signal_finds_the_main_thread_waiting")
    sender.join()
    assert "SIGUSR1 received" in text


@unix
def test_the_former_handler_is_called_and_restored() -> None:
    calls: List[int] = []
    before = signal.signal(signal.SIGUSR1, lambda signum, frame: calls.append(signum))
    ours = signal.getsignal(signal.SIGUSR1)
    try:
        stream = io.StringIO()
        with asynctb.dump_on_signal(signal.SIGUSR1, file=stream) as handle:
            signal.raise_signal(signal.SIGUSR1)
            assert (calls, handle.count) == ([], 1)
        with asynctb.dump_on_signal(signal.SIGUSR1, file=stream, chain=True) as handle:
            signal.raise_signal(signal.SIGUSR1)
            assert (calls, handle.count) == ([signal.SIGUSR1], 1)
        assert signal.getsignal(signal.SIGUSR1) is ours
    finally:
        signal.signal(signal.SIGUSR1, before)


@unix
def test_a_later_handler_stays() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    handle = asynctb.dump_on_signal()
    try:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        handle.cancel()
        assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGUSR1, before)


@unix
def test_chaining_ends_the_process_where_the_signal_does() -> None:
    program = """
        import asynctb, signal
        asynctb.dump_on_signal(signal.SIGTERM, chain=True)
        signal.raise_signal(signal.SIGTERM)
    """
    code, out, err = python(program)
    assert (code, out) == (-signal.SIGTERM, "")
    assert "SIGTERM received" in err


@unix
def test_only_the_main_thread_can_handle_signals() -> None:
    errors: List[BaseException] = []

    def install() -> None:
        try:
            asynctb.dump_on_signal()
        except ValueError as error:
            errors.append(error)

    thread = threading.Thread(target=install)
    thread.start()
    thread.join()
    assert len(errors) == 1


@unix
def test_what_goes_wrong_in_a_handler_is_only_noted(tmp_path: Path) -> None:
    stream = (tmp_path / "dump").open("w")
    with asynctb.dump_on_signal(file=stream) as handle:
        stream.close()
        signal.raise_signal(signal.SIGUSR1)
    assert handle.error is not None
    assert handle.error.startswith("ValueError")
    assert handle.count == 0


@unix
def test_a_signal_may_come_in_the_middle_of_an_extraction() -> None:
    calls = 0

    def interrupt(frame: types.FrameType, event: str, arg: object) -> None:
        nonlocal calls
        calls += 1
        if calls % 397 == 0:
            signal.raise_signal(signal.SIGUSR1)

    stream, own = io.StringIO(), io.StringIO()
    with asynctb.dump_on_signal(file=stream) as handle:
        while handle.count < 10 and handle.error is None:
            sys.setprofile(interrupt)
            asynctb.dump(own)
            sys.setprofile(None)
    assert handle.error is None
    name = "test_a_signal_may_come_in_the_middle_of_an_extraction"
    for text in (stream.getvalue(), own.getvalue()):
        dumps = text.split("asynctb: stacks of process")[1:]
        assert all(name in dump for dump in dumps)


@unix
def test_signals_that_come_faster_than_dumps_do_not_pile_up() -> None:
    class Stream(io.StringIO):
        depth = deepest = writes = 0

        def write(self, text: str) -> int:
            self.writes += 1
            self.depth += 1
            self.deepest = max(self.depth, self.deepest)
            if self.writes < 10:
                signal.raise_signal(signal.SIGUSR1)
            self.depth -= 1
            return super().write(text)

    stream = Stream()
    with asynctb.dump_on_signal(signal.SIGUSR1, file=stream) as handle:
        signal.raise_signal(signal.SIGUSR1)
    assert handle.error is None
    assert stream.deepest == 1
    assert stream.getvalue().count("SIGUSR1 received") == handle.count


@unix
def test_a_signal_may_come_while_the_same_file_is_written_to(tmp_path: Path) -> None:
    class Interrupted(io.FileIO):
        def write(self, data: Any) -> int:
            signal.raise_signal(signal.SIGUSR1)
            return super().write(data)

    file = tmp_path / "dump"
    stream = io.TextIOWrapper(io.BufferedWriter(Interrupted(file, "w")))
    with stream, asynctb.dump_on_signal(file=stream) as handle:
        stream.write("own text")
        stream.flush()
    assert (handle.count, handle.error) == (1, None)
    text = file.read_text()
    assert "SIGUSR1 received" in text
    assert text.endswith("own text")


@unix
def test_a_file_that_takes_nothing_is_given_up(pipe: Pipe) -> None:
    os.set_blocking(pipe.write_end, False)
    filled = 0
    try:
        while True:
            filled += os.write(pipe.write_end, b"x" * 65536)
    except BlockingIOError:
        pass
    with asynctb.dump_on_signal(file=pipe.write_end) as handle:
        signal.raise_signal(signal.SIGUSR1)
    assert handle.error is not None
    assert handle.error.startswith("BlockingIOError")
    left = filled
    while left:
        left -= len(os.read(pipe.read_end, left))


def test_the_frames_of_pytest_are_hidden() -> None:
    stream = io.StringIO()
    asynctb.dump(stream)
    assert os.path.join("_pytest", "") not in stream.getvalue()
