"""Real services with a client each, over loopback: aiohttp, and anyio with httpx."""

import asyncio
import sys


async def run_aiohttp():
    import aiohttp
    from aiohttp import web

    async def handle(request):
        await asyncio.sleep(0)
        print("paused")  # @aiohttp
        return web.Response(text="hello " + request.match_info["name"])

    app = web.Application()
    app.add_routes([web.get("/{name}", handle)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]

    async def fetch(name):
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/{name}") as response:
            return await response.text()  # @fetch_aiohttp

    task = asyncio.ensure_future(fetch("world"))
    task.set_name("client")
    print(await task)
    await runner.cleanup()


async def run_anyio():
    import anyio
    import httpx

    async def serve(stream):
        async with stream:
            await stream.receive()
            print("paused")  # @anyio
            body = b"hello world"
            await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, serve, name="server")
        port = listener.listeners[0].extra(anyio.abc.SocketAttribute.local_port)
        async with httpx.AsyncClient(trust_env=False) as client:
            response = await client.get(f"http://127.0.0.1:{port}/")
        print(response.text)
        group.cancel_scope.cancel()


if __name__ == "__main__":
    asyncio.run({"aiohttp": run_aiohttp, "anyio": run_anyio}[sys.argv[1]]())
