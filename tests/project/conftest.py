"""Tests of what belongs to no interpreter: documentation, distributions. They run once."""

from __future__ import annotations

import sys
from pathlib import Path

# The modules beside this file, and what is tested without being installed.
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "tools")]
