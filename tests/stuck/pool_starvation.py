"""All threads of a pool wait for work that is queued in that pool."""

import concurrent.futures
import time

from looks import start_looking

start_looking()


pool = concurrent.futures.ThreadPoolExecutor(2, thread_name_prefix="pool")


def outer():
    time.sleep(0.1)
    return pool.submit(time.time).result()


jobs = [pool.submit(outer) for _ in range(2)]
concurrent.futures.wait(jobs)
