"""Greenlets of gevent, one of them made as a thread, in a program that is patched by it."""

from gevent import monkey

monkey.patch_all()

import threading  # noqa: E402

import gevent  # noqa: E402
from gevent.event import Event  # noqa: E402

release = Event()


def pause():
    number = 7
    print(number, flush=True)  # @greenlet


def hold(number):
    release.wait()  # @hold
    return number  # @held


greenlets = [gevent.spawn(hold, number) for number in range(3)]
thread = threading.Thread(target=hold, args=(3,), name="holder")
thread.start()
gevent.sleep(0)
print("paused", flush=True)  # @paused
release.set()
gevent.joinall(greenlets)
thread.join()
print("done", flush=True)  # @done
gevent.spawn(pause).join()
