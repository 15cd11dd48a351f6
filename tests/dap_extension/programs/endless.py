"""Stops once and then never ends by itself; says so when it is interrupted."""

import sys
import time

breakpoint()
for round in ("first", "second"):
    try:
        # In one line, between whose parts the debugger runs nothing: an interrupt would be lost in its code.
        print("going on", flush=True), time.sleep(1000)
    except KeyboardInterrupt:
        print("interrupted", round, flush=True)
        if "stubborn" not in sys.argv:
            sys.exit(5)
