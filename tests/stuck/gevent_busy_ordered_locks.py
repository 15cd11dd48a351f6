"""Greenlets that take the same locks in the same order, all the time."""

import gevent
import gevent.lock
from looks import start_looking

start_looking()


def work(locks):
    while True:
        for first, second in zip(locks, locks[1:]):
            with first:
                gevent.sleep(0)
                with second:
                    gevent.sleep(0.001)


locks = [gevent.lock.BoundedSemaphore(1), gevent.lock.RLock(), gevent.lock.Semaphore(1)]
gevent.joinall([gevent.spawn(work, locks) for _ in range(20)])
