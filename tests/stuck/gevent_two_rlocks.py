"""Two greenlets take two locks, which record their owners, in opposite orders."""

import gevent
import gevent.lock
from looks import start_looking

start_looking()


def take(first, second):
    with first:
        gevent.sleep(0.1)
        with second:
            pass


def tick():
    while True:
        gevent.sleep(1)


a, b = gevent.lock.RLock(), gevent.lock.RLock()
gevent.spawn(tick)
pair = [gevent.spawn(take, a, b), gevent.spawn(take, b, a)]
pair[0].name, pair[1].name = "left", "right"
gevent.joinall(pair)
