"""No deadlock: the thread with the lock waits for an item that comes."""

import queue
import threading
import time

from looks import start_looking

start_looking()


lock, items = threading.Lock(), queue.Queue()


def hold():
    with lock:
        items.get()


def wait():
    time.sleep(0.1)
    with lock:
        pass


for name, function in (("holder", hold), ("waiter", wait)):
    threading.Thread(target=function, name=name, daemon=True).start()
time.sleep(50)
items.put(1)
