"""Tasks and threads that wait for locks for ever, some of them in a circle; prints where a debugger may connect."""

import asyncio
import threading

import debugpy


async def transfer(source, target):
    async with source:
        await asyncio.sleep(0)
        async with target:
            pass


async def use(lock):
    async with lock:
        await asyncio.sleep(3600)


async def take(lock):
    await lock.acquire()
    await asyncio.sleep(3600)


async def consume(lock):
    async with lock:
        await asyncio.Condition(lock).wait()


async def consume_for(lock):
    async with lock:
        await asyncio.Condition(lock).wait_for(lambda: False)


async def held_while_another_is_awaited(lock):
    async with lock:
        other = asyncio.ensure_future(use(lock))
        other.set_name("awaited")
        await other


def hold(ready, first, second):
    with first:
        ready.wait()
        with second:
            pass


def consume_in_thread(ready, lock):
    with lock:
        ready.wait()
        threading.Condition(lock).wait()


def wait_for_event(ready, lock):
    with lock:
        ready.wait()
        threading.Event().wait()


def use_in_thread(lock):
    with lock:
        pass


def start(name, function, *args):
    threading.Thread(target=function, name=name, args=args, daemon=True).start()


def start_threads():
    ready = threading.Barrier(6)
    a, b, c, given_up, event = (threading.Lock() for _ in range(5))
    start("left", hold, ready, a, b)
    start("right", hold, ready, b, a)
    start("own", hold, ready, c, c)
    start("consumer", consume_in_thread, ready, given_up)
    start("event", wait_for_event, ready, event)
    ready.wait()
    given_up.acquire()  # once the consumer waits
    start("unknown", use_in_thread, given_up)
    start("known", use_in_thread, event)


async def main():
    start_threads()
    a, b, taken, given_up, given_up_for, own, semaphore, awaited = (asyncio.Lock() for _ in range(8))
    semaphore = asyncio.Semaphore(1)
    for name, coroutine in {
        "one": transfer(a, b),
        "two": transfer(b, a),
        "three": transfer(asyncio.Lock(), a),
        "taker": take(taken),
        "waits for taker": use(taken),
        "consumer": consume(given_up),
        "consumer for": consume_for(given_up_for),
        "taker from consumer": take(given_up),
        "taker from consumer for": take(given_up_for),
        "waits for given up": use(given_up),
        "waits for given up for": use(given_up_for),
        "own": transfer(own, own),
        "semaphore": use(semaphore),
        "waits for semaphore": use(semaphore),
        "awaiting": held_while_another_is_awaited(awaited),
    }.items():
        TASKS.append(asyncio.ensure_future(coroutine))
        TASKS[-1].set_name(name)
    await asyncio.sleep(0.1)
    print(debugpy.listen(("127.0.0.1", 0))[1], flush=True)
    await asyncio.wait(TASKS)


TASKS = []
asyncio.run(main())
