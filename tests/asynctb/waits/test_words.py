"""The words for what is outside of the program: who is at the other end of streams, sockets and pipes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import sys
import threading
import time
from pathlib import Path
from typing import Any, Awaitable, Callable, Dict, Iterator, List

import pytest

import asynctb

IS_PYPY = sys.implementation.name == "pypy"


def _words() -> Dict[str, str]:
    found = asynctb.snapshot().activities
    return {each.name: each.waits_for.description for each in found if each.waits_for is not None}


def _run(main: Callable[[Callable[..., None]], Awaitable[None]]) -> None:
    """Run *main* with what starts tasks by name, and cancel these at its end."""

    async def run() -> None:
        tasks: List[asyncio.Task[Any]] = []

        def start(**named: Any) -> None:
            for name, coroutine in named.items():
                tasks.append(asyncio.ensure_future(coroutine))
                tasks[-1].set_name(name)

        try:
            await main(start)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())


async def _until(wanted: Dict[str, str]) -> None:
    """Wait until the words are *wanted*."""
    for _ in range(500):
        found = {name: words for name, words in _words().items() if name in wanted}
        if found == wanted:
            return
        await asyncio.sleep(0.01)
    assert found == wanted


async def _send(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x" * 100_000)
        await writer.drain()


@contextlib.contextmanager
def _silent_server(family: int = socket.AF_INET, address: Any = ("127.0.0.1", 0)) -> Iterator[socket.socket]:
    with socket.socket(family) as server:
        server.bind(address)
        server.listen()
        yield server


def test_streams() -> None:
    async def main(start: Callable[..., None]) -> None:
        with _silent_server() as server:
            host, port = server.getsockname()
            reader, writer = await asyncio.open_connection(host, port)
            with server.accept()[0]:
                start(reads=reader.readline(), sends=_send(writer))
                await _until(
                    {
                        "reads": f"data from 127.0.0.1:{port}",
                        "sends": f"stream to 127.0.0.1:{port} to drain",
                    }
                )
                snapshot = asynctb.snapshot()
                wait = next(each for each in snapshot.activities if each.name == "reads").waits_for
                assert wait is not None
                assert (wait.kind, wait.target) == ("stream", reader)
                writer.transport.abort()

    _run(main)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no sockets with paths")
def test_both_ends_of_a_socket_with_a_path(tmp_path: Path) -> None:
    path = str(tmp_path / "here")

    async def main(start: Callable[..., None]) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            start(server=reader.readline())
            writers.append(writer)

        writers: List[asyncio.StreamWriter] = []
        server = await asyncio.start_unix_server(serve, path)
        reader, writer = await asyncio.open_unix_connection(path)
        start(client=reader.readline())
        await _until({"client": f"data from {path}", "server": f"data from a client of {path}"})
        for each in (writer, *writers):
            each.transport.abort()
        server.close()

    _run(main)


def test_tls_that_has_begun() -> None:
    context = ssl.create_default_context()

    async def main(start: Callable[..., None]) -> None:
        with _silent_server() as server:
            host, port = server.getsockname()
            start(connects=asyncio.open_connection(host, port, ssl=context))
            await _until({"connects": f"connection to 127.0.0.1:{port}"})

    _run(main)


def test_sockets_of_loops() -> None:
    async def main(start: Callable[..., None]) -> None:
        loop = asyncio.get_running_loop()
        with _silent_server() as server, socket.socket() as client:
            server.setblocking(False)
            client.setblocking(False)
            address = server.getsockname()
            start(accepts=accept(loop, server))
            await _until({"accepts": f"connection at 127.0.0.1:{address[1]}"})
            await loop.sock_connect(client, address)
            while not accepted:
                await asyncio.sleep(0)
            start(receives=loop.sock_recv(client, 10))
            await _until({"receives": f"data from 127.0.0.1:{address[1]}"})
            accepted[0].close()

    accepted: List[socket.socket] = []

    async def accept(loop: asyncio.AbstractEventLoop, server: socket.socket) -> None:
        accepted.append((await loop.sock_accept(server))[0])

    _run(main)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes are others there")
def test_subprocesses() -> None:
    async def main(start: Callable[..., None]) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "import time; time.sleep(60)"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        pid = process.pid
        try:
            start(ends=process.wait(), out=process.stdout.read(), err=process.stderr.read(), into=_send(process.stdin))
            await _until(
                {
                    "ends": f"process {pid}",
                    "out": f"data from stdout of process {pid}",
                    "err": f"data from stderr of process {pid}",
                    "into": f"stream to stdin of process {pid} to drain",
                }
            )
        finally:
            process.kill()
            await process.wait()

    _run(main)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it is not known there whether a thread waits")
@pytest.mark.skipif(IS_PYPY, reason="it is not known there which functions of C are called")
def test_sockets_of_threads() -> None:
    with _silent_server() as server, socket.socket() as client:
        port = server.getsockname()[1]
        client.connect(server.getsockname())
        accepted, _ = server.accept()
        file = client.makefile("rb")
        wanted = {
            "accepts": f"connection at 127.0.0.1:{port}",
            "receives": f"data from 127.0.0.1:{port}",
            "reads": f"data from 127.0.0.1:{port}",
        }

        def accept() -> None:
            server.accept()[0].close()

        def receive() -> None:
            client.recv(10)

        def read() -> None:
            file.readline()

        functions = {"accepts": accept, "receives": receive, "reads": read}
        threads = [threading.Thread(target=functions[name], name=name) for name in wanted]
        for thread in threads:
            thread.start()
        try:
            found: Dict[str, str] = {}
            for _ in range(500):
                found = {name: words for name, words in _words().items() if name in wanted}
                if found == wanted:
                    break
                time.sleep(0.01)
            assert found == wanted
        finally:
            with socket.create_connection(("127.0.0.1", port)):
                accepted.close()
                for thread in threads:
                    thread.join()
            file.close()


def test_addresses_that_are_none() -> None:
    from asynctb._frameworks._addresses import words_of_address

    class Text(str):
        def __str__(self) -> str:
            raise AssertionError

        __format__ = __getitem__ = __bool__ = __len__ = __contains__ = __str__  # type: ignore[assignment]

    assert words_of_address(Text("/run/db.sock")) == "/run/db.sock"
    assert words_of_address((Text("::1"), 80, 0, 0)) == "[::1]:80"
    assert words_of_address(b"\0name") == "@name"
    for nothing in ("", None, 5, (), ("host",), ("host", "port"), (None, 80), [os], ("", 80)):
        assert words_of_address(nothing) is None
