"""Every stack of the process as text: at once, on a signal, or when time runs out.

The two that wait must not disturb the program that they wait in, whatever state it is in by then:

- They write to the file descriptor where there is one. A stream has a lock, which the interrupted code may hold; and
  an interpreter that shuts down while another thread holds it aborts (``_enter_buffered_busy`` in
  Modules/_io/bufferedio.c).
- The watchdog has a thread of the operating system of its own, which neither `threading` nor a snapshot lists, and
  which ends with the process without being waited for.
- What goes wrong is found in their `error`, never raised.
"""

from __future__ import annotations

import _thread
import functools
import io
import os
import signal
import sys
import time
import types
from typing import IO, Any, Literal, Optional, Union

from .._objects import describe_error
from .._snapshot.listing import snapshot
from .document import snapshot_line

#: How long a file that is not ready for more text may keep a dump waiting, in seconds, and how often to ask it.
_PATIENCE = 2.0
_PAUSE = 0.02
_ALL_STROKES = "├│└─…"

#: Where to dump to: a text stream, a file descriptor, or None for what `sys.stderr` is at that time.
File = Union[IO[str], int, None]
#: What to write: text for people, or a snapshot file, in one line, for ``asynctb show``.
Format = Literal["text", "json"]


def dump(file: File = None, *, format: Format = "text") -> None:
    """Write the stacks of all threads, tasks and greenlets of the process to *file*.

    :param file: a text stream, a file descriptor, or None for `sys.stderr`.
    :param format: "text" for people; "json" for a snapshot file, in one line, that ``asynctb show`` reads.
    :raises TypeError: if *file* is none of these.
    :raises OSError: if it cannot be written to.
    """
    _check(file, format)
    stream = sys.stderr if file is None else file
    if isinstance(stream, int):
        _write_to_descriptor(stream, _report("", format, ascii_only=False).encode("utf-8", "backslashreplace"))
    elif stream is not None:
        encoding = _encoding_of(stream)
        text = _report("", format, ascii_only=not _can_draw(encoding))
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()


class _Dumping:
    """What the two that wait have in common."""

    def __init__(self, file: File, format: Format) -> None:
        _check(file, format)
        if format == "json":
            # What it takes is imported now, as the program may hold import locks by then.
            import json.encoder  # noqa: F401
        self._file = file
        self._format = format
        #: How many dumps were written.
        self.count = 0
        #: What went wrong with the last dump, or None.
        self.error: Optional[str] = None

    def _dump(self, reason: str) -> None:
        try:
            self._write(reason)
        except Exception as error:
            self.error = describe_error(error)  # not the error itself, whose traceback refers to the program
        else:
            self.error = None
            self.count += 1

    def _write(self, reason: str) -> None:
        stream = sys.stderr if self._file is None else self._file
        if stream is None:  # a program without a terminal, such as one of pythonw.exe
            return
        if isinstance(stream, int):
            text = _report(reason, self._format, ascii_only=False)
            _write_to_descriptor(stream, text.encode("utf-8", "backslashreplace"))
            return
        encoding = _encoding_of(stream)
        text = _report(reason, self._format, ascii_only=not _can_draw(encoding))
        encoded = text.encode(encoding, "backslashreplace")
        try:
            descriptor: object = stream.fileno()
        except (AttributeError, OSError):  # a stream in memory; one that is closed raises ValueError
            descriptor = None
        if isinstance(descriptor, int):
            _write_to_descriptor(descriptor, encoded)
        else:
            stream.write(encoded.decode(encoding))
            stream.flush()


