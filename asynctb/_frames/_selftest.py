"""A small program with known with-blocks, to try a reader on before it is trusted."""

from __future__ import annotations

import sys
import types
from types import FrameType, coroutine
from typing import Generator, List, Optional, Sequence, Tuple, cast

from ._types import RawRead, Reader

Expected = Sequence[Tuple[object, str]]


class _Probe:
    """A context manager that has the frame that uses it read while it is entered and exited."""

    def __init__(self, trial: Optional[_Trial] = None) -> None:
        self.trial = trial

    def __enter__(self) -> _Probe:
        return self

    def __exit__(self, *exc_info: object) -> bool:
        if self.trial is not None:
            self.trial.read_running(sys._getframe(1), sys._getframe(), [*self.trial.active, (self, "exiting")])
        return True

    async def __aenter__(self) -> _Probe:
        await _suspend()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await _suspend()


@coroutine
def _suspend() -> Generator[None, None, None]:
    yield


class _Trial:
    def __init__(self, reader: Reader, finds_managers: bool) -> None:
        self.reader = reader
        self.finds_managers = finds_managers
        self.active: List[Tuple[object, str]] = []
        self.problems: List[str] = []

    def compare(self, what: str, read: RawRead, expected: Expected) -> None:
        _, contexts, unknown = read
        found = [(context.manager, context.phase) for context in contexts]
        same = len(found) == len(expected) and all(
            (manager is other or not self.finds_managers) and phase == other_phase
            for (manager, phase), (other, other_phase) in zip(found, expected)
        )
        if not same or unknown is not None:
            self.problems.append(what)

    def read_running(self, frame: FrameType, callee: Optional[FrameType], expected: Expected) -> None:
        phase = expected[-1][1] if expected else "no"
        self.compare(f"a running frame in {phase} blocks", self.reader(frame, None, callee), expected)

    def suspended_generator(self) -> None:
        first, second = _Probe(), _Probe()

        def program(marker: object) -> Generator[None, None, None]:
            for _ in (marker,):
                with first as unused, second:  # noqa: F841  # the target is part of the test
                    yield

        generator = cast("types.GeneratorType[None, None, None]", program(self))
        next(generator)
        expected = [(first, "active"), (second, "active")]
        self.compare(
            "a suspended generator", self.reader(cast(FrameType, generator.gi_frame), generator, None), expected
        )
        generator.close()

    def suspended_coroutine(self) -> None:
        first, second = _Probe(), _Probe()

        async def program() -> None:
            with first:
                async with second:
                    pass

        target = cast("types.CoroutineType[None, None, None]", program())
        for phase in ("entering", "exiting"):
            target.send(None)
            awaited = cast("types.CoroutineType[None, None, None]", target.cr_await)
            read = self.reader(cast(FrameType, target.cr_frame), target, awaited.cr_frame)
            self.compare(f"a suspended coroutine in {phase} blocks", read, [(first, "active"), (second, phase)])
        target.close()

    def running_function(self) -> None:
        first, second = _Probe(), _Probe(self)
        frame = sys._getframe()
        with first:
            self.active = [(first, "active")]
            self.read_running(frame, None, self.active)
            with second:
                self.read_running(frame, None, [(first, "active"), (second, "active")])
            with second:
                raise LookupError
        self.read_running(frame, None, [])


def problem_of(reader: Reader, *, reads_running: bool, finds_managers: bool = True) -> Optional[str]:
    """Return what *reader* gets wrong, or None if it works.

    :param reads_running: whether it has to know the managers of frames that are being executed.
    :param finds_managers: whether it has to know any managers.
    """
    trial = _Trial(reader, finds_managers)
    try:
        trial.suspended_generator()
        trial.suspended_coroutine()
        if reads_running:
            trial.running_function()
    except Exception as error:
        trial.problems.append(f"{type(error).__name__}: {error}")
    return f"misread {', '.join(trial.problems)}" if trial.problems else None
