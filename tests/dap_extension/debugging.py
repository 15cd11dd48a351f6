"""Real debug sessions for tests: a program on a chosen interpreter, under a debugpy adapter of its own.

Lines are named by ``# @marker`` comments in the program. Waits end with an event or an error, never by time alone.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import sys
import threading
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from dap_extension.client._session.dap import Json, RequestFailed
from dap_extension.client._session.session import Program, Session, Stop, adapter_command, launch
from dap_extension.client._session.shapes import expand_stacks
from dap_extension.payload import payload_expression
from dap_extension.protocol import HANDSHAKE, SNAPSHOT, STACKS, split_error_message

PROGRAMS = Path(__file__).parent / "programs"
#: Folder of the package debugpy to test with; default: the installed one.
DEBUGPY = os.environ.get("ASYNCTB_TEST_DEBUGPY")
#: The command of an adapter to test with, which knows the option ``--debugpy``; default: debugpy's own.
ADAPTER = shlex.split(os.environ.get("ASYNCTB_TEST_ADAPTER", ""))
#: Seconds until a test gives up; interpreters start slowly on a busy machine.
TIMEOUT = 60.0


class Failure(AssertionError):
    """A request of ours was answered with an error."""

    def __init__(self, code: Optional[str], text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


def marked_lines(path: Path) -> Dict[str, int]:
    """Return the line of each ``# @marker`` comment."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return {name: number for number, line in enumerate(lines, 1) for name in re.findall(r"# @(\w+)", line)}


class Debuggee:
    """A program under the debugger, and what tests ask it."""

    def __init__(self, session: Session, script: Path, output: Output) -> None:
        self.session = session
        self.script = script
        self.lines = marked_lines(script)
        self.output = output
        self.stop: Optional[Stop] = None

    def request(self, command: str, arguments: Any = None, timeout: float = TIMEOUT) -> Json:
        """Send a request; *arguments* may be anything that JSON knows."""
        return self.session.client.request(command, arguments, timeout=timeout)

    def ask(self, command: str, arguments: Any = None) -> Any:
        """Send one of our requests and return the body of the answer; raise `Failure` if that is an error."""
        try:
            return self.request(command, arguments)
        except RequestFailed as error:
            raise Failure(*split_error_message(str(error.response.get("message")))) from None

    def bootstrap(self) -> Json:
        """Load the helper and return its handshake."""
        self.request("evaluate", {"expression": payload_expression()})
        handshake: Json = self.ask(HANDSHAKE, {"client": "tests"})
        return handshake

    def break_at(self, *markers: str) -> None:
        """Have breakpoints at these markers, and no others."""
        for answer in self.session.set_breakpoints(str(self.script), [self.lines[marker] for marker in markers]):
            assert answer["verified"], answer

    def wait_for_stop(self) -> Stop:
        """Wait for the next stop."""
        self.stop = self.session.wait_for_stop(TIMEOUT)
        return self.stop

    def run_to(self, marker: str) -> Stop:
        """Let the program start, or go on, until it stops at *marker*."""
        self.break_at(marker)
        if self.stop is None:
            self.session.start(TIMEOUT)
        else:
            self.session.resume(self.stop)
        stop = self.wait_for_stop()
        assert stop.reason == "breakpoint", stop
        return stop

    def resume(self) -> None:
        """Let the program go on."""
        self.session.resume(self.stop)

    def finish(self) -> Optional[int]:
        """Let the program run to its end and return its exit code."""
        self.break_at()
        if self.stop is None:
            self.session.start(TIMEOUT)
        else:
            self.resume()
        return self.session.wait_for_end(TIMEOUT)

    def snapshot(self) -> Tuple[int, List[Json]]:
        """Take a snapshot and return its id and all of its activities."""
        page = self.ask(SNAPSHOT)
        activities = list(page["activities"])
        while len(activities) < page["total"]:
            page = self.ask(SNAPSHOT, {"snapshotId": page["snapshotId"], "start": len(activities)})
            assert page["activities"], "a page without activities"
            activities += page["activities"]
        return page["snapshotId"], activities

    def stacks(self, snapshot_id: int, activity_ids: Sequence[str]) -> List[Any]:
        """Return the entries of the answer for some activities, expanded and with the sources in the locations."""
        answer = self.ask(STACKS, {"snapshotId": snapshot_id, "activityIds": list(activity_ids)})
        expanded = expand_stacks(answer)
        resolve_sources(expanded, answer["sources"])
        return expanded

    def stack(self, name: str) -> Json:
        """Return the stack of the activity that is called *name*, with the sources put into the locations."""
        snapshot_id, activities = self.snapshot()
        found = [activity for activity in activities if activity["name"] == name]
        assert len(found) == 1, [activity["name"] for activity in activities]
        (entry,) = self.stacks(snapshot_id, [found[0]["id"]])
        assert "stack" in entry, entry
        stack: Json = entry["stack"]
        return stack


def resolve_sources(value: Any, sources: List[Json]) -> None:
    """Put the sources of a response into the locations of its stacks, in place of their indices."""
    if isinstance(value, list):
        for item in value:
            resolve_sources(item, sources)
    elif isinstance(value, dict):
        if isinstance(value.get("source"), int):
            value["source"] = sources[value["source"]]
        for item in value.values():
            resolve_sources(item, sources)


class Output:
    """What the program wrote to its standard streams, as the debugger passed it on."""

    def __init__(self) -> None:
        self._texts: Dict[str, List[str]] = {}
        self._changed = threading.Condition()

    def take(self, event: Json) -> bool:
        """Keep an output event; return whether it was one."""
        if event.get("event") != "output":
            return False
        body = event.get("body", {})
        with self._changed:
            self._texts.setdefault(body.get("category", "console"), []).append(body.get("output", ""))
            self._changed.notify_all()
        return True

    def __getitem__(self, category: str) -> str:
        with self._changed:
            return "".join(self._texts.get(category, ()))

    def wait_for(self, text: str, category: str = "stdout") -> None:
        """Wait until the program has written *text*."""
        with self._changed:
            if not self._changed.wait_for(lambda: text in "".join(self._texts.get(category, ())), TIMEOUT):
                raise AssertionError(f"{text!r} was not written; there is {self._texts!r}")


def adapter_to_test(debugpy: Optional[str]) -> List[str]:
    """Return the command line of the adapter.

    :param debugpy: the folder of the package debugpy; None: of the installed one.
    """
    command = adapter_command(debugpy)
    return [*ADAPTER, "--debugpy", os.path.dirname(command[-1])] if ADAPTER else command


@contextlib.contextmanager
def debug(
    program: str,
    python: str = sys.executable,
    *,
    args: Tuple[str, ...] = (),
    env: Optional[Dict[str, str]] = None,
    debugpy: Optional[str] = DEBUGPY,
    adapter: Optional[Sequence[str]] = None,
    **options: Any,
) -> Iterator[Debuggee]:
    """Start a program, held before its first line.

    :param program: name of a file in the folder of programs.
    :param python: the interpreter that it runs on.
    :param adapter: the command line of the adapter.
    :param options: more arguments of the launch request.
    """
    script = PROGRAMS / program
    output = Output()
    with launch(
        Program(script=str(script), python=python, args=args, env={"PYTHONUTF8": "1", **(env or {})}),
        on_event=output.take,
        adapter=adapter_to_test(debugpy) if adapter is None else adapter,
        timeout=TIMEOUT,
        # The debugger passes the program's output on, so that a test sees all of it.
        console="internalConsole",
        redirectOutput=True,
        **options,
    ) as session:
        yield Debuggee(session, script, output)
