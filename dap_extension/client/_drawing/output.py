"""What goes to the terminal: captures to standard output, as a tree or as JSON; messages to standard error."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import sys
import threading
import time
from typing import Any, Callable, Iterator, Optional, Set

from rich.console import Console
from rich.text import Text

from ...snapshot_files.writing import write_document
from .._session.helper import Capture
from .._session.saved import to_document
from .._session.shapes import json_of_stacks
from .changes import changes, finding_changes
from .comparison import Comparison
from .filter import matching
from .lines import Line
from .source_text import lines_of
from .tree import Captured, finding_lines

#: Seconds after which one wants to know what takes so long.
PATIENCE = 1.0
#: More activities than this are put together where their stacks are identical, unless the user has decided.
MOST_SINGLE = 200
#: Columns when the output goes to a file: nothing is cut off.
_UNLIMITED = 100_000


class OutputError(Exception):
    """A result cannot be written to standard output, or to the file that was wanted."""

    def __init__(self, reason: str, where: str = "standard output") -> None:
        super().__init__(f"cannot write to {where}: {reason}")


class Output:
    """Where results and messages go.

    Its methods raise `OutputError`.

    :param as_json: whether to print JSON, a line for each capture.
    :param contains: leave out what does not contain this text, see `matching`.
    :param group: see `Captured`; None: if there are more than `MOST_SINGLE`.
    :param all_frames: whether to show hidden frames, too.
    :param why: whether to print only why something does not go on.
    :param no_hooks: whether the stacks to show are those without hooks.
    :param save_to: a file to write each capture to, in place of the one before. Nothing else is printed then, unless
        one of the others says what.
    """

    def __init__(
        self,
        *,
        as_json: bool = False,
        contains: Optional[str] = None,
        group: Optional[bool] = None,
        all_frames: bool = False,
        why: bool = False,
        no_hooks: bool = False,
        save_to: Optional[str] = None,
    ) -> None:
        if sys.stdout is None:
            raise OutputError("it is closed")
        self.as_json = as_json
        self._contains = contains
        self._group = group
        self._all_frames = all_frames
        self.why = why
        self.hooks = not no_hooks
        self._save_to = save_to
        self._prints = save_to is None or as_json or contains is not None or group or all_frames or why
        self._has_saved = False
        #: Whether something that is certain has been found in what was shown.
        self.found_certain = False
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                # Better an escape sequence than a crash where the encoding lacks a character of the program's source.
                stream.reconfigure(errors="backslashreplace")
        self._console = Console(highlight=False)
        if not self._console.is_terminal and "COLUMNS" not in os.environ:
            self._console = Console(highlight=False, width=_UNLIMITED)
        self._messages = Console(stderr=True, highlight=False, soft_wrap=True)

    def show(self, capture: Capture) -> None:
        """Print a capture, or save it."""
        self._save(capture)
        if not self._prints:
            return
        only = self._wanted(capture)
        snapshot, stacks = capture["snapshot"], capture["stacks"]
        findings = [each for each in snapshot["findings"] if only is None or only.intersection(each["activityIds"])]
        self.found_certain |= any(finding["certain"] for finding in findings)
        if self.as_json:
            if self.why:
                only = {each for finding in findings for each in finding["activityIds"]}
            if only is not None:
                snapshot["findings"] = findings
                snapshot["activities"] = [each for each in snapshot["activities"] if each["id"] in only]
                stacks["stacks"] = [each for each in stacks["stacks"] if each["activityId"] in only]
                if "shared" in capture:
                    shared = capture["shared"]
                    shared["stacks"] = [each for each in shared["stacks"] if each["activityId"] in only]
            with _writing():
                sys.stdout.writelines(_json_of(capture))
                sys.stdout.flush()
            return
        if self.why:
            with _writing():
                for line in finding_lines(capture, only):
                    self._console.print(line)
            return
        shown = len(snapshot["activities"] if only is None else only)
        group = shown > MOST_SINGLE if self._group is None else self._group
        with _writing():
            self._console.print(Captured(capture, hidden=self._all_frames, group=group, only=only), crop=False)
        if group and self._group is None:
            self.say(f"of {shown} activities, those with the same stack are shown as one; --no-group shows each")
        if only is not None and not only:
            self.say(f"nothing contains {self._contains!r}")

    def _save(self, capture: Capture) -> None:
        if self._save_to is None:
            return
        try:
            write_document(self._save_to, to_document(capture, lines_of))
        except OSError as error:
            raise OutputError(error.strerror or str(error), self._save_to) from error
        except ValueError as error:  # a null character
            raise OutputError(str(error), self._save_to) from error
        if not self._has_saved:
            number = len(capture["snapshot"]["activities"])
            self.say(f"{number} activities saved, to be seen with: asynctb show {shlex.quote(self._save_to)}")
        self._has_saved = True

    def show_comparison(self, before: Capture, after: Capture) -> None:
        """Print what differs between two captures that may have much time between them."""
        only = self._wanted_of(before, after)
        comparison = Comparison(before, after, only)
        findings = after["snapshot"]["findings"]
        self.found_certain |= any(
            each["certain"] for each in findings if only is None or only.intersection(each["activityIds"])
        )
        with _writing():
            if self.as_json:
                sys.stdout.write(json.dumps(comparison.as_data(why=self.why), separators=(",", ":")) + "\n")
                sys.stdout.flush()
                return
            for line in comparison.lines(group=bool(self._group), why=self.why):
                self._console.print(line)

    def _wanted_of(self, before: Capture, after: Capture) -> Optional[Set[str]]:
        wanted_before, wanted_after = self._wanted(before), self._wanted(after)
        return None if wanted_before is None or wanted_after is None else wanted_before | wanted_after

    def show_changes(self, before: Capture, after: Capture) -> None:
        """Print what has changed between two captures, of what contains the wanted text in one of them."""
        self._save(after)
        if not self._prints:
            return
        only = self._wanted_of(before, after)
        lines = finding_changes(before, after, only) if self.why else changes(before, after, only)
        with _writing():
            self._console.print(Text(time.strftime("%H:%M:%S") + ("" if lines else " no change"), style="bold"))
            for line in lines:
                self._console.print(line)

    def _wanted(self, capture: Capture) -> Optional[Set[str]]:
        return matching(capture, self._contains, self._all_frames) if self._contains else None

    def say(self, message: str) -> None:
        """Print a message for the user."""
        self._messages.print(Line(f"asynctb: {message}", wrap=True))

    @contextlib.contextmanager
    def busy(self, what: str) -> Iterator[Callable[[int, int], None]]:
        """Show on a terminal what is going on if it takes more than a second.

        The value is a function to call with how much is done, and of how much.
        """
        if not self._messages.is_terminal:
            yield lambda done, total: None
            return
        status = self._messages.status(f"{what} ...")
        timer = threading.Timer(PATIENCE, status.start)
        timer.daemon = True
        timer.start()
        try:
            yield lambda done, total: status.update(f"{what}: {done} of {total} ...")
        finally:
            timer.cancel()
            timer.join()
            status.stop()


def _json_of(capture: Capture) -> Iterator[str]:
    """Yield a capture as one line of JSON, in pieces."""
    stacks, shared = capture["stacks"], capture.get("shared")
    rest = {key: value for key, value in capture.items() if key not in ("stacks", "shared")}
    yield _json(rest)[:-1] + ',"stacks":'
    if shared is None:
        yield _json(stacks)
    else:
        yield f'{{"snapshotId":{_json(stacks["snapshotId"])},"stacks":['
        yield ",".join(json_of_stacks(shared))
        yield f'],"sources":{_json(stacks["sources"])}}}'
    yield "}\n"


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise  # whoever reads has seen enough
    except OSError as error:
        # What is still in the buffer must not fail once more when the interpreter exits.
        with contextlib.suppress(OSError), open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), sys.stdout.fileno())
        raise OutputError(error.strerror or str(error)) from error
