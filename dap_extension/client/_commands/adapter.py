"""``asynctb adapter``: a debug adapter for any editor, debugpy's own with the async stacks added to it.

What is added never costs the session: where it fails, this is debugpy's adapter and nothing else.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import socket
import subprocess
import sys
import threading
import time
from typing import IO, Callable, Optional, Sequence, Set

import click
from rich.console import Console

from ...protocol import CONFIGURE, SNAPSHOT, FindingInfo
from ...snapshot_files import shared
from .._drawing.output import MOST_SINGLE
from .._drawing.source_text import lines_of
from .._drawing.tree import Captured, finding_text
from .._session.dap import DapError, Json, Reader, Writer
from .._session.helper import Capture, Helper
from .._session.processes import adapter_command, debugger_environment, end_process
from .._session.proxy import Proxy
from .._session.saved import to_document
from .messages import errors_explained, fail

#: What can be typed into an editor's debug console.
_TREE, _WHY = "asynctb", "asynctb why"
#: Seconds that an editor waits for a stop at most until the helper has been loaded.
_LOADING = 10.0
#: Seconds after a stop at which the findings are asked for although the editor has not asked for the stack.
_PATIENCE = 1.0
#: Seconds that a stop must last for the findings to be asked for.
_PAUSE = 0.1
#: Seconds that the adapter has for its end after the editor has gone.
_END_TIMEOUT = 10.0
_WIDTH = 120


@click.command("adapter", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.option("--port", type=click.IntRange(0, 65535), help="Listen there instead of using the standard streams.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on, with --port.")
@click.option(
    "--tasks",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="How many tasks and greenlets the editor's list of threads has at most.",
)
@click.option(
    "--debugpy",
    "debugpy_folder",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False),
    help="The folder of the package debugpy to use, instead of the one that is installed with asynctb.",
)
@click.option("--log", "log_path", metavar="FILE", type=click.Path(dir_okay=False), help="Write all messages there.")
@click.pass_context
def adapter(
    context: click.Context,
    port: Optional[int],
    host: str,
    tasks: int,
    debugpy_folder: Optional[str],
    log_path: Optional[str],
) -> None:
    """Be a debug adapter for an editor, in the place of `python -m debugpy.adapter`.

    The editor's session is one of debugpy, with tasks among the threads, in the debug console what makes a program
    hang, and there also the answers to "asynctb" and "asynctb why". Other options are passed on to debugpy's adapter.
    """
    with errors_explained():
        command = [*adapter_command(debugpy_folder), *context.args]
    with contextlib.ExitStack() as stack:
        log = None
        if log_path is not None:
            try:
                log = _Log(stack.enter_context(open(log_path, "ab", buffering=0)))
            except OSError as error:
                fail(f"cannot write to {log_path}: {error.strerror}")
        if port is None:
            sys.exit(_serve(sys.stdin.buffer, sys.stdout.buffer, command, tasks, log))
        _listen(host, port, command, tasks, log)


class _Log:
    """A line for each message."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._lock = threading.Lock()

    def __call__(self, mark: str, data: bytes) -> None:
        with self._lock, contextlib.suppress(OSError):
            self._file.write(f"{time.time():.3f} {mark} ".encode() + data.replace(b"\n", b" ") + b"\n")


def _listen(host: str, port: int, command: Sequence[str], tasks: int, log: Optional[_Log]) -> None:
    """Serve editors on a port, several at a time; return when the last of them has gone."""
    try:
        server = socket.create_server((host, port))
    except OSError as error:
        fail(f"cannot listen on {host}:{port}: {error.strerror or error}")
    with server:
        click.echo(f"asynctb: listening on {host}:{server.getsockname()[1]}", err=True)
        running: Set[threading.Thread] = set()
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return  # the last one has gone
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def serve(connection: socket.socket = connection) -> None:
                with connection, connection.makefile("rb") as reader, connection.makefile("wb") as writer:
                    _serve(reader, writer, command, tasks, log)
                running.discard(threading.current_thread())
                if not running:
                    with contextlib.suppress(OSError):
                        server.shutdown(socket.SHUT_RDWR)  # ends the wait for another

            thread = threading.Thread(target=serve, name="asynctb session")
            running.add(thread)
            thread.start()


