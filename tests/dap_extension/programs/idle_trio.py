"""A loop of trio that is idle until `stop` is called."""

import trio

STOP = []


def stop():
    STOP[0]()


async def main():
    event = trio.Event()
    token = trio.lowlevel.current_trio_token()
    STOP.append(lambda: token.run_sync_soon(event.set))
    print("ready", flush=True)
    await event.wait()
    print("done")


if __name__ == "__main__":
    trio.run(main)
