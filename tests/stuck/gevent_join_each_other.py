"""A greenlet waits for another one to end, which waits for the semaphore that it holds."""

import gevent
import gevent.lock
from looks import start_looking

start_looking()


def run_child(semaphore):
    semaphore.acquire()


def run_parent(semaphore):
    with semaphore:
        child = gevent.spawn(run_child, semaphore)
        child.name = "child"
        child.join()


parent = gevent.spawn(run_parent, gevent.lock.BoundedSemaphore(1))
parent.name = "parent"
gevent.sleep(3600)
