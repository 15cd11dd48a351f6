"""What each of the programs here starts with: looks at them from within, or a debugger that may look from outside."""

import json
import os
import threading
import time

#: Seconds after which a program ends that nobody has ended, and those between two looks.
LIFETIME, INTERVAL = 120, 0.3


def start_looking():
    """Print the findings of each look in a line; if a debugger is to look, print only the port that it comes to."""
    if "STUCK_DEBUGPY" in os.environ:
        import debugpy

        print(debugpy.listen(("127.0.0.1", 0))[1], flush=True)
        look = None
    else:
        from asynctb import snapshot as look
    threading.Thread(target=look_on, args=(look,), name="watchdog", daemon=True).start()


def look_on(look):
    end = time.monotonic() + LIFETIME
    while time.monotonic() < end:
        time.sleep(INTERVAL)
        if look is not None:
            print(json.dumps(findings_of(look(loose_objects=True))), flush=True)
    os._exit(7)


def findings_of(snapshot):
    names = {each.id: each.name for each in snapshot.activities}
    return [
        {
            "kind": each.kind,
            "certain": each.certain,
            "text": each.text,
            "names": [names.get(id, id) for id in each.activities],
        }
        for each in snapshot.findings
    ]
