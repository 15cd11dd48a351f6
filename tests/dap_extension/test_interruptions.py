"""Requests of ours that something comes between: the end of the process, the loss of the client, the program going on.

Every one is answered or fails at once, and the session or the program goes on where there is one left.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from typing import Any, Iterator, List, Optional, Set, Tuple

import pytest
from debugging import PROGRAMS, TIMEOUT, Debuggee, Failure, debug
from interpreters import Interpreter
from sessions import DebugpyFor, attached, on_few_interpreters, on_two_interpreters, serving, visible

from dap_extension.client._session.dap import DapError, DapTimeout, PendingRequest, RequestFailed
from dap_extension.protocol import CONFIGURE, HANDSHAKE, SNAPSHOT, STACKS, split_error_message

SERVICE = PROGRAMS / "service.py"
#: Seconds within which a request fails after the process has died: "at once", on a busy machine.
AT_ONCE = 10.0


@contextlib.contextmanager
def held_up(debuggee: Debuggee, then: str = "None") -> Iterator[socket.socket]:
    """Keep the thread of debugpy that answers our requests busy, so that they are under way for as long as needed.

    :param then: expression that is evaluated there once the socket is closed.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        work = f"lambda *_: (__import__('socket').create_connection({server.getsockname()!r}).recv(1), {then})"
        command = f"type('Work', (), {{'can_be_executed_by': lambda *_: True, 'do_it': {work}}})()"
        get_debugger = "__import__('_pydevd_bundle.pydevd_constants').pydevd_constants.get_global_debugger()"
        debuggee.request("evaluate", {"expression": f"{get_debugger}.post_internal_command({command}, '*')"})
        with server.accept()[0] as connection:
            yield connection


