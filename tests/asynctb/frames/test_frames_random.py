"""What readers find in random programs, compared at every point with what the programs know."""

from __future__ import annotations

import os
import random
import threading
from typing import Any, Dict, List

import pytest
from program_generator import KINDS, PYPY, Env, Observation, Writer, compile_program, drive, is_covered_too_long

from asynctb._code.with_blocks import analysis_of, plans_at
from asynctb._frames import FrameRead, read_frame

POINTS = int(os.environ.get("ASYNCTB_TEST_POINTS", "3000"))
SEED = int(os.environ.get("ASYNCTB_TEST_SEED", "0"))


class Comparison:
    """Counts the points at which what was read is true, and collects the others."""

    def __init__(self) -> None:
        self.points = 0
        self.unknown: Dict[str, int] = {}
        self.errors: List[str] = []

    def __call__(self, env: Env, seen: Observation) -> None:
        self.points += 1
        callee = seen.callee
        if callee is None:
            awaited = getattr(seen.owner, "cr_await", None) or getattr(seen.owner, "ag_await", None)
            callee = getattr(awaited, "cr_frame", None)
        self.compare(env, seen, read_frame(seen.frame, owner=seen.owner, callee=callee))
        if env.rng.random() < 0.3:
            self.compare(env, seen, read_frame(seen.frame), alone=True)
        if env.rng.random() < 0.1:
            results: List[FrameRead] = []
            thread = threading.Thread(
                target=lambda: results.append(read_frame(seen.frame, owner=seen.owner, callee=callee))
            )
            thread.start()
            thread.join()
            self.compare(env, seen, results[0])

    def compare(self, env: Env, seen: Observation, read: FrameRead, alone: bool = False) -> None:
        expected = env.truth
        problem = None
        if read.unknown is not None:
            problem = f"unknown: {read.unknown}"
        elif [context.phase for context in read.contexts] != [entry.phase for entry in expected]:
            problem = "other contexts"
        else:
            for context, entry in zip(read.contexts, expected):
                number: int = entry.manager.number  # type: ignore[attr-defined]
                if context.manager is None:
                    where = "suspended" if seen.is_suspended else "running"
                    kind = f"{type(entry.manager).__name__} {where} {entry.phase}{' alone' if alone else ''}"
                    self.unknown[kind] = self.unknown.get(kind, 0) + 1
                elif context.manager is not entry.manager:
                    problem = f"manager {number} is another"
                if context.is_async != env.source.is_async[number]:
                    problem = f"manager {number} is async or not"
                if context.start_line != env.source.lines[number]:
                    problem = f"manager {number} at line {context.start_line}"
                if context.varname not in (env.source.targets[number], None):
                    problem = f"manager {number} as {context.varname}"
        if problem is not None:
            self.errors.append(
                f"{problem}\nsuspended={seen.is_suspended} owner={seen.owner is not None} lasti={read.lasti} "
                f"line={seen.frame.f_lineno}\n"
                f"expected {[(entry.manager.number, entry.phase) for entry in expected]}\n"  # type: ignore[attr-defined]
                f"found    {[(getattr(context.manager, 'number', None), context.phase) for context in read.contexts]}\n"
                + env.source.text
            )


def is_raised_by(error: BaseException, program: Any) -> bool:
    """Return whether *error* was raised by an instruction of *program* itself, and not by what it calls."""
    entry = error.__traceback__
    while entry is not None and entry.tb_next is not None:
        entry = entry.tb_next
    return entry is not None and entry.tb_frame.f_code is program.__code__


# A program whose finally bodies suspend for ever cannot be closed, and the interpreter says so when it is released.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_random_programs(kind: str) -> None:
    compared = Comparison()
    seed = SEED
    not_run = 0
    while compared.points < POINTS // len(KINDS) and len(compared.errors) < 3:
        seed += 1
        rng = random.Random(f"{kind} {seed}")
        source = Writer(rng, kind).source()
        program = compile_program(source)
        if PYPY and is_covered_too_long(program, source):
            not_run += 1
            analysis = analysis_of(program.__code__)
            assert plans_at(analysis, program.__code__, 0), f"{analysis.error}\n{source.text}"
            continue
        try:
            for _ in range(4):
                drive(program, Env(rng, source, compared))
        except TypeError as error:
            if not PYPY or not is_raised_by(error, program):
                raise
            not_run += 1  # the interpreter has lost its own stack in a way that its table does not tell
    assert not compared.errors, compared.errors[0]
    assert not_run <= 5 + (seed - SEED) * 0.03  # 0.9 % on PyPy 3.11 (8.0.1)
    # What is not given is not known, but nothing else. (PyPy does not always show what is awaited.)
    unknown = [kind for kind in compared.unknown if not kind.endswith("alone")]
    assert not unknown or all(PYPY and "exiting" in kind for kind in unknown), compared.unknown
