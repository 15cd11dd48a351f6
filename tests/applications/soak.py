"""Ten real applications that are looked at without a pause while they work.

All tasks that the framework itself knows must be found, and the application must answer as it did before. Each runs in
a process of its own: ``python soak.py`` runs all of them, ``python soak.py NAME`` one. What they need is in
``requirements.txt``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from typing import Any, AsyncIterator, Awaitable, Callable, Dict, List, Optional, Set

import asynctb

ROUNDS = int(os.environ.get("ASYNCTB_SOAK_ROUNDS", "20"))
REQUESTS = 10
TIMEOUT = 600.0

Work = Callable[[], Awaitable[object]]
Application = Callable[[], "contextlib.AbstractAsyncContextManager[Work]"]
APPLICATIONS: Dict[str, Application] = {}


def application(function: Callable[[], AsyncIterator[Work]]) -> Application:
    """Register an application: a context manager that gives what has it do something and returns the results."""
    made = contextlib.asynccontextmanager(function)
    APPLICATIONS[function.__name__] = made
    return made


@contextlib.contextmanager
def looks_from_outside() -> Any:
    """Take one snapshot after the other in another thread."""
    stop, failures = threading.Event(), []

    def look() -> None:
        while not stop.is_set():
            try:
                str(asynctb.snapshot())
            except BaseException as error:
                failures.append(error)
                return

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if failures:
        raise failures[0]


def check(known: Set[Any]) -> None:
    """Raise AssertionError if one of the tasks that a framework knows is not found now."""
    found = {id(each.target) for each in asynctb.snapshot(tracebacks=False).activities}
    missing = [each for each in known if id(each) not in found]
    assert not missing, f"not found: {missing}"


async def in_asyncio(make: Application) -> int:
    looked = 0

    async def look() -> None:
        nonlocal looked
        while True:
            check(asyncio.all_tasks())
            looked += 1
            await asyncio.sleep(0.001)

    async with make() as work:
        expected = await work()
        with looks_from_outside():
            looker = asyncio.create_task(look())
            for _ in range(ROUNDS):
                results = await work()
                assert results == expected, f"{results!r} instead of {expected!r}"
                if looker.done():
                    break
            looker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looker
        assert await work() == expected
    return looked


async def gathered(request: Callable[[int], Awaitable[object]]) -> List[object]:
    return await asyncio.gather(*[request(number) for number in range(REQUESTS)])


@application
async def aiohttp_server() -> AsyncIterator[Work]:
    import aiohttp
    from aiohttp import web

    async def handle(request: Any) -> Any:
        await asyncio.sleep(0.01)
        return web.json_response({"number": int(request.match_info["number"])})

    app = web.Application()
    app.router.add_get("/{number}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]

    async def get(number: int) -> object:
        async with session.get(f"http://127.0.0.1:{port}/{number}") as response:
            return await response.json()

    async with aiohttp.ClientSession() as session:
        yield lambda: gathered(get)
    await runner.cleanup()


@application
async def fastapi_with_uvicorn() -> AsyncIterator[Work]:
    import fastapi
    import httpx
    import uvicorn

    app = fastapi.FastAPI()

    @app.get("/async/{number}")
    async def asynchronous(number: int) -> Dict[str, int]:
        await asyncio.sleep(0.01)
        return {"number": number}

    @app.get("/sync/{number}")
    def synchronous(number: int) -> Dict[str, int]:
        return {"number": -number}

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]

    async def get(number: int) -> object:
        kind = "sync" if number % 2 else "async"
        return (await client.get(f"http://127.0.0.1:{port}/{kind}/{number}")).json()

    async with httpx.AsyncClient() as client:
        yield lambda: gathered(get)
    server.should_exit = True
    await serving


@application
async def django_asgi() -> AsyncIterator[Work]:
    import django
    import httpx
    from django.conf import settings
    from django.core.asgi import get_asgi_application
    from django.http import JsonResponse
    from django.urls import path

    async def asynchronous(request: Any, number: int) -> Any:
        await asyncio.sleep(0.01)
        return JsonResponse({"number": number})

    def synchronous(request: Any, number: int) -> Any:
        return JsonResponse({"number": -number})

    urls = type(sys)("urls")
    urls.urlpatterns = [path("async/<int:number>", asynchronous), path("sync/<int:number>", synchronous)]
    sys.modules["urls"] = urls
    settings.configure(ROOT_URLCONF="urls", SECRET_KEY="none", ALLOWED_HOSTS=["*"])
    django.setup()

    async def get(number: int) -> object:
        kind = "sync" if number % 2 else "async"
        return (await client.get(f"/{kind}/{number}")).json()

    transport = httpx.ASGITransport(app=get_asgi_application())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield lambda: gathered(get)


@application
async def sqlalchemy_with_aiosqlite() -> AsyncIterator[Work]:
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine("sqlite+aiosqlite:///:memory:")

    async def query(number: int) -> object:
        async with engine.connect() as connection:
            return (await connection.execute(text("select :number * 2"), {"number": number})).scalar()

    yield lambda: gathered(query)
    await engine.dispose()


@application
async def grpc_aio() -> AsyncIterator[Work]:
    import grpc

    async def double(request: bytes, context: Any) -> bytes:
        await asyncio.sleep(0.01)
        return request * 2

    handlers = {"Double": grpc.unary_unary_rpc_method_handler(double)}
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Doubler", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        method = channel.unary_unary("/test.Doubler/Double")

        async def call(number: int) -> object:
            return await method(bytes([number]))

        yield lambda: gathered(call)
    await server.stop(None)


@application
async def tornado_server() -> AsyncIterator[Work]:
    from tornado import httpclient, httpserver, netutil, web

    class Handler(web.RequestHandler):
        async def get(self, number: str) -> None:
            await asyncio.sleep(0.01)
            self.write({"number": int(number)})

    server = httpserver.HTTPServer(web.Application([(r"/(\d+)", Handler)]))
    sockets = netutil.bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    port = sockets[0].getsockname()[1]
    client = httpclient.AsyncHTTPClient()

    async def get(number: int) -> object:
        return (await client.fetch(f"http://127.0.0.1:{port}/{number}")).body

    yield lambda: gathered(get)
    server.stop()


@application
async def dask_distributed() -> AsyncIterator[Work]:
    from distributed import Client, LocalCluster

    cluster: Any = LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, asynchronous=True, dashboard_address=None
    )
    async with cluster, Client(cluster, asynchronous=True) as client:

        async def work() -> object:
            return await client.gather(client.map(lambda number: number * 2, range(REQUESTS), pure=False))

        yield work


@application
async def textual_app() -> AsyncIterator[Work]:
    from textual.app import App
    from textual.widgets import Input

    class Form(App[None]):
        def compose(self) -> Any:
            yield Input()

    app = Form()
    async with app.run_test() as pilot:

        async def work() -> object:
            field = app.query_one(Input)
            field.value = ""
            await pilot.press("a", "b", "c")
            return field.value

        yield work


@application
async def twisted_on_asyncio() -> AsyncIterator[Work]:
    from twisted.internet import asyncioreactor

    asyncioreactor.install(asyncio.get_running_loop())
    from twisted.internet import defer, reactor, task

    running: Any = reactor
    running.startRunning()

    async def double(number: int) -> object:
        await task.deferLater(running, 0.01)
        return number * 2

    async def get(number: int) -> object:
        coroutine = double(number)
        deferred = defer.ensureDeferred(coroutine)
        check({coroutine})
        return await deferred.asFuture(asyncio.get_running_loop())

    yield lambda: gathered(get)


def quart_on_trio() -> int:
    """The one that trio runs."""
    import trio
    from quart_trio import QuartTrio

    app = QuartTrio("soak")

    @app.route("/<int:number>")
    async def handle(number: int) -> Dict[str, int]:
        await trio.sleep(0.01)
        return {"number": number}

    looked = 0

    def known(task: Any) -> Set[Any]:
        found = {task}
        for nursery in task.child_nurseries:
            for child in nursery.child_tasks:
                found |= known(child)
        return found

    async def main() -> None:
        nonlocal looked
        results: Dict[int, object] = {}

        async def get(number: int) -> None:
            results[number] = await (await app.test_client().get(f"/{number}")).get_json()

        async def look() -> None:
            nonlocal looked
            while True:
                root: Any = trio.lowlevel.current_root_task()
                check(known(root))
                looked += 1
                await trio.sleep(0.001)

        async with trio.open_nursery() as looking:
            with looks_from_outside():
                looking.start_soon(look)
                for _ in range(ROUNDS):
                    results.clear()
                    async with trio.open_nursery() as nursery:
                        for number in range(REQUESTS):
                            nursery.start_soon(get, number)
                    assert results == {number: {"number": number} for number in range(REQUESTS)}
            looking.cancel_scope.cancel()

    trio.run(main)
    return looked


def run_one(name: str) -> None:
    looked = quart_on_trio() if name == quart_on_trio.__name__ else asyncio.run(in_asyncio(APPLICATIONS[name]))
    assert looked > 0
    print(f"{name}: {ROUNDS} rounds, {looked} times all tasks found", flush=True)


def run_all() -> int:
    failed = []
    for name in (*APPLICATIONS, quart_on_trio.__name__):
        process: Optional[int] = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            process = subprocess.run([sys.executable, __file__, name], timeout=TIMEOUT, check=False).returncode
        if process != 0:
            failed.append(name)
    print(f"{len(APPLICATIONS) + 1 - len(failed)} passed, {len(failed)} failed", *failed)
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run_one(sys.argv[1])
    else:
        sys.exit(run_all())
