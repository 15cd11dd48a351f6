"""Greenlets that timers of the loop, and greenlets that have not begun, are going to wake."""

import gevent
import gevent.event
import gevent.queue
from looks import start_looking

start_looking()


def wait(event):
    event.wait()


def take(queue):
    for _ in queue:
        pass


def start():
    event = gevent.event.Event()
    gevent.spawn(wait, event)
    timer = gevent.get_hub().loop.timer(100)
    timer.start(event.set)
    queue = gevent.queue.Queue()
    gevent.spawn(take, queue)
    gevent.spawn_later(100, queue.put, 1)
    return timer


timer = start()
gevent.sleep(100)
