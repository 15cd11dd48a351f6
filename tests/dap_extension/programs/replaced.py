"""Replaces functions of the standard library, and prints which of the replacements the helper has called."""

import builtins
import gc
import os
import sys
import time
from unittest import mock

called = []
frame_of = sys._getframe
FUNCTIONS = {
    builtins: ("open", "sorted", "next", "hasattr", "vars"),
    gc: ("get_objects", "get_referents", "isenabled", "disable", "enable"),
    os: ("listdir", "stat", "getpid"),
    os.path: ("exists", "join", "dirname"),
    sys: ("_current_frames",),
    time: ("monotonic", "time", "perf_counter"),
}


def replacement(label, original):
    def function(*args, **kwargs):
        # Not what the debugger itself calls when the helper uses it.
        if "asynctb_helper" in frame_of(1).f_code.co_filename:
            called.append(label)
        return original(*args, **kwargs)

    return function


def use():
    return "hello"


ready = use()  # @ready
patches = [
    mock.patch.object(module, name, replacement(f"{module.__name__}.{name}", getattr(module, name)))
    for module, names in FUNCTIONS.items()
    for name in names
]
answers = iter([1.0, 2.0])
patches.append(mock.patch("time.monotonic", side_effect=answers))
patches.append(mock.patch("builtins.open", mock.mock_open(read_data="hello")))
for patch in patches:
    patch.start()
first = time.monotonic()
paused = use()  # @paused
second = time.monotonic()
opened = open("/data").read()  # noqa: SIM115
open.assert_called_once_with("/data")
mock.patch.stopall()
print(first, second, opened, sorted(set(called)))
