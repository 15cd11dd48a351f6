"""Work that calls foreign code, which may never return: on a thread that can be left behind."""

from __future__ import annotations

import _thread
import time
from typing import Any, Callable, List, Optional, Tuple


class LeftBehind(BaseException):
    """Raised on a thread that nobody waits for any more."""


class Watch:
    """One piece of work.

    :param work: what to do on the thread that `run` is called on.
    """

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work: Optional[Callable[[], Any]] = work
        #: The calls of foreign code that have not returned, the outermost first: what is called, and since when.
        self.calls: List[Tuple[Any, float]] = []
        self._ident: Optional[int] = None
        self._result: Any = None
        self._error: Optional[BaseException] = None
        self._finished = _thread.allocate_lock()
        self._finished.acquire()

    def run(self) -> None:
        """Do the work, whatever happens."""
        self._ident = _thread.get_ident()
        work, self._work = self._work, None
        try:
            if work is not None:
                self._result = work()
        except BaseException as error:
            self._error = error
        finally:
            self._finished.release()

    def wait(self, longest: float) -> Optional[Any]:
        """Wait until the work is done; return what was called and has not returned for *longest* seconds, if so."""
        while not self._finished.acquire(True, longest / 10):
            calls = tuple(self.calls)
            if calls and time.perf_counter() - calls[-1][1] > longest:
                return calls[-1][0]
        return None

    def result(self) -> Any:
        """Return, or raise, what the work has come to."""
        error, result, self._error, self._result = self._error, self._result, None, None
        if error is not None:
            raise error
        return result

    def leave_behind(self) -> None:
        """End the thread, if what it executes is Python code. Otherwise it ends when that returns."""
        try:
            import ctypes
        except ImportError:
            return
        api = getattr(ctypes, "pythonapi", None)
        if api is not None and self._ident is not None:
            api.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._ident), ctypes.py_object(LeftBehind))
