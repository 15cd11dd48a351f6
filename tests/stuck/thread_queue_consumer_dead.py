"""A full queue whose only consumer, a thread, has ended."""

import queue
import threading

from looks import start_looking

start_looking()


jobs = queue.Queue(1)


def consume():
    jobs.get()  # takes only one


threading.Thread(target=consume, name="consumer", daemon=True).start()
for n in range(3):
    jobs.put(n)
