"""Locks in opposite orders, but a timeout ends one of the waits, wherever it was started."""

import gevent
import gevent.lock
from looks import start_looking

start_looking()


def take(first, second):
    timeout = gevent.Timeout.start_new(100)
    take_both(first, second)
    timeout.cancel()


def take_both(first, second):
    with first:
        gevent.sleep(0.1)
        with second:
            pass


def take_for_a_while(first, second):
    with first:
        gevent.sleep(0.1)
        second.acquire(timeout=100)


a, b = gevent.lock.RLock(), gevent.lock.BoundedSemaphore(1)
c, d = gevent.lock.RLock(), gevent.lock.RLock()
pairs = [gevent.spawn(take, a, b), gevent.spawn(take_both, b, a)]
pairs += [gevent.spawn(take_for_a_while, c, d), gevent.spawn(take_both, d, c)]
gevent.joinall(pairs)
