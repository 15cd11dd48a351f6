"""Two tasks send into full channels that only the other one reads."""

import trio
from looks import start_looking

start_looking()


async def exchange(sends, receives):
    while True:
        await sends.send("one")
        await sends.send("another")
        await receives.receive()


async def main():
    to_pong, from_ping = trio.open_memory_channel(1)
    to_ping, from_pong = trio.open_memory_channel(1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(exchange, to_pong, from_pong, name="ping")
        nursery.start_soon(exchange, to_ping, from_ping, name="pong")


trio.run(main)
