"""Searching all objects of the process: finds what it looks for, and keeps nothing else even for a moment."""

from __future__ import annotations

import functools
import gc
import os
import subprocess
import sys
import threading
import types
from pathlib import Path
from typing import Any, List

import pytest
from support import Worker, pause, suspended

import asynctb
from asynctb._heap import instances, referrers, with_subclasses, young_instance

SECONDS = float(os.environ.get("ASYNCTB_TEST_STRESS_SECONDS", "3"))
PYPY = sys.implementation.name == "pypy"

#: Looks at itself in every way while its threads build things. In a process of its own, as it imports packages again.
LOOKS = """
import asyncio, faulthandler, io, os, signal, sys, time
sys.path.insert(0, sys.argv[1])
try:
    import greenlet
except ImportError:
    greenlet = None
import asynctb
import asynctb._heap
from builders import Builders, WORK

async def forever():
    await asyncio.get_running_loop().create_future()

async def fails():
    raise LookupError

async def main():
    tasks = [asyncio.ensure_future(forever()) for _ in range(3)]
    failed = asyncio.ensure_future(fails())
    await asyncio.sleep(0)
    suspended = (number for number in range(3))
    next(suspended)
    if greenlet is not None:
        other = greenlet.greenlet(lambda: greenlet.getcurrent().parent.switch())
        other.switch()
    with open(os.devnull, "w") as nowhere:
        dumps = asynctb.dump_on_signal(signal.SIGUSR1, file=nowhere)
        looks = (
            asynctb.snapshot,
            lambda: asynctb.snapshot(loose_objects=True),
            lambda: asynctb.snapshot(tracebacks=False),
            lambda: os.kill(os.getpid(), signal.SIGUSR1),
            lambda: asynctb.Traceback.of(failed),
            lambda: asynctb._heap.young_instance((type(main),), 8, 10_000_000),
        )
        builders = Builders()
        end = time.monotonic() + float(sys.argv[2])
        count = 0
        while time.monotonic() < end or any(builders.built.get(work.__name__, 0) < 2 for work in WORK):
            looks[count % len(looks)]()
            count += 1
        builders.stop()
        dumps.cancel()
    for task in tasks:
        task.cancel()
    if greenlet is not None:
        other.switch()
    print(count > 0, builders.broken)
    try:
        await failed
    except LookupError:
        pass

asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(os, "kill") or sys.platform == "win32", reason="this system has no signals")
def test_what_other_threads_are_building_stays_whole() -> None:
    folder = next(parent for parent in Path(__file__).parents if (parent / "builders.py").exists())
    command = [sys.executable, "-W", "ignore", "-c", LOOKS, str(folder), str(SECONDS)]
    result = subprocess.run(command, capture_output=True, timeout=SECONDS + 240)
    assert (result.stdout.decode(), result.stderr.decode()) == ("True []\n", "")


class Sought:
    pass


class Slotted:
    __slots__ = ("__weakref__", "field")


def test_instances() -> None:
    sought = [Sought() for _ in range(5)]
    with suspended(_waits()) as coroutine:
        assert {id(obj) for obj in instances((Sought,))} >= set(map(id, sought))
        found = instances((types.CoroutineType,))
        assert any(obj is coroutine for obj in found)
        assert all(type(obj) is types.CoroutineType for obj in found)
        assert [id(obj) for obj in instances((types.CoroutineType, Sought), id(coroutine))] == [id(coroutine)]
        assert instances((Sought,), id(coroutine)) == []
        many = [type(f"Class{number}", (), {}) for number in range(50)]
        last = many[-1]()
        assert [id(obj) for obj in instances(many)] == [id(last)]


async def _waits() -> None:
    await pause()  # type: ignore[misc]


def test_subclasses() -> None:
    class Derived(Sought):
        pass

    derived = Derived()
    assert [id(obj) for obj in instances(with_subclasses(Derived))] == [id(derived)]
    assert any(obj is derived for obj in instances(with_subclasses(Sought)))


def test_referrers() -> None:
    shared = Sought()
    holder = Slotted()
    holder.field = shared  # type: ignore[attr-defined]
    around = [shared], (shared,)
    assert [id(obj) for obj in referrers((shared,), (Slotted,))] == [id(holder)]
    assert {id(obj) for obj in referrers((shared,), (list, tuple))} >= set(map(id, around))


@pytest.mark.skipif(PYPY, reason="it has no generations")
def test_young_instance() -> None:
    bound = threading.Event().set
    assert young_instance((types.MethodType,), id(bound), 10_000_000) is bound
    assert young_instance((types.FunctionType,), id(bound), 10_000_000) is None
    assert young_instance((types.MethodType,), id(bound), 0) is None


@pytest.mark.skipif(PYPY, reason="it counts no references")
@pytest.mark.parametrize("enabled", [True, False])
def test_nothing_is_kept(enabled: bool) -> None:
    """Neither in a list that lives on, nor until the next collection; and the collector is as it was."""
    bystander: List[object] = [object()]
    before = sys.getrefcount(bystander)
    (gc.enable if enabled else gc.disable)()
    try:
        for search in (
            functools.partial(instances, (types.CoroutineType,)),
            functools.partial(referrers, (bystander[0],), (dict,)),
            functools.partial(young_instance, (types.MethodType,), 8, 10_000_000),
        ):
            search()
            assert sys.getrefcount(bystander) == before
            assert gc.isenabled() is enabled
    finally:
        gc.enable()


def test_a_metaclass_is_not_asked() -> None:
    class Hostile(type):
        def __hash__(cls) -> int:
            raise AssertionError

        def __eq__(cls, other: object) -> bool:
            raise AssertionError

        def __getattribute__(cls, name: str) -> Any:
            raise AssertionError(name)

    class Odd(metaclass=Hostile):
        pass

    odd = object.__new__(Odd)
    assert [id(obj) for obj in instances((Odd,))] == [id(odd)]


#: In a process of its own: the registry of CPython 3.14 is asked only where there are no tasks of other classes.
FREEZES = """
import asyncio, gc, threading
import asynctb

