"""A client of the Debug Adapter Protocol: messages over a pair of streams, nothing about Python programs.

The libraries for this on PyPI parse only the messages that they know, and drop the bodies of custom requests, which
are all that we are after.

One thread reads. Callers send from any thread and block on the answer:

>>> client = DapClient(process.stdout, process.stdin)              # doctest: +SKIP
>>> client.request("initialize", {"adapterID": "debugpy"})         # doctest: +SKIP
{'supportsConfigurationDoneRequest': True, ...}
>>> launch = client.send("launch", {...})      # several requests may be under way      # doctest: +SKIP
>>> client.wait_for_event("initialized", unless=launch)            # doctest: +SKIP

Every wait ends with what was asked for or with a `DapError`: `RequestFailed` (the adapter said no), `DapTimeout`, or
`ConnectionLost` as soon as the adapter is gone.
"""

from __future__ import annotations

import collections
import json
import os
import socket
import threading
import time
from typing import Any, Callable, Deque, Dict, List, Optional, Protocol, Tuple

from ...protocol import split_error_message

Json = Dict[str, Any]

#: Seconds that a request may take if the caller does not say. Starting an interpreter on a busy machine is slow.
DEFAULT_TIMEOUT = 30.0
#: A message larger than this (bytes) is taken for a broken stream: 100,000 tasks are 40 MB.
MAX_MESSAGE = 1 << 30

# On Windows a wait for a lock cannot be interrupted by Ctrl-C, so waits are cut into pieces there.
_LONGEST_WAIT = 0.2 if os.name == "nt" else threading.TIMEOUT_MAX


class Reader(Protocol):
    """What is read of a binary stream."""

    def readline(self, limit: int, /) -> bytes: ...
    def read(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


class Writer(Protocol):
    """What is written to a binary stream."""

    def write(self, data: bytes, /) -> Any: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


class DapError(Exception):
    """Base class of what this module raises. The message is meant for the user."""


class ConnectionLost(DapError):
    """The adapter closed the connection, died, or sent something that is not a DAP message.

    Nothing more can be sent; start a new session.
    """


class DapTimeout(DapError):
    """No answer or event came in time. The request may still be answered later; then the answer is dropped."""


class RequestFailed(DapError):
    """The adapter or the debugged process answered a request with an error.

    `text` says what was wrong; `code` is that of one of our own errors, or None; `response` is the whole DAP message.
    """

    def __init__(self, response: Json) -> None:
        self.response = response
        self.command = str(response.get("command"))
        self.text = _failure_text(response)
        # Not from the body, which debugpy's adapter drops.
        self.code = split_error_message(str(response.get("message")))[0]
        super().__init__(f"{self.command}: {self.text}")


def _failure_text(response: Json) -> str:
    body = response.get("body")
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict) and isinstance(error.get("format"), str) and error["format"]:
        # The placeholders of a DAP Message: "{name}", or "{_name}" for what must not be logged.
        text: str = error["format"]
        variables = error.get("variables")
        if isinstance(variables, dict):
            for name, value in variables.items():
                text = text.replace("{" + str(name) + "}", str(value))
        return text
    message = response.get("message")
    return message if isinstance(message, str) and message else "failed without a message"


class PendingRequest:
    """A request that was sent; `wait` returns its answer."""

    def __init__(self, client: DapClient, seq: int, command: str) -> None:
        self._client = client
        self.seq = seq
        self.command = command
        #: The response message, once it has come.
        self.response: Optional[Json] = None

    @property
    def failed(self) -> bool:
        """Whether an error came back."""
        return self.response is not None and self.response.get("success") is not True

    def wait(self, timeout: float = DEFAULT_TIMEOUT) -> Json:
        """Return the body of the answer ({} if it has none).

        :param timeout: seconds.
        :raises RequestFailed: if the answer is an error.
        :raises DapTimeout: if none came in time.
        :raises ConnectionLost: if none can come any more.
        """
        self._client._wait_until(lambda: self.response is not None, timeout, f'an answer to "{self.command}"')
        assert self.response is not None
        if self.failed:
            raise RequestFailed(self.response)
        body = self.response.get("body")
        return body if isinstance(body, dict) else {}


