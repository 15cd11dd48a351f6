"""Follows a page of the documentation: writes its files, runs its commands, and compares what they print.

Comments in the page, which readers do not see, say what a block is:

``<!-- file: NAME -->``
    before a block of code: it is written to this file.
``<!-- start: COMMAND -->``, ``<!-- start and read: COMMAND -->``
    begins a program that goes on until the page ends; the latter waits for its first line. The page calls its process
    4711.
``<!-- not run: WHY -->``
    before a block that is not followed.

Blocks of ``console`` have commands behind ``$`` and what they print, where a line of ``...`` stands for any lines, and
``...`` in a line for anything. Each
block of ``python`` is a file, and each of ``console`` is run, unless the page says otherwise.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional

#: What the pages call the folder of their files, the process and the port.
FOLDER, PROCESS, PORT = "/srv/shop", "4711", "5678"
#: How long a program may take to come to where the page has it, and a command to end.
PATIENCE, TIMEOUT = 30.0, 60.0
_PART = re.compile(
    r"^<!-- (?P<word>file|start|start and read|not run): (?P<text>.*?) -->$|^```(?P<language>\w*)\n(?P<block>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
#: What is different each time.
_CHANGING = [
    (re.compile(r"0x[0-9a-f]+"), "0x"),
    (re.compile(r"at …[0-9a-f]+"), "at …"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "DATE"),
    (re.compile(r"(?<=process )\d+"), "NUMBER"),
    (re.compile(r"CPython 3\.\d+\.\w+"), "CPython"),
    (re.compile(r"(?m)[ \t]+$"), ""),
]
#: Where the system does not let a debugger in.
NOT_HERE = re.compile("does not allow asynctb to attach|with gdb, which is not|so that process was left alone")


class NotHere(Exception):
    """This system does not allow what the page does."""


class Part(NamedTuple):
    """A comment that begins a program (language "start"), or a block."""

    language: str
    text: str
    #: Where it is written; of a comment, its word.
    file: Optional[str]
    is_run: bool
    line: int


def parts(page: str) -> Iterator[Part]:
    """Return what a page has."""
    file, is_run = None, True
    for match in _PART.finditer(page):
        line = page[: match.start()].count("\n") + 1
        if match["word"] in ("start", "start and read"):
            yield Part("start", match["text"], match["word"], True, line)
        elif match["word"] == "file":
            file = match["text"]
        elif match["word"] == "not run":
            is_run = False
        else:
            yield Part(match["language"], match["block"], file, is_run, line)
            file, is_run = None, True


class Player:
    """Follows one page in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: List[subprocess.Popen[bytes]] = []
        self._code = 0
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = str(probe.getsockname()[1])

    def __enter__(self) -> Player:
        return self

    def __exit__(self, *exc_info: object) -> None:
        for process in self._started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def play(self, part: Part) -> None:
        """Do what a part says.

        :raises AssertionError: if something else comes of it than the page says.
        """
        if not part.is_run:
            return
        if part.language == "start":
            self._start(part.text, is_read=part.file == "start and read")
        elif part.file is not None:
            path = self._folder / part.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(part.text.replace(PORT, self._port), encoding="utf-8")
        elif part.language == "console":
            for command, expected in _commands(part.text):
                self._run(command, expected, part.line)
        else:
            assert part.language != "python", f"line {part.line}: which file is this?"

    def _start(self, command: str, is_read: bool) -> None:
        process = subprocess.Popen(
            f"exec {self._here(command)}",
            shell=True,
            cwd=self._folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if is_read else None,
            start_new_session=True,
        )
        self._started.append(process)
        if process.stdout is not None:
            process.stdout.readline()

    def _run(self, command: str, expected: str, line: int) -> None:
        pattern = _pattern(expected)
        end = time.monotonic() + (PATIENCE if self._started else 0)
        while True:
            printed = self._printed(command)
            if pattern.fullmatch(printed):
                return
            if NOT_HERE.search(printed):
                raise NotHere(printed)
            # A program that was started comes to where the page has it in its own time.
            assert time.monotonic() < end, f"below line {line}: {command}\n{printed}\n--- is not\n{expected}"

    def _printed(self, command: str) -> str:
        result = subprocess.run(
            ["bash", "-c", f"(exit {self._code}); {self._here(command)}"],
            cwd=self._folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=TIMEOUT,
            check=False,
        )
        self._code = result.returncode
        text = result.stdout.replace(str(self._folder), FOLDER).replace(f":{self._port}", f":{PORT}")
        for process in self._started:
            text = re.sub(rf"\b{process.pid}\b", PROCESS, text)
        return _unchanging(text)

    def _here(self, command: str) -> str:
        command = re.sub(rf"\b{PORT}\b", self._port, command)
        return re.sub(rf"\b{PROCESS}\b", str(self._started[-1].pid), command) if self._started else command


def _commands(block: str) -> Iterator[List[str]]:
    """Return each command with what is printed below it."""
    for text in re.split(r"(?m)^\$ ", block)[1:]:
        command, _, expected = text.partition("\n")
        yield [command, expected]


def _pattern(expected: str) -> re.Pattern[str]:
    lines = (
        r"(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + "\n"
        for line in _unchanging(expected).splitlines()
    )
    return re.compile("".join(lines))


def _unchanging(text: str) -> str:
    for pattern, replacement in _CHANGING:
        text = pattern.sub(replacement, text)
    return text.rstrip("\n") + "\n" if text.strip() else ""


def _environment() -> Dict[str, str]:
    unwanted = ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "PYTHONDEVMODE", "PYTHONWARNINGS", "PYTEST_ADDOPTS")
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    path = os.pathsep.join([os.path.dirname(sys.executable), kept["PATH"]])
    return {**kept, "PATH": path, "PYTHONUTF8": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
