"""Two threads that gevent has made greenlets take two locks of the standard library in opposite orders."""

from gevent import monkey

monkey.patch_all()

import threading  # noqa: E402
import time  # noqa: E402

from looks import start_looking  # noqa: E402

start_looking()


def take(first, second):
    with first:
        time.sleep(0.1)
        with second:
            pass


a, b = threading.Lock(), threading.RLock()
left = threading.Thread(target=take, args=(a, b), name="left")
right = threading.Thread(target=take, args=(b, a), name="right")
left.start()
right.start()
left.join()