class dump_on_signal(_Dumping):
    """Dump the stacks of the process to *file* whenever a signal arrives, until `cancel` or the end of the ``with``.

    Python runs signal handlers in the main thread, between two instructions of Python code and during calls that wait
    (for input, a lock, a child process, ...). While the main thread is busy in C code that does neither, the dump is
    put off; `dump_after` is not.

    The signal is handled in forked processes, too. Signals that come while a dump is being made are ignored.

    :param signum: the signal, by default ``SIGUSR1``, on Windows ``SIGBREAK``.
    :param file: a text stream, a file descriptor, or None for what `sys.stderr` is when the signal arrives. It must
        stay open.
    :param chain: whether to go on with what the signal did before.
    :param format: "text" for people; "json" for a snapshot file, a line for each dump, of which ``asynctb show`` shows
        the last.
    :raises ValueError: if this is not the main thread, or *signum* is no signal, or one that was given a handler by
        something else than Python.
    :raises OSError: if the system does not allow to handle the signal.
    :raises TypeError: if *signum* is not a number or *file* not a text stream, file descriptor or None.
    """

    def __init__(
        self, signum: Optional[int] = None, *, file: File = None, chain: bool = False, format: Format = "text"
    ) -> None:
        super().__init__(file, format)
        if signum is None:
            signum = getattr(signal, "SIGUSR1", None) or signal.Signals["SIGBREAK"]
        self._signal = signum
        self._chain = chain
        self._busy = False
        self._handler = self._handle
        self._before: Any = signal.getsignal(signum)
        if self._before is None:
            raise ValueError(f"{_name_of(signum)} has a handler that was not installed by Python")
        signal.signal(signum, self._handler)

    def cancel(self) -> None:
        """Let the signal do what it did before, unless it was given another handler meanwhile.

        :raises ValueError: if this is not the main thread.
        """
        if signal.getsignal(self._signal) is self._handler:
            signal.signal(self._signal, self._before)

    def __enter__(self) -> dump_on_signal:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.cancel()

    def _handle(self, signum: int, frame: Optional[types.FrameType]) -> None:
        if not self._busy:  # else signals come faster than dumps can be made, and would pile up
            self._busy = True
            try:
                self._dump(f", {_name_of(signum)} received")
            finally:
                self._busy = False
        if not self._chain:
            return
        if callable(self._before):
            self._before(signum, frame)
        elif self._before is signal.SIG_DFL:
            signal.signal(signum, signal.SIG_DFL)
            raise_again = getattr(signal, "raise_signal", functools.partial(os.kill, os.getpid()))
            raise_again(signum)  # which ends the process, or stops it until it is continued
            signal.signal(signum, self._handler)


def _name_of(signum: int) -> str:
    try:
        return signal.Signals(signum).name
    except ValueError:  # the real-time signals between the first and the last have no names
        return f"signal {signum}"


class dump_after(_Dumping):
    """Dump the stacks of the process to *file* in *seconds*, unless `cancel` or the end of the ``with`` comes first.

    For what should have been finished by then, such as a test::

        with asynctb.dump_after(30):
            run_the_test()

    The waiting is done by a thread of its own, so the dump is made also while the main thread is stuck in C code, as
    long as that has released the global interpreter lock; `faulthandler.dump_traceback_later` is for code that has not.
    The thread does not keep the process from ending. It does not exist in forked processes.

    :param seconds: how long to wait.
    :param file: a text stream, a file descriptor, or None for what `sys.stderr` is when time runs out. It must stay
        open until then.
    :param repeat: whether to dump again and again, each time *seconds* after the last.
    :param format: as for `dump_on_signal`.
    :raises ValueError: if *seconds* is not positive, or more than `threading.TIMEOUT_MAX`.
    :raises TypeError: if *seconds* is not a number or *file* not a text stream, file descriptor or None.
    :raises RuntimeError: if no thread can be started.
    """

    def __init__(self, seconds: float, *, file: File = None, repeat: bool = False, format: Format = "text") -> None:
        if not isinstance(seconds, (int, float)):
            raise TypeError(f"seconds must be a number, not {seconds!r}")
        if not 0 < seconds <= _thread.TIMEOUT_MAX:
            raise ValueError(f"seconds must be positive and at most {_thread.TIMEOUT_MAX:.0f}, not {seconds}")
        super().__init__(file, format)
        self._seconds = seconds
        self._repeat = repeat
        self._process = os.getpid()
        #: Held until the thread shall end, and until it has ended.
        self._go_on = _unpatched("allocate_lock")()
        self._alive = _unpatched("allocate_lock")()
        self._go_on.acquire()
        self._alive.acquire()
        self._thread: Optional[int] = None
        started = _unpatched("allocate_lock")()
        started.acquire()
        _unpatched("start_new_thread")(self._run, (started,))
        # Up to CPython 3.10, an interpreter that ends while the thread has not taken the global interpreter lock yet
        # frees what the thread is about to use (t_bootstrap in Modules/_threadmodule.c).
        started.acquire()

    def cancel(self) -> None:
        """Make no further dump. One that is being made is waited for, so that *file* can be closed then."""
        try:
            self._go_on.release()
        except RuntimeError:  # it was cancelled before
            pass
        if os.getpid() == self._process and _unpatched("get_ident")() != self._thread:
            self._alive.acquire()
            self._alive.release()

    def __enter__(self) -> dump_after:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.cancel()

    def _run(self, started: _thread.LockType) -> None:
        self._thread = _unpatched("get_ident")()
        started.release()
        try:
            waited = 0.0
            while not self._go_on.acquire(True, self._seconds):
                waited += self._seconds
                self._dump(f", {waited:g} s have passed")
                if not self._repeat:
                    break
            else:
                self._go_on.release()
        finally:
            self._alive.release()