async def waits():
    await asyncio.get_running_loop().create_future()

def tasks_now():
    found = asynctb.snapshot(loose_objects=True)
    return sorted(a.name for a in found.activities if a.kind == "task"), "gc.freeze()" in " ".join(found.notes)

async def main():
    tasks = [asyncio.ensure_future(waits()) for _ in range(3)]
    await asyncio.sleep(0)
    before, noted = tasks_now()
    assert len(before) == 4 and not noted, (before, noted)
    gc.freeze()
    assert tasks_now() == (before, True), tasks_now()
    elsewhere = []
    thread = threading.Thread(target=lambda: elsewhere.append(tasks_now()))
    thread.start()
    thread.join()
    assert elsewhere == [(before, True)], elsewhere
    for task in tasks:
        task.cancel()

asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(gc, "freeze"), reason="nothing can be kept from this collector")
def test_tasks_that_were_made_before_everything_was_frozen() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", FREEZES], check=True, timeout=120)


def test_a_large_heap_is_searched_for_greenlets_by_what_refers_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    greenlet = pytest.importorskip("greenlet")
    if PYPY:
        pytest.skip("greenlets are instances of a class written in Python there, and nothing counts them")
    listings: List[str] = []
    for name in ("get_objects", "get_referrers"):
        monkeypatch.setattr(gc, name, _noted(getattr(gc, name), name, listings))

    def switches() -> None:
        greenlet.getcurrent().parent.switch()

    def of_greenlets() -> List[object]:
        return [a.target for a in asynctb.snapshot().activities if a.kind == "greenlet"]

    outer = greenlet.greenlet(switches)
    outer.switch()
    unstarted = greenlet.greenlet(switches, outer)
    found = of_greenlets()
    assert any(obj is outer for obj in found)
    assert any(obj is unstarted for obj in found)
    assert "get_objects" not in listings or sys.version_info < (3, 9)
    # Those of another thread are not to be known before everything has been looked at once.
    inner: List[object] = []

    def works(pause: Any) -> None:
        inner.append(greenlet.greenlet(switches))
        inner[0].switch()  # type: ignore[attr-defined]
        pause()

    with Worker(works):
        for _ in range(2):
            found = of_greenlets()
            assert any(obj is inner[0] for obj in found)
            assert any(obj is outer for obj in found)
    outer.switch()


def _noted(function: Any, name: str, calls: List[str]) -> Any:
    def noted(*args: Any, **kwargs: Any) -> Any:
        if name == "get_objects" or not all(isinstance(arg, type) for arg in args):
            calls.append(name)
        return function(*args, **kwargs)

    return noted
