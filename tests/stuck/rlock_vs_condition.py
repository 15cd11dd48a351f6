"""A thread waits for a notification inside a lock that the notifier wants."""

import threading
import time

from looks import start_looking

start_looking()


state, changed = threading.RLock(), threading.Condition()


def consume():
    with state, changed:
        changed.wait()


def produce():
    time.sleep(0.1)
    with state, changed:
        changed.notify()


threads = [threading.Thread(target=f, name=n, daemon=True) for n, f in (("consumer", consume), ("producer", produce))]
for thread in threads:
    thread.start()
threads[0].join()