@contextlib.contextmanager
def evaluating(debuggee: Debuggee) -> Iterator[Tuple[PendingRequest, socket.socket]]:
    """Have an expression evaluated in no frame, until the socket is closed."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        wait = f"__import__('socket').create_connection({server.getsockname()!r}).recv(1)"
        pending = debuggee.session.client.send("evaluate", {"expression": wait})
        with server.accept()[0] as connection:
            yield pending, connection


@on_two_interpreters
@pytest.mark.parametrize("death", ["exit", "kill"])
def test_process_dies_during_a_request(interpreter: Interpreter, death: str) -> None:
    with debug("tasks.py", interpreter.path) as debuggee:
        debuggee.run_to("paused")
        process_id = debuggee.bootstrap()["processId"]
        client = debuggee.session.client
        with held_up(debuggee, "__import__('os')._exit(3)") as connection:
            requests = [client.send(SNAPSHOT), client.send(HANDSHAKE), client.send("threads")]
            if death == "exit":
                connection.close()
            else:
                os.kill(process_id, getattr(signal, "SIGKILL", signal.SIGTERM))
            start = time.monotonic()
            for request in requests:
                with pytest.raises(DapError) as caught:
                    request.wait(TIMEOUT)
                assert not isinstance(caught.value, DapTimeout)
            assert time.monotonic() - start < AT_ONCE
        # debugpy's launcher ends with the same code, of which the system keeps one byte.
        code = debuggee.session.wait_for_end(TIMEOUT)
        assert code == (3 if death == "exit" else -signal.SIGKILL & 255) or os.name != "posix"


@on_two_interpreters
@pytest.mark.parametrize("way", ["disconnect", "drop"])
def test_client_leaves_during_a_request(interpreter: Interpreter, debugpy_for: DebugpyFor, way: str) -> None:
    with serving(SERVICE, interpreter.path, debugpy_for(interpreter)) as (service, port):
        with attached(port, SERVICE) as debuggee:
            debuggee.break_at("serve")
            debuggee.session.start(TIMEOUT)
            service.tell("hello")
            debuggee.wait_for_stop()
            debuggee.bootstrap()
            client = debuggee.session.client
            with held_up(debuggee) as connection:
                client.send(SNAPSHOT)
                if way == "disconnect":
                    disconnect = client.send("disconnect", {"terminateDebuggee": False})
                    connection.close()
                    disconnect.wait(TIMEOUT)
                client.close()
        # The program goes on.
        assert service.heard() == "1: hello"
        if way == "disconnect":
            # The next client finds everything in order. (After a client that just vanishes debugpy often takes no other
            # one, with or without the helper.)
            with attached(port, SERVICE) as debuggee:
                debuggee.break_at("serve")
                debuggee.session.start(TIMEOUT)
                service.tell("again")
                debuggee.wait_for_stop()
                debuggee.bootstrap()
                assert visible(debuggee.stack("hold-1")) == ["hold"]
            assert service.heard() == "2: again"
        assert service.finish() == 0
        assert service.heard() == "done"


@on_two_interpreters
def test_requests_race_with_continue(interpreter: Interpreter) -> None:
    cycles = 30
    with debug("cycles.py", interpreter.path, args=(str(cycles), "1")) as debuggee:
        debuggee.break_at("pause")
        debuggee.session.start(TIMEOUT)
        client = debuggee.session.client
        codes = set()
        for number in range(cycles):
            stop = debuggee.wait_for_stop()
            if not number:
                debuggee.bootstrap()
            snapshot_id, activities = debuggee.snapshot()
            stacks = {"snapshotId": snapshot_id, "activityIds": [activity["id"] for activity in activities]}
            racing: List[Tuple[str, Any]] = [
                (SNAPSHOT, None),
                (STACKS, stacks),
                (SNAPSHOT, {"snapshotId": snapshot_id}),
                (STACKS, stacks),
            ]
            # Each time it is sent at another place among them.
            racing.insert(number % (len(racing) + 1), ("continue", {"threadId": stop.thread_id}))
            for request in [client.send(*command) for command in racing]:
                try:
                    request.wait(TIMEOUT)
                except RequestFailed as error:
                    codes.add(split_error_message(error.text)[0])
        assert codes == {"staleSnapshot"}
        assert debuggee.session.wait_for_end(TIMEOUT) == 0
        assert '"alive": 0' in debuggee.output["stdout"]
        assert debuggee.output["stderr"] == ""


@on_few_interpreters
def test_requests_do_not_wait_for_an_evaluation(interpreter: Interpreter, debugpy_for: DebugpyFor) -> None:
    with debug("tasks.py", interpreter.path, debugpy=debugpy_for(interpreter)) as debuggee:
        stop = debuggee.run_to("paused")
        debuggee.bootstrap()
        debuggee.ask(CONFIGURE, {"callStack": {"enabled": True}})
        threads = debuggee.request("threads")["threads"]
        assert len(threads) > 1
        with evaluating(debuggee) as (evaluation, connection):
            for command in (HANDSHAKE, SNAPSHOT):
                with pytest.raises(Failure) as caught:
                    debuggee.ask(command)
                assert caught.value.code == "timeout"
            # The debugger does what it did without us.
            assert debuggee.request("threads")["threads"] == [{"id": stop.thread_id, "name": "MainThread"}]
            with pytest.raises(RequestFailed):
                debuggee.request("stackTrace", {"threadId": threads[1]["id"]})
            assert debuggee.request("stackTrace", {"threadId": stop.thread_id})["stackFrames"]
            connection.close()
            evaluation.wait(TIMEOUT)
        assert debuggee.request("threads")["threads"] == threads
        assert visible(debuggee.stack("fetch-1")) == ["query", "fetch"]
        assert debuggee.finish() == 0


@on_two_interpreters
def test_requests_right_behind_an_evaluation(interpreter: Interpreter) -> None:
    with debug("tasks.py", interpreter.path) as debuggee:
        debuggee.run_to("paused")
        debuggee.bootstrap()
        client = debuggee.session.client
        # Each is answered, before or after the evaluation; once that has been answered, always.
        codes: Set[Optional[str]] = {None}
        for _ in range(50):
            evaluation, snapshot = client.send("evaluate", {"expression": "1 + 1"}), client.send(SNAPSHOT)
            evaluation.wait(TIMEOUT)
            try:
                snapshot.wait(TIMEOUT)
            except RequestFailed as error:
                codes.add(split_error_message(error.text)[0])
            debuggee.ask(SNAPSHOT, {"count": 1})
        assert codes <= {None, "timeout"}
