"""A program in which the helper cannot be installed at first."""

import sys
import zlib

sys.modules["zlib"] = None
stops = 1  # @broken
sys.modules["zlib"] = zlib
stops += 1  # @repaired
