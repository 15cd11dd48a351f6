"""``python -m asynctb``: shows on a small program of its own what asynctb sees in a suspended coroutine."""

from __future__ import annotations

import sys

from . import Traceback, __version__

_INTRODUCTION = """\
asynctb {version}: what a suspended program is doing.

Below is the stack of a coroutine that waits. Under each function stand the context managers that it is inside of,
with what they hold, and the line that it has reached. Compare it with asynctb/_demo.py.
"""
_CONCLUSION = """
In a program of your own:

    import asynctb
    print(asynctb.Traceback.of(coroutine))   # a coroutine, generator, task, greenlet, thread, frame, ...
    print(asynctb.snapshot())                # everything in the process
    asynctb.dump_after(30)                   # if the program still runs then
"""


def main() -> None:
    if len(sys.argv) > 1:
        sys.stderr.write(
            "python -m asynctb shows an example, and takes no arguments. What shows the stacks of programs is the "
            "command asynctb, such as: asynctb run script.py\n"
        )
        sys.exit(2)
    if sys.version_info < (3, 7):
        sys.exit("The example of python -m asynctb is written for Python 3.7 and later.")
    from ._demo import suspended_program

    encoding = sys.stdout.encoding or "ascii"
    try:
        "├".encode(encoding)
        ascii_only = False
    except UnicodeEncodeError:
        ascii_only = True
    with suspended_program() as coroutine:
        lines = Traceback.of(coroutine).format(ascii_only=ascii_only)
    print(_INTRODUCTION.format(version=__version__))
    print("\n".join(lines))
    print(_CONCLUSION, end="")


if __name__ == "__main__":
    main()
