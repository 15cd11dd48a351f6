"""Stops once and then never ends by itself; says so when it is interrupted."""

import sys
import threading

breakpoint()
for round in ("first", "second"):
    try:
        print("going on", flush=True)
        threading.Event().wait()
    except KeyboardInterrupt:
        print("interrupted", round, flush=True)
        if "stubborn" not in sys.argv:
            sys.exit(5)