def _serve(reader: Reader, writer: Writer, command: Sequence[str], tasks: int, log: Optional[_Log]) -> int:
    """Serve one editor, and return the exit code of debugpy's adapter."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=debugger_environment())
    assert process.stdin is not None
    assert process.stdout is not None
    companion = _Companion(tasks)
    proxy = Proxy(
        reader,
        writer,
        process.stdout,
        process.stdin,
        on_request=companion.is_asked,
        on_message=companion.hear,
        log=log,
    )
    companion.proxy = proxy
    try:
        proxy.run()
    finally:
        companion.end()
        end_process(process, _END_TIMEOUT)
    return process.returncode


class _Companion:
    """What is added to a session."""

    proxy: Proxy

    #: Counts the sessions.
    _numbers = itertools.count()

    def __init__(self, tasks: int) -> None:
        self._tasks = tasks
        self._number = next(self._numbers)
        self._publishing = threading.Lock()
        self._helper: Optional[Helper] = None
        self._is_loading = False
        #: Counts the stops, and is odd while the program is stopped.
        self._moment = 0
        self._stop: Json = {}
        self._editor_has_stack = threading.Event()

    # On the threads that read

    def is_asked(self, request: Json) -> bool:
        """Answer what is asked for in the debug console."""
        if request.get("command") != "evaluate":
            return False
        arguments = request.get("arguments")
        expression = arguments.get("expression") if isinstance(arguments, dict) else None
        words = " ".join(expression.split()) if isinstance(expression, str) else ""
        if words not in (_TREE, _WHY) or not isinstance(arguments, dict) or arguments.get("context") != "repl":
            return False
        self._start(lambda: self._answer(request, words))
        return True

    def hear(self, message: Json) -> None:
        """Follow the session."""
        if message.get("type") == "response":
            if message.get("command") == "stackTrace":
                self._editor_has_stack.set()
            elif message.get("command") in ("continue", "next", "stepIn", "stepOut") and message.get("success"):
                self._goes_on()
        elif message.get("event") == "stopped":
            self._stops(message)
        elif message.get("event") in ("continued", "terminated", "exited"):
            self._goes_on()
            self.proxy.release()

    def _stops(self, message: Json) -> None:
        body = message.get("body")
        self._stop = body if isinstance(body, dict) else {}
        if self._moment % 2:
            return  # several threads may stop for one pause
        self._moment += 1
        self._editor_has_stack.clear()
        moment = self._moment
        if self._helper is None and not self._is_loading:
            # An editor asks for threads as soon as it knows of the stop, and not again.
            self._is_loading = True
            self.proxy.hold()
            timer = threading.Timer(_LOADING, self.proxy.release)
            timer.daemon = True
            timer.start()

            def load() -> None:
                try:
                    self._load()
                finally:
                    timer.cancel()
                    self._is_loading = False
                    self.proxy.release()
                self._tell_findings(moment)

            self._start(load)
        else:
            self._start(lambda: self._tell_findings(moment))

    def _goes_on(self) -> None:
        if self._moment % 2:
            self._moment += 1
            with self._publishing:
                shared.withdraw(self._number)

    def end(self) -> None:
        """Leave nothing behind."""
        self._goes_on()

    def _start(self, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            except Exception as error:
                # The session goes on without us; whoever wants to know why is told.
                self.proxy.send_event("output", {"category": "console", "output": f"asynctb: {error}\n"})

        threading.Thread(target=run, name="asynctb companion", daemon=True).start()

    # On threads of their own

    def _load(self) -> Helper:
        if self._helper is None:
            helper = Helper(self.proxy)
            helper.load()
            settings = {"enabled": self._tasks > 0, "limit": max(self._tasks, 1)}
            self.proxy.request(CONFIGURE, {"callStack": settings})
            self._helper = helper
        return self._helper

    def _tell_findings(self, moment: int) -> None:
        if self._helper is None:
            return
        # One request is answered at a time. The editor's come first, and also the next step of somebody in a hurry.
        self._editor_has_stack.wait(_PATIENCE)
        time.sleep(_PAUSE)
        if moment != self._moment:
            return
        try:
            if shared.has_server():
                capture = self._helper.capture(self._stopped_in())
                findings = capture["snapshot"]["findings"]
                self._publish(capture, moment)
            else:
                findings = self.proxy.request(SNAPSHOT, {"count": 1}).get("findings") or []
        except DapError:
            if moment != self._moment:
                return
            raise
        if findings and moment == self._moment:
            # Not "important": clients drop categories that they do not know (dape 0.27).
            self.proxy.send_event("output", {"category": "console", "output": _in_lines(findings) + "\n"})

    def _publish(self, capture: Capture, moment: int) -> None:
        document = to_document(capture, lines_of)
        with self._publishing:
            if moment == self._moment:
                shared.publish(self._number, document)

    def _stopped_in(self) -> Optional[Json]:
        if self._moment % 2 == 0:
            return None
        frames = self.proxy.request("stackTrace", {"threadId": self._stop.get("threadId"), "levels": 1})
        return {**self._stop, "frame": next(iter(frames.get("stackFrames") or ()), None)}

    def _answer(self, request: Json, words: str) -> None:
        try:
            capture = self._load().capture(self._stopped_in())
            if words == _WHY:
                text = _in_lines(capture["snapshot"]["findings"]) or "Nothing is known to be stuck."
            else:
                file = io.StringIO()
                tree = Captured(capture, group=len(capture["snapshot"]["activities"]) > MOST_SINGLE)
                Console(file=file, width=_WIDTH, highlight=False, color_system=None).print(tree)
                text = file.getvalue().strip("\n")
        except Exception as error:
            self.proxy.respond(request, {}, str(error))
        else:
            self.proxy.respond(request, {"result": text, "variablesReference": 0})


def _in_lines(findings: Sequence[FindingInfo]) -> str:
    return "\n".join(map(finding_text, findings))