class DapClient:
    """One connection to a debug adapter.

    :param reader: binary stream that the adapter writes to, such as its standard output.
    :param writer: binary stream that the adapter reads from.
    :param on_event: called with each event (the whole message) on the reading thread, in order, before it is queued.
        Returns whether it dealt with the event; then `wait_for_event` does not see it. Must not wait for the adapter.
    :param on_request: called with the command and arguments of each request that the adapter makes of us
        (``runInTerminal``, ``startDebugging``), on a thread of its own, so it may wait. Returns the body of the
        answer; an exception is answered as an error. Without it every such request is answered with an error.
    :param name: what messages call the other side, such as "the debug adapter" or "localhost:5678".
    """

    def __init__(
        self,
        reader: Reader,
        writer: Writer,
        *,
        on_event: Optional[Callable[[Json], bool]] = None,
        on_request: Optional[Callable[[str, Json], Json]] = None,
        name: str = "the debug adapter",
    ) -> None:
        self.name = name
        self._reader = reader
        self._writer = writer
        self._on_event = on_event
        self._on_request = on_request
        self._changed = threading.Condition()
        self._write_lock = threading.Lock()
        self._seq = 0
        self._pending: Dict[int, PendingRequest] = {}
        self._events: Deque[Json] = collections.deque()
        self._end: Optional[str] = None
        self._heard = time.monotonic()
        self._thread = threading.Thread(target=self._read, name=f"asynctb DAP {name}", daemon=True)
        self._thread.start()

    @classmethod
    def connect(cls, host: str, port: int, *, timeout: float = 10.0, **options: Any) -> DapClient:
        """Connect to an adapter that listens on a socket.

        :param options: as for `DapClient`.
        :raises OSError: if nothing listens there, the name cannot be resolved, or *timeout* (seconds) passed.
        """
        connection = socket.create_connection((host, port), timeout=timeout)
        connection.settimeout(None)
        # A request is written at once, so Nagle's algorithm can only delay it.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        options.setdefault("name", f"{host}:{port}")
        return cls(_SocketFile(connection), connection.makefile("wb"), **options)

    @property
    def closed(self) -> bool:
        """Whether the connection has ended."""
        return self._end is not None

    @property
    def silence(self) -> float:
        """For how many seconds the other side has said nothing although an answer is due."""
        return time.monotonic() - self._heard if self._pending else 0.0

    def request(self, command: str, arguments: Optional[Json] = None, *, timeout: float = DEFAULT_TIMEOUT) -> Json:
        """Send a request, wait for the answer and return its body; see `PendingRequest.wait`."""
        return self.send(command, arguments).wait(timeout)

    def send(self, command: str, arguments: Optional[Json] = None) -> PendingRequest:
        """Send a request without waiting for its answer.

        :raises ConnectionLost: if the connection has ended.
        """
        with self._changed:
            self._seq += 1
            pending = PendingRequest(self, self._seq, command)
            self._pending[pending.seq] = pending
        message: Json = {"seq": pending.seq, "type": "request", "command": command}
        if arguments is not None:
            message["arguments"] = arguments
        self._write(message)
        return pending

    def wait_for_event(
        self,
        *names: str,
        where: Optional[Callable[[Json], bool]] = None,
        timeout: float = DEFAULT_TIMEOUT,
        unless: Optional[PendingRequest] = None,
    ) -> Json:
        """Remove and return the first queued event that matches, waiting for it if need be.

        Events that do not match stay queued, in order, for later calls.

        :param names: the ``event`` values to accept; none means all.
        :param where: further condition on the whole message.
        :param timeout: seconds.
        :param unless: give up with this request's error as soon as it fails.
        :raises RequestFailed: if *unless* failed.
        :raises DapTimeout: if no such event came in time.
        :raises ConnectionLost: if none can come any more. Events that came before are still returned.
        """
        found: List[Json] = []

        def take() -> bool:
            for event in self._events:
                if (not names or event.get("event") in names) and (where is None or where(event)):
                    self._events.remove(event)
                    found.append(event)
                    return True
            return unless is not None and unless.failed

        self._wait_until(take, timeout, "the event " + " or ".join(f'"{name}"' for name in names))
        if not found:
            assert unless is not None
            assert unless.response is not None
            raise RequestFailed(unless.response)
        return found[0]

    def queued_events(self) -> Tuple[Json, ...]:
        """Return the events that nobody has taken yet, oldest first."""
        with self._changed:
            return tuple(self._events)

    def abort(self, reason: str) -> None:
        """Let every wait, now and later, raise `ConnectionLost` with *reason*, unless the connection has ended."""
        with self._changed:
            if self._end is None:
                self._end = reason
            self._changed.notify_all()

    def close(self, timeout: float = 5.0) -> bool:
        """End the connection; may be called again.

        :param timeout: seconds to wait for the other side of a pipe to close it, too.
        :returns: whether it did. If not, end the adapter's process and call this again.
        """
        self.abort(f"the connection to {self.name} was closed")
        try:
            self._writer.close()
        except OSError:
            pass  # it is gone already
        if isinstance(self._reader, _SocketFile):
            self._reader.shut_down()
        self._thread.join(timeout)
        if self._thread.is_alive():
            return False  # closing a file that another thread reads would block
        self._reader.close()
        return True

    # The reading thread

    def _read(self) -> None:
        try:
            while True:
                message = _read_message(self._reader)
                if message is None:
                    self.abort(f"{self.name} closed the connection")
                    return
                self._dispatch(message)
        except (OSError, ValueError, RecursionError) as error:
            self.abort(f"the connection to {self.name} broke: {error}")

    def _dispatch(self, message: Json) -> None:
        self._heard = time.monotonic()
        kind = message.get("type")
        if kind == "response":
            with self._changed:
                pending = self._pending.pop(message.get("request_seq", -1), None)
                if pending is not None:
                    pending.response = message
                    self._changed.notify_all()
        elif kind == "event":
            if self._on_event is None or not self._on_event(message):
                with self._changed:
                    self._events.append(message)
                    self._changed.notify_all()
        elif kind == "request":
            threading.Thread(target=self._answer, args=(message,), name="asynctb reverse request", daemon=True).start()

    def _answer(self, request: Json) -> None:
        command = str(request.get("command"))
        answer: Json = {"type": "response", "request_seq": request.get("seq"), "command": command}
        try:
            if self._on_request is None:
                raise NotImplementedError(f"this client does not support {command}")
            answer.update(success=True, body=self._on_request(command, request.get("arguments") or {}))
        except Exception as error:
            answer.update(success=False, message=str(error) or type(error).__name__)
        with self._changed:
            self._seq += 1
            answer["seq"] = self._seq
        try:
            self._write(answer)
        except ConnectionLost:
            pass  # who waits for this answer is gone

    # Both sides

    def _write(self, message: Json) -> None:
        data = encode_message(message)
        try:
            with self._write_lock:
                write_frame(self._writer, data)
        except (OSError, ValueError) as error:
            self.abort(f"{self.name} closed the connection")
            raise ConnectionLost(self._end) from error

    def _wait_until(self, condition: Callable[[], bool], timeout: float, what: str) -> None:
        deadline = time.monotonic() + timeout
        with self._changed:
            while not condition():
                if self._end is not None:
                    raise ConnectionLost(f"{self._end} while waiting for {what}")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise DapTimeout(f"{self.name} did not send {what} within {timeout:g} s")
                self._changed.wait(min(left, _LONGEST_WAIT))


