"""The memory of this process, for readers of frames."""

from __future__ import annotations

import ctypes
import sys

#: All of it as one buffer, whose offsets are addresses: `struct` reads several words from it at once, without a new
#: object of `ctypes` (and an audit event) for each place. On machines of 32 bits it ends in the middle.
MEMORY = memoryview((ctypes.c_char * sys.maxsize).from_address(0))
