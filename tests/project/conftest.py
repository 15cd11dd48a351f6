"""Tests of what belongs to no interpreter: documentation, distributions. They run once."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What is shared with the other tests, and what is tested without being installed.
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tools")]
