"""A greenlet waits for an item of a queue that nobody else has."""

import gevent
import gevent.queue
from looks import start_looking

start_looking()


def work(queue):
    while True:
        queue.get()


def tick():
    while True:
        gevent.sleep(1)


gevent.spawn(tick)
worker = gevent.spawn(work, gevent.queue.Queue())
worker.name = "worker"
worker.join()