class _SocketFile:
    """The reading end of a socket. A blocked read of a socket's file ends only when the socket is shut down."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._file = connection.makefile("rb")
        self.readline = self._file.readline
        self.read = self._file.read

    def shut_down(self) -> None:
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other side was first

    def close(self) -> None:
        self._file.close()
        self._connection.close()


def _read_message(stream: Reader) -> Optional[Json]:
    """Return the next message, or None at the end of the stream.

    :raises ValueError: if what comes is not a message.
    :raises OSError: if the stream fails.
    """
    data = read_frame(stream)
    return None if data is None else parse_message(data)


def read_frame(stream: Reader) -> Optional[bytes]:
    """Return the next message as it was sent, without its header, or None at the end of the stream.

    :raises ValueError: if what comes is not a message.
    :raises OSError: if the stream fails.
    """
    length: Optional[int] = None
    while True:
        line = stream.readline(4096)
        if not line:
            return None
        line = line.strip()
        if not line:
            if length is None:
                raise ValueError("a message without Content-Length")
            break
        name, colon, value = line.partition(b":")
        if not colon:
            raise ValueError(f"this is not the Debug Adapter Protocol: {line[:80]!r}")
        if name.strip().lower() == b"content-length":
            length = int(value)
            if not 0 <= length <= MAX_MESSAGE:
                raise ValueError(f"a message of {length} bytes")
    data = stream.read(length)
    return None if len(data) < length else data


def parse_message(data: bytes) -> Json:
    """Return what a message says.

    :raises ValueError: if it is none.
    """
    message = json.loads(data)
    if not isinstance(message, dict):
        raise ValueError(f"not a DAP message: {data[:80]!r}")
    return message


def write_frame(stream: Writer, data: bytes) -> None:
    """Write a message. In one piece: see `DapClient.connect`.

    :raises OSError, ValueError: if the stream has been closed.
    """
    stream.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
    stream.flush()


def encode_message(message: Json) -> bytes:
    """Return a message as `write_frame` takes it."""
    return json.dumps(message, separators=(",", ":")).encode("utf-8")
