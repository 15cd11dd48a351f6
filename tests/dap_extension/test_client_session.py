"""Debug sessions: what happens to the processes when something goes wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import List

import pytest
from debugging import PROGRAMS, marked_lines

from dap_extension.client._session.dap import ConnectionLost, DapError
from dap_extension.client._session.session import Program, ProgramEnded, adapter_command, launch

STEPS, ENDLESS = str(PROGRAMS / "steps.py"), str(PROGRAMS / "endless.py")


class Witness:
    """The writing end of a pipe for a program: the reading end ends when nobody is left who could write."""

    def __init__(self) -> None:
        reader, writer = os.pipe()
        self._reader = os.fdopen(reader, "rb")
        self.writer = os.fdopen(writer, "wb")

    def read(self) -> str:
        """Return all that was written, when the program and all who held its output have ended."""
        self.writer.close()
        with self._reader:
            return self._reader.read().decode()

    def read_line(self) -> str:
        return self._reader.readline().decode()


def test_steps_from_start_to_end() -> None:
    witness = Witness()
    with launch(Program(STEPS, args=["a b"], stdin=subprocess.DEVNULL, stdout=witness.writer)) as session:
        line = marked_lines(PROGRAMS / "steps.py")["step"]
        (breakpoint,) = session.set_breakpoints(STEPS, [line], condition="number == 1")
        assert breakpoint["verified"]
        session.start()
        stop = session.wait_for_stop()
        assert (stop.reason, stop.breakpoint_ids) == ("breakpoint", (breakpoint["id"],))
        frame = session.top_frame(stop)
        assert frame is not None
        assert (frame["name"], frame["line"]) == ("step", line)
        session.resume(stop)
        with pytest.raises(ProgramEnded, match="the program ended with exit code 7"):
            session.wait_for_stop()
        assert session.wait_for_end() == 7
    assert witness.read().splitlines() == ["step 0", "step 1", "step 2", "arguments ['a b']", "input "]


def test_an_error_in_between_ends_the_program() -> None:
    witness = Witness()
    session = launch(Program(ENDLESS, stdout=witness.writer))

    def fail() -> None:
        with session:
            session.start()
            session.resume(session.wait_for_stop())
            assert witness.read_line() == "going on\n"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    session.close()  # once more does no harm
    assert witness.read() == ""


def test_the_adapter_dies() -> None:
    witness = Witness()
    with launch(Program(ENDLESS, stdout=witness.writer)) as session:
        session.start()
        session.resume(session.wait_for_stop())
        assert witness.read_line() == "going on\n"
        errors: List[BaseException] = []

        def wait() -> None:
            try:
                session.wait_for_stop()
            except ConnectionLost as error:
                errors.append(error)

        waiter = threading.Thread(target=wait)
        waiter.start()
        assert session._adapter is not None
        session._adapter.kill()
        waiter.join()
        assert "the debug adapter" in str(errors[0])
    assert witness.read() == ""


def test_the_program_dies_before_it_has_started() -> None:
    witness = Witness()
    with launch(Program(ENDLESS, stdout=witness.writer)):
        pass
    assert witness.read() == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no program false")
def test_an_interpreter_that_is_none() -> None:
    with pytest.raises(DapError):
        launch(Program(STEPS, python="false"), timeout=20)


def test_an_adapter_that_is_none() -> None:
    with pytest.raises(ConnectionLost, match="the debug adapter closed the connection"):
        launch(Program(STEPS), adapter=[sys.executable, "-c", ""])
    with pytest.raises(ConnectionLost, match="not the Debug Adapter Protocol: b'hello'"):
        launch(Program(STEPS), adapter=[sys.executable, "-c", "print('hello'); input()"])


def test_a_program_is_a_script_or_a_module() -> None:
    for program in (Program(), Program(STEPS, module="steps")):
        with pytest.raises(ValueError, match="either a script or a module"):
            launch(program)


def test_output_events() -> None:
    texts: List[str] = []

    def listen(event: dict[str, object]) -> bool:
        body = event.get("body")
        if event["event"] == "output" and isinstance(body, dict) and body.get("category") == "stdout":
            texts.append(body["output"])
        return event["event"] == "output"

    with launch(Program(module="this"), on_event=listen, console="internalConsole", redirectOutput=True) as session:
        session.start()
        assert session.wait_for_end() == 0
    assert "Beautiful is better than ugly." in "".join(texts)


def test_the_command_of_the_adapter() -> None:
    assert adapter_command("/somewhere/debugpy")[1:] == [os.path.join("/somewhere/debugpy", "adapter")]
