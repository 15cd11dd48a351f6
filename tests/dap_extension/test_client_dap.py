"""The DAP client against a peer on a real socket that says exactly what a test wants it to say."""

from __future__ import annotations

import json
import socket
import threading
from typing import Any, Dict, Iterator, List, Tuple

import pytest

from dap_extension.client._session.dap import ConnectionLost, DapClient, DapTimeout, RequestFailed

Json = Dict[str, Any]


class Peer:
    """The other end of a connection, for the test to write to and read from."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._file = connection.makefile("rb")

    def receive(self) -> Json:
        length = int(self._file.readline().split(b":")[1])
        assert self._file.readline() == b"\r\n"
        message: Json = json.loads(self._file.read(length))
        return message

    def send(self, message: Json) -> None:
        data = json.dumps(message).encode()
        self.send_raw(b"Content-Length: %d\r\n\r\n" % len(data) + data)

    def send_raw(self, data: bytes) -> None:
        self.connection.sendall(data)

    def answer(self, request: Json, **fields: Any) -> None:
        response = {"seq": 1, "type": "response", "request_seq": request["seq"], "command": request["command"]}
        self.send({**response, "success": True, **fields})

    def event(self, name: str, **body: Any) -> None:
        self.send({"seq": 1, "type": "event", "event": name, "body": body})

    def close(self) -> None:
        self._file.close()
        self.connection.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def connect(listener: socket.socket, **options: Any) -> Tuple[DapClient, Peer]:
    client = DapClient.connect("127.0.0.1", listener.getsockname()[1], **options)
    return client, Peer(listener.accept()[0])


@pytest.fixture
def pair(listener: socket.socket) -> Iterator[Tuple[DapClient, Peer]]:
    client, peer = connect(listener)
    yield client, peer
    client.close()
    peer.close()


def test_answers_may_come_in_any_order(pair: Tuple[DapClient, Peer]) -> None:
    client, peer = pair
    first, second = client.send("first", {"x": 1}), client.send("second")
    requests = [peer.receive(), peer.receive()]
    assert requests[0] == {"seq": 1, "type": "request", "command": "first", "arguments": {"x": 1}}
    assert "arguments" not in requests[1]
    peer.answer(requests[1], body={"n": 2})
    peer.answer(requests[0])
    assert first.wait() == {}
    assert second.wait() == {"n": 2}


def test_pieces_and_other_headers(pair: Tuple[DapClient, Peer]) -> None:
    client, peer = pair
    data = json.dumps({"type": "event", "event": "é"}, ensure_ascii=False).encode()
    for byte in b"content-type: x\r\ncontent-LENGTH:  %d\r\n\r\n%s" % (len(data), data):
        peer.send_raw(bytes([byte]))
    assert client.wait_for_event()["event"] == "é"


def test_failed_request(pair: Tuple[DapClient, Peer]) -> None:
    client, peer = pair
    pending = client.send("launch")
    error = {"id": 1, "format": "no {what} of {_n}", "variables": {"what": "file", "_n": "3"}}
    peer.answer(peer.receive(), success=False, message="short", body={"error": error})
    with pytest.raises(RequestFailed, match="launch: no file of 3"):
        pending.wait()
    assert pending.failed
    pending = client.send("launch")
    peer.answer(peer.receive(), success=False, message="badRequest: no")
    with pytest.raises(RequestFailed) as caught:
        pending.wait()
    assert caught.value.text == "badRequest: no"
    pending = client.send("launch")
    peer.answer(peer.receive(), success=False)
    with pytest.raises(RequestFailed, match="launch: failed without a message"):
        pending.wait()


def test_a_late_answer_is_dropped(pair: Tuple[DapClient, Peer]) -> None:
    client, peer = pair
    with pytest.raises(DapTimeout, match=r'did not send an answer to "slow" within 0 s'):
        client.request("slow", timeout=0)
    late = peer.receive()
    pending = client.send("next")
    peer.answer(late, body={"late": True})
    peer.answer(peer.receive(), body={"late": False})
    assert pending.wait() == {"late": False}


def test_events_are_taken_by_name_and_condition(pair: Tuple[DapClient, Peer]) -> None:
    client, peer = pair
    for name, number in [("a", 1), ("b", 1), ("a", 2), ("b", 2)]:
        peer.event(name, number=number)
    second = client.wait_for_event("a", where=lambda event: event["body"]["number"] == 2)
    assert second["body"] == {"number": 2}
    assert client.wait_for_event("b", "c")["body"] == {"number": 1}
    client.wait_for_event("b", where=lambda event: event in client.queued_events())
    assert [event["event"] for event in client.queued_events()] == ["a"]
    with pytest.raises(DapTimeout, match='the event "z" or "y" within'):
        client.wait_for_event("z", "y", timeout=0)


def test_an_event_that_a_failed_request_makes_impossible(pair: Tuple[DapClient, Peer]) -> None:
    client, peer = pair
    launch = client.send("launch")
    peer.answer(peer.receive(), success=False, message="no such file")
    with pytest.raises(RequestFailed, match="no such file"):
        client.wait_for_event("initialized", unless=launch)


def test_event_listener(listener: socket.socket) -> None:
    seen: List[str] = []

    def listen(event: Json) -> bool:
        seen.append(event["event"])
        return bool(event["event"] == "output")

    client, peer = connect(listener, on_event=listen)
    peer.event("output")
    peer.event("stopped")
    assert client.wait_for_event()["event"] == "stopped"
    assert seen == ["output", "stopped"]
    client.close()
    peer.close()


def test_requests_of_the_adapter(listener: socket.socket) -> None:
    def serve(command: str, arguments: Json) -> Json:
        # It may use the connection while it is at work.
        return {"got": client.request("question"), "command": command, **arguments}

    client, peer = connect(listener, on_request=serve)
    peer.send({"seq": 7, "type": "request", "command": "runInTerminal", "arguments": {"x": 1}})
    peer.answer(peer.receive(), body={"n": 3})
    answer = peer.receive()
    assert (answer["request_seq"], answer["success"]) == (7, True)
    assert answer["body"] == {"got": {"n": 3}, "command": "runInTerminal", "x": 1}
    peer.send({"seq": 8, "type": "request", "command": "startDebugging"})
    peer.answer(peer.receive(), success=False, message="broken")
    answer = peer.receive()
    assert (answer["success"], answer["message"]) == (False, "question: broken")
    client.close()
    peer.close()


def test_requests_of_the_adapter_that_nobody_serves(pair: Tuple[DapClient, Peer]) -> None:
    _, peer = pair
    peer.send({"seq": 7, "type": "request", "command": "runInTerminal"})
    answer = peer.receive()
    assert (answer["success"], answer["message"]) == (False, "this client does not support runInTerminal")


def test_the_adapter_goes_away(pair: Tuple[DapClient, Peer]) -> None:
    client, peer = pair
    pending = client.send("threads")
    peer.receive()
    peer.event("terminated")
    peer.close()
    with pytest.raises(ConnectionLost, match=r"127\.0\.0\.1:\d+ closed the connection while waiting for an answer to"):
        pending.wait()
    assert client.closed
    # What came before is still there.
    assert client.wait_for_event("terminated")
    with pytest.raises(ConnectionLost):
        client.wait_for_event("stopped")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "not the Debug Adapter Protocol: b'HTTP/1.1 400 Bad Request'"),
        (b"\r\n", "without Content-Length"),
        (b"Content-Length: many\r\n\r\n", "invalid literal"),
        (b"Content-Length: -1\r\n\r\n", "a message of -1 bytes"),
        (b"Content-Length: 99999999999\r\n\r\n", "a message of 99999999999 bytes"),
        (b"Content-Length: 2\r\n\r\n[]", "not a DAP message"),
        (b"Content-Length: 2\r\n\r\n{x", "Expecting property name"),
        (b"Content-Length: 1\r\n\r\n\xff", "codec can't decode"),
        (b"Content-Length: 200000\r\n\r\n" + b"[" * 200000, "recursion"),
    ],
)
def test_what_is_no_message_ends_the_connection(pair: Tuple[DapClient, Peer], data: bytes, message: str) -> None:
    client, peer = pair
    peer.send_raw(data)
    with pytest.raises(ConnectionLost) as caught:
        client.wait_for_event("initialized")
    assert message in str(caught.value)


def test_closing_ends_waits_of_other_threads(pair: Tuple[DapClient, Peer]) -> None:
    client, peer = pair
    errors: List[str] = []

    def wait() -> None:
        try:
            client.request("threads")
        except ConnectionLost as error:
            errors.append(str(error))

    thread = threading.Thread(target=wait)
    thread.start()
    peer.receive()
    assert client.close()
    thread.join()
    assert errors[0].startswith("the connection to 127.0.0.1:")
    assert client.close()
    with pytest.raises(ConnectionLost):
        client.send("threads")
