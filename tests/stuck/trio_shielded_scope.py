"""A task that is shielded from the cancellation of its nursery waits for an event that nobody sets."""

import trio
from looks import start_looking

start_looking()


async def work():
    try:
        await trio.sleep_forever()
    finally:
        with trio.CancelScope(shield=True):
            await trio.Event().wait()


async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(work, name="cleanup")
        await trio.sleep(0.1)
        nursery.cancel_scope.cancel()


trio.run(main)
