"""What the commands do with a session: wait for stops, look, let go."""

from __future__ import annotations

import collections
import math
import os
import signal
import sys
import time
from typing import DefaultDict, List, Optional, Sequence, Tuple

from .._drawing.output import Output
from .._session.dap import ConnectionLost, DapError, DapTimeout
from .._session.helper import Helper, HelperError
from .._session.session import END_TIMEOUT, ProgramEnded, Session, Stop
from .messages import NOTHING_SHOWN, fail

#: Path and line of each breakpoint.
Breakpoints = Sequence[Tuple[str, int]]

#: Seconds until a program that was told to pause must have done so.
PAUSE_TIMEOUT = 3.0
#: Seconds that a program has to end after Ctrl-C, before it is killed.
INTERRUPT_TIMEOUT = 10.0


def follow(session: Session, output: Output, breakpoints: Breakpoints, *, stops: int, terminate: bool) -> int:
    """Let the program run and print its stacks at each of the first *stops* stops (0: all).

    :param terminate: return after the last of them, instead of waiting until the program has ended.
    :returns: how many were printed.
    :raises HelperError: at the end, if stacks could not be read. The program is not to suffer from that.
    """
    helper = Helper(session.client)
    paused = False
    shown = failed = 0
    try:
        _set_breakpoints(session, output, breakpoints)
        session.start()
        if not session.launched:
            if breakpoints:
                _have_them_hit(helper)
            output.say("waiting until the program stops (Ctrl-C ends the wait)")
        while True:
            stop = session.wait_for_stop(math.inf)
            paused = True
            if not stops or shown + failed < stops:
                try:
                    look(session, output, stop, helper=helper)
                    shown += 1
                except HelperError as error:
                    if error.program_ended:
                        raise
                    output.say(str(error))
                    failed += 1
                if shown + failed == stops:
                    if terminate:
                        return _all_shown(shown, failed)
                    for path in {path for path, _ in breakpoints}:
                        session.set_breakpoints(path, [])
            paused = False  # before it is asked to: a program that already runs never answers a second "continue"
            session.resume(stop)
    except ProgramEnded as error:
        if shown and error.exit_code:
            output.say(f"the program ended with exit code {error.exit_code}")
        return _all_shown(shown, failed)
    except KeyboardInterrupt:
        if not terminate:
            _interrupt(session, output, paused)
        raise


def _all_shown(shown: int, failed: int) -> int:
    if failed:
        raise HelperError(f"the stacks could not be read at {failed} of {shown + failed} stops")
    return shown


def _have_them_hit(helper: Helper) -> None:
    """Load the helper, by which they are hit also in coroutines that have begun already."""
    try:
        helper.load()
    except HelperError as error:
        if error.program_ended:
            raise
        # Said at the first stop: perhaps it can be loaded then.


def _set_breakpoints(session: Session, output: Output, breakpoints: Breakpoints) -> None:
    by_file: DefaultDict[str, List[int]] = collections.defaultdict(list)
    for path, line in breakpoints:
        by_file[path].append(line)
    for path, lines in by_file.items():
        for line, found in zip(lines, session.set_breakpoints(path, lines)):
            if not found.get("verified"):
                output.say(f"{path}:{line}: {found.get('message') or 'the debugger cannot stop there'}")
            elif found.get("line", line) != line:
                output.say(f"{path}:{line}: no code there; stopping at line {found['line']}")


def _interrupt(session: Session, output: Output, paused: bool) -> None:
    """Do to the program what Ctrl-C would have done without us, and give it time to end."""
    if sys.platform == "win32" or session.process_id is None or session.ended:
        return  # it is ended when the session is closed
    try:
        if paused:
            session.resume()
        os.kill(session.process_id, signal.SIGINT)
        session.wait_for_end(INTERRUPT_TIMEOUT)
    except DapTimeout:
        output.say(f"the program did not end within {INTERRUPT_TIMEOUT:g} s of Ctrl-C and is killed")
    except (DapError, ProcessLookupError, KeyboardInterrupt):
        pass  # it is gone, or Ctrl-C was pressed again: no more patience


def look(session: Session, output: Output, stop: Optional[Stop] = None, *, helper: Optional[Helper] = None) -> None:
    """Print the stacks of the program as it is.

    :param stop: the pause it is in; None: it is running.
    """
    helper = helper or Helper(session.client)
    body = None if stop is None else {**stop.body, "frame": session.top_frame(stop)}
    with output.busy("Reading the stacks") as progress:
        capture = helper.capture(body, progress=progress, hooks=output.hooks)
    output.show(capture)


def pause_and_look(session: Session, output: Output) -> None:
    """Pause the program, print its stacks, and let it go on."""
    session.start()
    helper = Helper(session.client)
    helper.load()
    session.pause()
    stop = None
    try:
        with output.busy("Waiting until the program pauses"):
            stop = session.wait_for_stop(PAUSE_TIMEOUT)
    except DapTimeout:
        output.say("the program does not pause, because none of its threads runs Python code; looking at it as it is")
    look(session, output, stop, helper=helper)
    # A pause that did not come about is forgotten when the session ends.
    if stop is not None:
        session.resume(stop)


def watch(session: Session, output: Output, interval: float) -> None:
    """Print the stacks of the running program, and then every *interval* seconds what has changed, until Ctrl-C."""
    helper = Helper(session.client)
    before = None
    while True:
        started = time.monotonic()
        try:
            capture = helper.capture(hooks=output.hooks)
        except DapError:
            if not _has_ended(session):
                raise
            output.say("the program has ended")
            return
        if before is None or output.as_json:
            output.show(capture)
        else:
            output.show_changes(before, capture)
        before = capture
        if _has_ended(session, max(0.0, started + interval - time.monotonic())):
            output.say("the program has ended")
            return


def _has_ended(session: Session, timeout: float = END_TIMEOUT) -> bool:
    """Wait for the end of the program, and return whether it has come."""
    try:
        session.wait_for_end(timeout)
        return True
    except DapTimeout:
        return False
    except ConnectionLost:
        return True


def require_shown(shown: int, session: Session, breakpoints: Breakpoints) -> None:
    if shown:
        return
    code = "" if session.exit_code is None else f" with exit code {session.exit_code}"
    if breakpoints:
        places = ", ".join(f"{path}:{line}" for path, line in breakpoints)
        hint = f"it never came to {places}"
    else:
        hint = "say where to look with --break FILE:LINE, or call breakpoint() in the program"
    fail(f"the program ended{code} before it stopped: {hint}", NOTHING_SHOWN)