def _check(file: object, format: object) -> None:
    if format not in ("text", "json"):
        raise ValueError(f"format must be 'text' or 'json', not {format!r}")
    if isinstance(file, (bool, io.RawIOBase, io.BufferedIOBase)):
        raise TypeError(f"file must be a text stream, a file descriptor or None, not {file!r}")
    if isinstance(file, int):
        if file < 0:
            raise ValueError(f"not a file descriptor: {file}")
    elif file is not None and not callable(getattr(file, "write", None)):
        raise TypeError(f"file must be a text stream, a file descriptor or None, not {file!r}")


def _encoding_of(stream: IO[str]) -> str:
    encoding: object = getattr(stream, "encoding", None)
    return encoding if isinstance(encoding, str) else "utf-8"


def _can_draw(encoding: str) -> bool:
    try:
        _ALL_STROKES.encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _report(reason: str, format: Format, *, ascii_only: bool) -> str:
    if format == "json":
        return snapshot_line(snapshot())
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    title = f"asynctb: stacks of process {os.getpid()} at {now}{reason}"
    return "\n".join([title, *snapshot().format(ascii_only=ascii_only), "", ""])


def _write_to_descriptor(descriptor: int, data: bytes) -> None:
    """Write all of *data*.

    :raises OSError: if that fails.
    """
    patience = _PATIENCE
    while data:
        try:
            data = data[os.write(descriptor, data) :]
            patience = _PATIENCE
        except BlockingIOError:  # asyncio, and whoever shares a terminal with such a program, make it non-blocking
            if patience <= 0:
                raise
            patience -= _PAUSE
            pause = _unpatched("allocate_lock")()  # time.sleep would switch greenlets if it is gevent's
            pause.acquire()
            pause.acquire(True, _PAUSE)


def _unpatched(name: str) -> Any:
    """Return a function of the interpreter's `_thread` module, also where it has been replaced.

    gevent replaces them by ones that start and switch greenlets, which would leave a hung thread unwatched; pydevd by
    one that traces the new thread.

    :raises RuntimeError: if the original cannot be found.
    """
    function: object = getattr(_thread, name)
    if type(function) is not types.BuiltinFunctionType:
        gevent = sys.modules.get("gevent.monkey")
        function = gevent.get_original("_thread", name) if gevent is not None else None
    if type(function) is not types.BuiltinFunctionType:
        function = getattr(_thread, f"_original_{name}", None)
    if type(function) is not types.BuiltinFunctionType:
        raise RuntimeError(f"_thread.{name} has been replaced, and the original cannot be found")
    return function
