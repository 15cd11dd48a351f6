"""A function that is called with hardly any room on the stack, and then with enough of it."""

import sys


def depth():
    frame, number = sys._getframe(), 0
    while frame is not None:
        frame, number = frame.f_back, number + 1
    return number


def here(room):
    return room  # @here


limit = sys.getrecursionlimit()
sys.setrecursionlimit(depth() + 30)
here("little")
sys.setrecursionlimit(limit)
here("enough")
print("done")
