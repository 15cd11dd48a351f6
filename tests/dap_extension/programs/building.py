"""Builds objects in several threads until it is told to end, and says whether all of them became whole."""

import threading

import greenlet  # what looks for its objects has to look at everything there is
from builders import WORK, Builders

ENOUGH = threading.Event()
other = greenlet.greenlet(lambda: greenlet.getcurrent().parent.switch())
other.switch()
builders = Builders()
print("building", flush=True)
ENOUGH.wait()
builders.stop()
other.switch()
print(sorted(builders.built) == sorted(work.__name__ for work in WORK), builders.broken)
