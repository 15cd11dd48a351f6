"""A program whose threads build objects of all kinds without a pause, and what broke there.

Whoever keeps a reference to a tuple under construction breaks it: CPython resizes it only while it has one. The others
are built with similar care for the number of references.
"""

from __future__ import annotations

import importlib
import sys
import threading
from typing import Callable, Dict, Iterator, List, Tuple

LENGTH = 2_000
#: Imported again and again: their modules build tuples of all sizes. Nothing else in these programs uses them.
PACKAGES = ("email", "xml", "unittest", "json", "html", "wsgiref", "curses", "sqlite3", "multiprocessing", "http")


def items() -> Iterator[int]:
    """Yield numbers, in between of which other threads get their turn."""
    for number in range(LENGTH):
        yield number % 256


def texts() -> Iterator[str]:
    for number in items():
        yield str(number) + "x"


def named(*args: object, **kwargs: object) -> int:
    return len(args) + len(kwargs)


def build_tuples() -> object:
    grown: Tuple[str, ...] = ()
    for text in texts():
        if len(grown) < 50:
            grown += (text,)
    return len(tuple(texts())) == LENGTH and len(grown) == 50 and named(*texts()) == LENGTH


def build_lists() -> object:
    built = [*texts(), *map(str, items())]
    built.sort(key=lambda text: text[::-1])
    return len(built) == 2 * LENGTH


def build_sets() -> object:
    return len(set(texts())) == len(frozenset(texts())) == 256


def build_dicts() -> object:
    made = {text: number for number, text in enumerate(texts())}
    return len(made) == len(dict(zip(texts(), items()))) == named(**made) == 256


def build_texts() -> object:
    built = ""
    for text in texts():
        built += text
    return built == "".join(texts())


def build_bytes() -> object:
    built = b""
    for number in items():
        built += b"%d" % number
    return len(bytes(items())) == len(bytearray(items())) == LENGTH and len(built) > LENGTH


def import_packages() -> object:
    for package in PACKAGES:
        for name in [name for name in sys.modules if name.partition(".")[0] == package]:
            del sys.modules[name]
        try:
            importlib.import_module(package)
        except ImportError:  # this interpreter was built without it
            pass
    return True


WORK = (build_tuples, build_lists, build_sets, build_dicts, build_texts, build_bytes, import_packages)


class Builders:
    """Threads that build until they are told to stop."""

    def __init__(self) -> None:
        self.broken: List[str] = []
        self.built: Dict[str, int] = {}
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(work,), name=work.__name__) for work in WORK]
        for thread in self._threads:
            thread.start()

    def _run(self, work: Callable[[], object]) -> None:
        while not self._stop.is_set():
            try:
                if not work():
                    self.broken.append(work.__name__)
            except BaseException as error:
                self.broken.append(f"{work.__name__}: {type(error).__name__}: {error}")
            self.built[work.__name__] = self.built.get(work.__name__, 0) + 1

    def stop(self) -> None:
        """Let all of them end."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
