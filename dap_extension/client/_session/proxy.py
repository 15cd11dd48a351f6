"""Between an editor and its debug adapter: passes every message on as it is, and takes part in the conversation.

Our own requests have sequence numbers that no editor comes to, so answers to them can be told apart without changing
anybody's numbers.
"""

from __future__ import annotations

import re
import threading
import time
from typing import Callable, Dict, List, Optional

from .dap import (
    DEFAULT_TIMEOUT,
    ConnectionLost,
    DapTimeout,
    Json,
    Reader,
    RequestFailed,
    Writer,
    encode_message,
    parse_message,
    read_frame,
    write_frame,
)

#: Where our numbers begin. Numbers are 32-bit integers with a sign in some editors.
FIRST_SEQ = 1 << 30

#: How debugpy's adapter begins its answers. They can be large, and what follows is nobody's business but the editor's.
_ANSWER = re.compile(
    rb'\{"seq": \d+, "type": "response", "request_seq": (\d+), "success": (true|false), "command": "(\w+)"'
)

#: Gets "->" (to the adapter) or "<-" (to the editor), with a "+" if it is ours, and the message; "!!" and an error.
Log = Callable[[str, bytes], object]


class Proxy:
    """One session. `run` passes messages on until one of the two sides is gone.

    :param on_request: gets each request of the editor, on the thread that reads; returns whether it will be answered
        here, by `respond`.
    :param on_message: gets each event of the adapter, and each answer (perhaps without its body), before it is passed
        on, on another thread; may call `hold`.

    An error of one of these is logged, and the message passed on.
    """

    def __init__(
        self,
        from_editor: Reader,
        to_editor: Writer,
        from_adapter: Reader,
        to_adapter: Writer,
        *,
        on_request: Callable[[Json], bool],
        on_message: Callable[[Json], object],
        log: Optional[Log] = None,
    ) -> None:
        self._from_editor = from_editor
        self._to_editor = to_editor
        self._from_adapter = from_adapter
        self._to_adapter = to_adapter
        self._on_request = on_request
        self._on_message = on_message
        self._log = log
        self._editor_lock = threading.RLock()
        self._adapter_lock = threading.Lock()
        self._changed = threading.Condition()
        self._seq = FIRST_SEQ
        self._answers: Dict[int, Optional[Json]] = {}
        self._is_over = False
        #: What the editor gets later, or None if it gets everything at once.
        self._held: Optional[List[bytes]] = None

    def run(self) -> None:
        """Pass messages on until the adapter has closed its end; the editor's end is passed on to it."""
        reader = threading.Thread(target=self._pass_to_adapter, name="asynctb editor", daemon=True)
        reader.start()
        try:
            while True:
                data = read_frame(self._from_adapter)
                if data is None:
                    break
                self._from_adapter_came(data)
        except (OSError, ValueError, RecursionError):
            pass  # the adapter, or the editor, is gone
        finally:
            with self._changed:
                self._is_over = True
                self._changed.notify_all()
            self.release()

    def request(self, command: str, arguments: Optional[Json] = None, *, timeout: float = DEFAULT_TIMEOUT) -> Json:
        """Send a request of ours to the adapter and return the body of the answer.

        :raises DapError: if there is none, or an error.
        """
        with self._changed:
            self._seq += 1
            seq = self._seq
            self._answers[seq] = None
        message: Json = {"seq": seq, "type": "request", "command": command, "arguments": arguments or {}}
        try:
            self._send_to_adapter(encode_message(message), "->+")
        except (OSError, ValueError) as error:
            raise ConnectionLost("the debug adapter has closed the connection") from error
        deadline = time.monotonic() + timeout
        with self._changed:
            try:
                while self._answers[seq] is None:
                    left = deadline - time.monotonic()
                    if self._is_over:
                        raise ConnectionLost("the debug adapter has closed the connection")
                    if left <= 0:
                        raise DapTimeout(f'the debug adapter did not answer "{command}" within {timeout:g} s')
                    self._changed.wait(left)
                answer = self._answers[seq]
            finally:
                del self._answers[seq]
        assert answer is not None
        if answer.get("success") is not True:
            raise RequestFailed(answer)
        body = answer.get("body")
        return body if isinstance(body, dict) else {}

    def respond(self, request: Json, body: Json, failure: Optional[str] = None) -> None:
        """Answer a request of the editor.

        :param failure: why it failed, if it did.
        """
        answer: Json = {"type": "response", "request_seq": request.get("seq"), "command": request.get("command")}
        answer.update({"success": True} if failure is None else {"success": False, "message": failure}, body=body)
        self._tell(answer)

    def send_event(self, event: str, body: Json) -> None:
        """Send the editor an event of ours."""
        self._tell({"type": "event", "event": event, "body": body})

    def hold(self) -> None:
        """Keep back what the editor gets from now on, the message that is being dealt with included."""
        with self._editor_lock:
            if self._held is None:
                self._held = []

    def release(self) -> None:
        """Let the editor have what was kept back."""
        with self._editor_lock:
            held, self._held = self._held, None
            for data in held or ():
                self._send_to_editor(data, "<-")

    def _tell(self, message: Json) -> None:
        with self._changed:
            self._seq += 1
            message["seq"] = self._seq
        with self._editor_lock:
            self._send_to_editor(encode_message(message), "<-+")

    def _pass_to_adapter(self) -> None:
        try:
            while True:
                data = read_frame(self._from_editor)
                if data is None:
                    break
                if not self._is_ours(data):
                    self._send_to_adapter(data, "->")
        except (OSError, ValueError, RecursionError):
            pass  # what the editor sends is nothing that an adapter could understand, or one of them is gone
        try:
            with self._adapter_lock:
                self._to_adapter.close()
        except OSError:
            pass

    def _is_ours(self, data: bytes) -> bool:
        if b"evaluate" not in data:  # most messages need not be understood
            return False
        try:
            message = parse_message(data)
            return message.get("type") == "request" and self._on_request(message)
        except Exception as error:
            self._log_error(error)
            return False

    def _from_adapter_came(self, data: bytes) -> None:
        message = _head_of_answer(data) or parse_message(data)
        seq = message.get("request_seq")
        if type(seq) is int and seq >= FIRST_SEQ:
            if self._log is not None:
                self._log("<-+", data)
            with self._changed:
                if seq in self._answers:
                    self._answers[seq] = parse_message(data)
                    self._changed.notify_all()
            return
        try:
            self._on_message(message)
        except Exception as error:
            self._log_error(error)
        with self._editor_lock:
            if self._held is not None:
                self._held.append(data)
            else:
                self._send_to_editor(data, "<-")

    def _log_error(self, error: Exception) -> None:
        if self._log is not None:
            self._log("!!", repr(error).encode("utf-8", "backslashreplace"))

    def _send_to_editor(self, data: bytes, mark: str) -> None:
        if self._log is not None:
            self._log(mark, data)
        try:
            write_frame(self._to_editor, data)
        except (OSError, ValueError):
            pass  # it is gone, which its other end tells

    def _send_to_adapter(self, data: bytes, mark: str) -> None:
        if self._log is not None:
            self._log(mark, data)
        with self._adapter_lock:
            write_frame(self._to_adapter, data)


def _head_of_answer(data: bytes) -> Optional[Json]:
    """Return an answer without its body, if it looks as answers of debugpy do."""
    found = _ANSWER.match(data)
    if found is None:
        return None
    seq, success, command = found.groups()
    return {"type": "response", "request_seq": int(seq), "success": success == b"true", "command": command.decode()}
