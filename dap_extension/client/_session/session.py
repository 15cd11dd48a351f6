"""A debug session of debugpy: start or find a program, set breakpoints, let it run, wait for stops, leave.

>>> with launch(Program(script="service.py")) as session:            # doctest: +SKIP
...     session.set_breakpoints("service.py", [12])
...     session.start()
...     stop = session.wait_for_stop()
...     session.client.request("threads")                            # any DAP request
...     session.resume()
...     session.wait_for_end()

`launch` gives the program our own streams (DAP's ``runInTerminal``): what it prints is neither captured nor delayed,
it knows the terminal's width and colours, and it can read the keyboard.

Leaving the ``with`` statement ends a launched program and every process that was started for it, whatever happened;
a program that was attached to goes on.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import threading
from types import TracebackType
from typing import Any, Callable, List, Optional, Sequence, Tuple, Type

from .dap import DEFAULT_TIMEOUT, ConnectionLost, DapClient, DapError, DapTimeout, Json, PendingRequest
from .executables import uses_gevent
from .injection import (
    GEVENT_TIMEOUT,
    InjectionFailed as InjectionFailed,
    Injector,
    NotAnswering,
    NotPython as NotPython,
    patched_by_gevent,
    signals_postponed,
)
from .listeners import program_behind
from .processes import Program as Program, Terminal, adapter_command as adapter_command, end_process, spawn_adapter

#: Seconds that debugpy may take until a program is ready to run. It gives up by itself after 15 s in each step.
START_TIMEOUT = 60.0
#: Seconds to wait for the other side to end by itself.
END_TIMEOUT = 5.0

OnEvent = Optional[Callable[[Json], bool]]
OnRequest = Optional[Callable[[str, Json], Json]]


class ProgramEnded(DapError):
    """The program ended while a stop was awaited. `exit_code` is None if the debugger did not learn it."""

    def __init__(self, exit_code: Optional[int]) -> None:
        self.exit_code = exit_code
        super().__init__("the program ended" + ("" if exit_code is None else f" with exit code {exit_code}"))


@dataclasses.dataclass(frozen=True)
class Stop:
    """A pause of the program."""

    #: Such as "breakpoint", "pause", "exception", "step".
    reason: str
    thread_id: Optional[int]
    #: Identifiers of the breakpoints that were hit, as `Session.set_breakpoints` returned them.
    breakpoint_ids: Tuple[int, ...]
    #: The body of the ``stopped`` event.
    body: Json


def launch(
    program: Program,
    *,
    on_event: OnEvent = None,
    on_request: OnRequest = None,
    adapter: Optional[Sequence[str]] = None,
    capabilities: Optional[Json] = None,
    timeout: float = START_TIMEOUT,
    **extra: Any,
) -> Session:
    """Start *program* under a debug adapter of its own, held before its first line until `Session.start`.

    :param on_event, on_request: see `DapClient`; ``runInTerminal`` is dealt with here.
    :param adapter: the command line of the adapter, default `adapter_command`.
    :param capabilities: more arguments of the ``initialize`` request, such as ``supportsStartDebuggingRequest=True``.
    :param timeout: seconds until the program must be ready.
    :param extra: more arguments of the ``launch`` request, such as ``justMyCode=True``, ``subProcess=True`` or
        ``console="internalConsole"`` (then the program's output comes as ``output`` events).
    :raises DapError: if it cannot be started.
    """
    if (program.script is None) == (program.module is None):
        raise ValueError("a Program is either a script or a module")
    arguments: Json = {
        "type": "debugpy",
        "request": "launch",
        "name": "asynctb",
        "python": [program.python],
        "pythonArgs": list(program.python_args),
        "args": list(program.args),
        "cwd": os.path.abspath(program.cwd or os.getcwd()),
        "env": dict(program.env),
        "console": "integratedTerminal",
        # The launcher runs where debugpy is known to work; only the program needs the other interpreter.
        "debugLauncherPython": sys.executable,
        "justMyCode": False,
        "subProcess": False,
    }
    if program.script is not None:
        arguments["program"] = os.path.abspath(program.script)
    else:
        arguments["module"] = program.module
    arguments.update(extra)
    session = Session(on_event, on_request, terminal=Terminal(program))
    session._spawn_adapter(adapter)
    session._begin("launch", arguments, capabilities, timeout)
    return session


def attach(
    host: str,
    port: int,
    *,
    on_event: OnEvent = None,
    on_request: OnRequest = None,
    capabilities: Optional[Json] = None,
    timeout: float = START_TIMEOUT,
    **extra: Any,
) -> Session:
    """Attach to a program that called ``debugpy.listen`` or was started by ``python -m debugpy --listen``.

    The program is not held up, except if it waits in ``debugpy.wait_for_client``; `Session.start` ends that.

    :param extra: more arguments of the ``attach`` request, such as ``pathMappings=[...]``.
    :raises OSError: if nothing listens there.
    :raises DapError: if what listens is no debug adapter, or has no program to debug.
    """
    session = Session(on_event, on_request)
    session._use(DapClient.connect(host, port, on_event=session._event, on_request=session._request))
    arguments: Json = {
        "type": "debugpy",
        "request": "attach",
        "name": "asynctb",
        "connect": {"host": host, "port": port},
        "justMyCode": False,
        "subProcess": False,
    }
    arguments.update(extra)
    watch = _GeventWatch(session.client, port)
    try:
        session._begin("attach", arguments, capabilities, timeout)
    except ConnectionLost as error:
        if watch.failure is None:
            raise
        raise watch.failure from error
    finally:
        watch.settled.set()
    return session


class _GeventWatch:
    """Gives up if a program does not answer in which gevent has made greenlets of the debugger's threads.

    They get their turn only if the program waits for something.
    """

    def __init__(self, client: DapClient, port: int) -> None:
        self.failure: Optional[NotAnswering] = None
        self.settled = threading.Event()
        self._client = client
        self._port = port
        threading.Thread(target=self._watch, name="asynctb watches for gevent", daemon=True).start()

    def _watch(self) -> None:
        if self.settled.wait(GEVENT_TIMEOUT):
            return
        process_id = program_behind(self._port)
        if process_id is not None and uses_gevent(process_id):
            self.failure = patched_by_gevent(process_id)
            self._client.abort(str(self.failure))


def attach_to_process(
    process_id: int,
    *,
    on_event: OnEvent = None,
    on_request: OnRequest = None,
    debugpy_folder: Optional[str] = None,
    capabilities: Optional[Json] = None,
    timeout: float = START_TIMEOUT,
    **extra: Any,
) -> Session:
    """Attach to a running process that knows nothing of a debugger: debugpy injects itself.

    The session is started already: the process would be held until then. debugpy stays in it when the session ends.
    Other parameters as for `launch`.

    :param debugpy_folder: folder of the package debugpy to inject; None: of the one that can be imported.
    :raises InjectionFailed: if the system or the interpreter does not allow it, or there is no such process.
    :raises DapError: if debugpy does not start in it for another reason.
    """
    session = Session(on_event, on_request)
    injector = Injector(
        process_id,
        debugpy_folder,
        timeout,
        lambda: session.client.abort("debugpy could not be injected into the process"),
        lambda: session.client.silence,
    )
    session._injector = injector
    arguments: Json = {
        "type": "debugpy",
        "request": "attach",
        "name": "asynctb",
        # The adapter says on which port it waits for the process (see Session._event).
        "listen": {"host": "127.0.0.1", "port": 0},
        "justMyCode": False,
        "subProcess": False,
    }
    arguments.update(extra)
    try:
        # The injector calls debugpy in a thread of the process, and that call does not return before the session is
        # started: the process would hang if we ended in between.
        with signals_postponed():
            try:
                session._spawn_adapter(adapter_command(debugpy_folder))
                session._begin("attach", arguments, capabilities, timeout)
                session.start(timeout)
            finally:
                injector.settled.set()
                injector.finish(timeout)
    except ConnectionLost as error:
        if injector.failure is None:
            raise
        raise injector.failure from error
    except BaseException:
        if session._adapter is not None:
            session.close()
        raise
    return session


class Session:
    """One program under the debugger. Made by `launch`, `attach` and `attach_to_process`."""

    #: For every request that has no method here.
    client: DapClient

    def __init__(self, on_event: OnEvent, on_request: OnRequest, *, terminal: Optional[Terminal] = None) -> None:
        self._on_event = on_event
        self._on_request = on_request
        self._terminal = terminal
        self._injector: Optional[Injector] = None
        self._adapter: Optional[subprocess.Popen[bytes]] = None
        self._started = False
        self._begun: Optional[PendingRequest] = None
        #: What the adapter answered to ``initialize``.
        self.capabilities: Json = {}
        #: Of the program, on the machine where it runs; None until the debugger has said it.
        self.process_id: Optional[int] = None
        #: Of the program, once it has ended, if the debugger learnt it.
        self.exit_code: Optional[int] = None
        #: Whether the debugger has said that the program has ended or that it let go of it.
        self.ended = False

    @property
    def launched(self) -> bool:
        """Whether the program was started here, and so ends with the session."""
        return self._terminal is not None

    # Starting

    def set_breakpoints(self, path: str, lines: Sequence[int], **extra: Any) -> List[Json]:
        """Set the breakpoints of a file, replacing those that it had.

        :param extra: more attributes of each breakpoint, such as ``condition="x > 3"``.
        :returns: a DAP ``Breakpoint`` for each line, with ``verified``, ``id``, ``line`` and perhaps ``message``.
        """
        source = {"path": os.path.abspath(path)}
        breakpoints = [{"line": line, **extra} for line in lines]
        body = self.client.request("setBreakpoints", {"source": source, "breakpoints": breakpoints})
        found: List[Json] = body.get("breakpoints", [])
        return found

    def start(self, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Let the program run (``configurationDone``), unless it does already."""
        assert self._begun is not None
        if not self._started:
            self._started = True
            self.client.request("configurationDone", timeout=timeout)
            self._begun.wait(timeout)

    # Stops

    def wait_for_stop(self, timeout: float = DEFAULT_TIMEOUT) -> Stop:
        """Return the next pause of the program.

        :raises ProgramEnded: if it ended instead.
        """
        event = self.client.wait_for_event("stopped", "terminated", timeout=timeout)
        if event["event"] == "terminated":
            raise ProgramEnded(self.exit_code)
        body = event.get("body", {})
        return Stop(
            reason=str(body.get("reason", "")),
            thread_id=body.get("threadId"),
            breakpoint_ids=tuple(body.get("hitBreakpointIds") or ()),
            body=body,
        )

    def top_frame(self, stop: Stop) -> Optional[Json]:
        """Return the DAP ``StackFrame`` that the program stopped in, or None if the debugger does not say."""
        if stop.thread_id is None:
            return None
        frames = self.client.request("stackTrace", {"threadId": stop.thread_id, "levels": 1}).get("stackFrames")
        return frames[0] if frames else None

    def resume(self, stop: Optional[Stop] = None) -> None:
        """Let all threads go on."""
        thread_id = 0 if stop is None or stop.thread_id is None else stop.thread_id
        self.client.request("continue", {"threadId": thread_id})

    def pause(self) -> None:
        """Ask all threads to stop; `wait_for_stop` returns when one has.

        debugpy reports no stop as long as no thread runs Python code.
        """
        self.client.request("pause", {"threadId": 0})

    # Ending

    def wait_for_end(self, timeout: float = DEFAULT_TIMEOUT) -> Optional[int]:
        """Wait until the program has ended and return its exit code, or None if the debugger did not learn it."""
        if not self.ended:
            self.client.wait_for_event("terminated", timeout=timeout)
        return self.exit_code

    def close(self) -> None:
        """End the session; may be called again. Afterwards no process of ours is left."""
        adapter_answers = not self.client.closed
        if adapter_answers:
            try:
                self.client.request("disconnect", {"terminateDebuggee": self.launched}, timeout=END_TIMEOUT)
            except DapError:
                adapter_answers = False
        self._end(adapter_answers)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()
        if isinstance(error, DapError) and self._injector is not None and self._injector.failure is not None:
            raise self._injector.failure from error

    # For the functions above

    def _spawn_adapter(self, command: Optional[Sequence[str]]) -> None:
        self._adapter = spawn_adapter(adapter_command() if command is None else command)
        assert self._adapter.stdin is not None
        assert self._adapter.stdout is not None
        reader, writer = self._adapter.stdout, self._adapter.stdin
        self._use(DapClient(reader, writer, on_event=self._event, on_request=self._request))

    def _use(self, client: DapClient) -> None:
        self.client = client
        if self._terminal is not None:
            self._terminal.abort = client.abort

    def _begin(self, command: str, arguments: Json, capabilities: Optional[Json], timeout: float) -> None:
        try:
            self.capabilities = self.client.request(
                "initialize",
                {
                    "clientID": "asynctb",
                    "clientName": "asynctb",
                    "adapterID": "debugpy",
                    "pathFormat": "path",
                    "linesStartAt1": True,
                    "columnsStartAt1": True,
                    "supportsRunInTerminalRequest": True,
                    **(capabilities or {}),
                },
            )
            # The answer comes after configurationDone, but an error at once.
            self._begun = self.client.send(command, arguments)
            event = self.client.wait_for_event(
                "initialized", "exited", "terminated", timeout=timeout, unless=self._begun
            )
            if event["event"] != "initialized":
                code = "" if self.exit_code is None else f" with exit code {self.exit_code}"
                raise DapError(f"the interpreter ended{code} before the program could start")
            if self._terminal is not None:
                self._terminal.abort = None
        except DapTimeout as error:
            self._end(adapter_answers=False)
            raise DapTimeout(f"debugpy was not ready to {command} within {timeout:g} s") from error
        except BaseException:
            # An adapter that is busy starting a program does not answer "disconnect".
            self._end(adapter_answers=False)
            raise

    def _end(self, adapter_answers: bool) -> None:
        closed = self.client.close(END_TIMEOUT if self._adapter is None else 0.0)
        if self._adapter is not None:
            # Its standard input has ended, so it ends, and its launcher and the program with it.
            end_process(self._adapter, END_TIMEOUT if adapter_answers else 0.5)
            if not closed:
                self.client.close()
        if self._terminal is not None:
            self._terminal.end(self.process_id if self.exit_code is None else None, END_TIMEOUT)

    def _event(self, event: Json) -> bool:
        name = event.get("event")
        body = event.get("body") or {}
        if name == "process":
            self.process_id = body.get("systemProcessId")
        elif name == "exited":
            self.exit_code = body.get("exitCode")
        elif name == "terminated":
            self.ended = True
        elif name == "debugpyWaitingForServer" and self._injector is not None:
            self._injector.start(body["host"], body["port"])
        return self._on_event is not None and self._on_event(event)

    def _request(self, command: str, arguments: Json) -> Json:
        if command == "runInTerminal" and self._terminal is not None:
            return self._terminal.run(arguments)
        if self._on_request is None:
            raise NotImplementedError(f"this client does not support {command}")
        return self._on_request(command, arguments)
