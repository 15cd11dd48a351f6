"""Clients of servers: who waits for a connection of a pool or for a reply, and who has the connections."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any, AsyncIterator, Awaitable, Callable, Coroutine, Dict

import pytest

import asynctb
from asynctb import Activity, Snapshot

FULL = "connection (pool full: 1 of 1 connections used)"


def head(request: bytes) -> bytes:
    """Begin a reply, which never ends."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


def only_introduced(commands: bytes) -> bytes:
    """Reply to what redis-py says first, and not to commands of the program."""
    return b"+OK\r\n" * commands.count(b"SETINFO")


@contextlib.asynccontextmanager
async def server(reply: Callable[[bytes], bytes]) -> AsyncIterator[int]:
    """Yield the port of a server that answers what it gets."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            data = await reader.read(65536)
            if not data:
                break
            writer.write(reply(data))
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


async def seen(holds: Callable[[Dict[str, Activity]], object], *work: Coroutine[Any, Any, Any]) -> Snapshot:
    """Return a snapshot in which something holds for the activities, by name, while *work* is done as "a", "b", ..."""
    tasks = []
    for name, each in zip("abc", work):
        tasks.append(asyncio.ensure_future(each))
        tasks[-1].set_name(name)
    try:
        for _ in range(2000):
            await asyncio.sleep(0.005)
            found = asynctb.snapshot()
            if holds({each.name: each for each in found.activities}):
                return found
        raise AssertionError(found)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def words(activities: Dict[str, Activity], name: str) -> str:
    wait = activities[name].waits_for if name in activities else None
    return "" if wait is None else wait.description


def by_name(found: Snapshot) -> Dict[str, Activity]:
    return {each.name: each for each in found.activities}


async def aiohttp_pool(in_block: bool) -> Snapshot:
    aiohttp = pytest.importorskip("aiohttp")

    async def has_one(session: Any, url: str) -> None:
        if in_block:
            async with session.get(url):
                await asyncio.sleep(1000)
        else:
            response = await session.get(url)
            try:
                await asyncio.sleep(1000)
            finally:
                response.close()

    async def wants_one(session: Any, url: str) -> None:
        while not session.connector._acquired:
            await asyncio.sleep(0.001)
        async with session.get(url):
            pass

    async with server(head) as port, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        url = f"http://127.0.0.1:{port}/"
        return await seen(
            lambda now: words(now, "b") == FULL and words(now, "a") == "sleep",
            has_one(session, url),
            wants_one(session, url),
        )


def test_aiohttp() -> None:
    found = asyncio.run(aiohttp_pool(in_block=True))
    activities = by_name(found)
    wait = activities["b"].waits_for
    assert wait is not None
    assert [holder.activity for holder in wait.holders] == [activities["a"].id]
    assert not [each for each in found.findings if each.certain]


def test_aiohttp_has_no_record_of_who_has_a_connection() -> None:
    found = asyncio.run(aiohttp_pool(in_block=False))
    wait = by_name(found)["b"].waits_for
    assert wait is not None
    assert not wait.holders
    assert not [each for each in found.findings if each.certain]


def test_aiohttp_with_a_limit_for_each_host() -> None:
    aiohttp = pytest.importorskip("aiohttp")

    async def wants_two(session: Any, url: str) -> None:
        async with session.get(url), session.get(url):
            pass

    async def main() -> Snapshot:
        connector = aiohttp.TCPConnector(limit=10, limit_per_host=1)
        async with server(head) as port, aiohttp.ClientSession(connector=connector) as session:
            url = f"http://127.0.0.1:{port}/"
            return await seen(lambda now: words(now, "a") == "connection of a pool", wants_two(session, url))

    assert not [each for each in asyncio.run(main()).findings if each.certain]


def test_httpx() -> None:
    httpx = pytest.importorskip("httpx")

    async def has_one(client: Any, url: str) -> None:
        async with client.stream("GET", url):
            await asyncio.sleep(1000)

    async def wants_one(client: Any, url: str) -> None:
        while not client._transport._pool._connections:
            await asyncio.sleep(0.001)
        await client.get(url)

    async def main() -> Snapshot:
        async with server(head) as port, httpx.AsyncClient(
            limits=httpx.Limits(max_connections=1), timeout=None, trust_env=False
        ) as client:
            url = f"http://127.0.0.1:{port}/"
            return await seen(
                lambda now: words(now, "b") == FULL and words(now, "a") == "sleep",
                has_one(client, url),
                wants_one(client, url),
            )

    found = asyncio.run(main())
    wait = by_name(found)["b"].waits_for
    assert wait is not None
    assert wait.kind == "limiter"
    assert not [each for each in found.findings if each.certain]


def test_httpx_in_threads() -> None:
    httpx = pytest.importorskip("httpx")

    def wants_one(client: Any, url: str) -> None:
        with contextlib.suppress(httpx.HTTPError), client.stream("GET", url):
            pass

    async def main() -> str:
        async with server(head) as port:
            url = f"http://127.0.0.1:{port}/"
            with httpx.Client(limits=httpx.Limits(max_connections=1), timeout=None, trust_env=False) as client:
                has_one = client.stream("GET", url)
                await asyncio.get_running_loop().run_in_executor(None, has_one.__enter__)
                thread = threading.Thread(target=wants_one, args=(client, url), name="wants one")
                thread.start()
                try:
                    found = await seen(lambda now: words(now, "wants one") not in ("", "lock"))
                finally:
                    await asyncio.get_running_loop().run_in_executor(None, has_one.__exit__, None, None, None)
                    await asyncio.get_running_loop().run_in_executor(None, thread.join)
                return words(by_name(found), "wants one")

    assert asyncio.run(main()) == FULL


@pytest.mark.parametrize("protocol", [2, 3])
def test_redis(protocol: int) -> None:
    redis = pytest.importorskip("redis.asyncio")

    async def main() -> Snapshot:
        async with server(only_introduced) as port:
            client = redis.Redis(port=port, protocol=protocol, health_check_interval=0)
            expected = f"reply of redis at localhost:{port}"
            found = await seen(lambda now: words(now, "a") == expected, client.get("key"))
            await close(client)
            return found

    assert not asyncio.run(main()).findings


def test_pool_of_redis() -> None:
    redis = pytest.importorskip("redis.asyncio")

    async def main() -> Snapshot:
        async with server(only_introduced) as port:
            pool = redis.BlockingConnectionPool(port=port, max_connections=1, timeout=None, protocol=2)
            client = redis.Redis(connection_pool=pool)
            found = await seen(lambda now: FULL in {words(now, "a"), words(now, "b")}, client.get("1"), client.get("2"))
            await close(client)
            await pool.disconnect()
            return found

    assert not [each for each in asyncio.run(main()).findings if each.certain]


async def close(client: Any) -> None:
    closing: Callable[[], Awaitable[object]] = getattr(client, "aclose", None) or client.close
    await closing()
