"""The helper is not installed where nothing may be read."""

from __future__ import annotations

import sys

import pytest

from asynctb import _refusal
from dap_extension.debuggee import _bootstrap


def test_the_helper_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_refusal, "_IS_AFFECTED", True)
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    with pytest.raises(RuntimeError, match=r"CPython 3\.13 without the global interpreter lock"):
        _bootstrap.install("key")
