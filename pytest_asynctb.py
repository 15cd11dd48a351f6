"""The pytest plug-in: says why a test hangs, when it has run for longer than ``--asynctb-timeout=SECONDS``.

It does nothing unless that is given, and does not even import `asynctb`, because pytest imports every plug-in that is
installed. It stands outside of the package for that reason.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Generator, Optional

import pytest

if TYPE_CHECKING:
    from asynctb import dump_after

_NAME = "asynctb_timeout"
_HELP = (
    "Print the stacks of all tasks, greenlets and threads, and why nothing moves, when a test has run for so many "
    "seconds. The test goes on: pytest-timeout ends it, if that is wanted."
)
#: How long before pytest-timeout ends a test its stacks are printed: seconds, and a part of its time.
_AHEAD = 2.0
_AHEAD_PART = 0.25


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("asynctb", "why tests hang")
    group.addoption("--asynctb-timeout", dest=_NAME, metavar="SECONDS", help=_HELP)
    parser.addini(_NAME, _HELP)


def pytest_configure(config: pytest.Config) -> None:
    value: Any = config.getoption(_NAME)
    if value is None:
        value = config.getini(_NAME)
    if not value:
        return
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < 1e6:
        raise pytest.UsageError(
            f"asynctb_timeout must be a number of seconds, such as 30, or 0 for never; not {value!r}"
        )
    # The controller of pytest-xdist runs no tests itself.
    is_controller = bool(getattr(config.option, "dist", "no") != "no" and not hasattr(config, "workerinput"))
    if seconds and not is_controller:
        config.pluginmanager.register(Plugin(seconds), "asynctb-timeout")


class Plugin:
    """Watches one test at a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # Output is not captured yet; a descriptor of our own leads past that later.
        self._descriptor = os.dup(_descriptor_of_errors())
        self._item: Optional[pytest.Item] = None
        self._phase = "setup"
        self._seconds_of_test = seconds
        #: What waits for the time to run out, while a test runs.
        self.watchdog: Optional[dump_after] = None

    def pytest_unconfigure(self) -> None:
        self._stop()
        os.close(self._descriptor)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, None, None]:
        self._item = item
        self._start(self._seconds)
        try:
            yield
        finally:
            self._stop()
            self._item = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        self._phase = "setup"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self) -> None:
        self._phase = "call"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self) -> None:
        self._phase = "teardown"

    @pytest.hookimpl(tryfirst=True)
    def pytest_enter_pdb(self) -> None:
        self._stop()  # whoever debugs takes their time

    @pytest.hookimpl(tryfirst=True)
    def pytest_exception_interact(self) -> None:
        self._stop()  # the test is over, and ``--pdb`` may begin

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_timeout_set_timer(self, settings: Any) -> None:
        """Be ahead of pytest-timeout, whose timeout may be different for each test."""
        if self.watchdog is None or not isinstance(settings.timeout, (int, float)):
            return
        latest = settings.timeout - min(_AHEAD, settings.timeout * _AHEAD_PART)
        if 0 < latest < self._seconds:
            self._stop()
            self._start(latest)

    def write(self, text: str) -> None:
        """Write what the watchdog has seen to the terminal, and remember it for the report of the test."""
        item = self._item
        if item is None:
            return
        text = f"\n{item.nodeid} has run for {self._seconds_of_test:g} s (--asynctb-timeout)\n{text}"
        item.add_report_section(self._phase, "asynctb", text)
        data = text.encode("utf-8", "backslashreplace")
        while data:
            data = data[os.write(self._descriptor, data) :]

    def flush(self) -> None:
        """Do nothing: that it can be called makes this a text stream."""

    def _start(self, seconds: float) -> None:
        import asynctb

        self._seconds_of_test = seconds
        stream: Any = self
        self.watchdog = asynctb.dump_after(seconds, file=stream)

    def _stop(self) -> None:
        if self.watchdog is not None:
            self.watchdog.cancel()
            self.watchdog = None


def _descriptor_of_errors() -> int:
    """Return the descriptor of the standard error output; workers of pytest-xdist replace the stream by another."""
    for stream in (sys.stderr, sys.__stderr__):
        try:
            if stream is not None:
                return stream.fileno()
        except (AttributeError, OSError, ValueError):
            pass
    return 2
