"""What the bytecode alone tells: targets, positions, and stacks of one shape."""

from __future__ import annotations

import contextlib
import gc
import glob
import linecache
import os
import sys
import types
import weakref
from typing import Any, Dict, Iterator, List

import pytest

from asynctb._code import with_blocks
from asynctb._code.bytecode import has_with_blocks
from asynctb._code.simulation import Simulation
from asynctb._code.with_blocks import analysis_of, plans_at, position_at

TARGETS = """x; G; n; env.a; env.a.b; env[0]; env[i]; env['k']; env[i][1]; env['a', 1]; env[i, 1]; env[1:2]
env[i:]; env[:]
env[i:5:2]; env[i + 1]; env[-i]; env[(i + 1) * 2]; (x, y); (x,); (x, *y); (*x, y, z); (x, (y, *z)); (env.a, env[0])
env[None]; env[...]; env[b'x'].z; G[0]; n.z; env[i,]; env[(1, 2), i]; env[(i, 1), i]
env().x; env(1)[i].y; env.f().x; env.f(1, i).x; env.f(i).g(2)[0]; G().x; G(G(1), n(i)).x; n.f(env(), i.g()).x
env()()[0]; env(k=1).x; env.f(i, k=1, m=n).x; env(i, k=G(m=1))[i]; env((1, 2), (i,), k=(i, 2)).x; G(i + 1).x
(env + i).f().x; (G(1).x, n.f()[i]); (env.f(1).x, *G().y); env[G(i):]; env[i()]; env(1, 2, 3, k=i, a=2).x
env.append(x=None).x"""


def blocks_of(code: types.CodeType) -> Any:
    analysis = analysis_of(code)
    plans_at(analysis, code, 0)
    assert analysis.error is None
    return [block.block for block in analysis.with_blocks]


def function_in(text: str) -> types.CodeType:
    namespace: Dict[str, Any] = {}
    exec(compile(text, "<text>", "exec"), namespace)
    code: types.CodeType = namespace["f"].__code__
    return code


@pytest.mark.parametrize("target", [target.strip() for line in TARGETS.split("\n") for target in line.split(";")])
def test_targets(target: str) -> None:
    for statement in (f"with m as {target}", f"async with m as {target}", f"with m, m as {target}"):
        start = "async def f(m, env, i):\n    global G\n    n = 1\n    def inner(): return n\n"
        text = f"{start}    {statement}:\n        pass"
        assert blocks_of(function_in(text))[-1].varname == target


@pytest.mark.parametrize(
    "target", ["env[i is None]", "env(*i).x", "env.f(**i).y", "env[lambda: 1]", "env(i or 1).x", "env(f'{i}').x"]
)
def test_targets_that_are_not_told(target: str) -> None:
    assert blocks_of(function_in(f"def f(m, env, i):\n    with m as {target}:\n        pass"))[0].varname is None


def test_no_target() -> None:
    blocks = blocks_of(function_in("def f(m):\n    with m:\n        x = 1\n    with m, m as y: pass"))
    assert [block.varname for block in blocks] == [None, None, "y"]


def test_positions() -> None:
    code = function_in("def f(m):\n    x = 1\n    with m() as y:\n        return (y +\n            x)\n")
    lines = [position_at(code, offset).line for offset in range(0, len(code.co_code), 2)]
    assert {2, 3, 4} <= set(lines)
    assert position_at(code, -1).line == 1
    assert position_at(code, 10**6).line is None
    assert position_at(code, 4) is position_at(code, 4)
    (block,) = blocks_of(code)
    assert block.position.line == 3
    assert (block.position.column is not None) == (sys.version_info >= (3, 11))


MANAGERS = (
    "m",
    "m.a",
    "m[1]",
    "m(1)",
    "m if f else g",
    "m or g",
    "m and g and h",
    "await m",
    "[x for x in m]",
    "m < g",
)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="columns are recorded since 3.11")
@pytest.mark.parametrize("manager", MANAGERS)
@pytest.mark.parametrize("statement", ["with {} as y", "async with {}", "async with g as z, {} as y", "with {}, h"])
def test_the_position_of_a_block_is_that_of_the_item(manager: str, statement: str) -> None:
    before, after = statement.split("{}")
    code = function_in(f"async def f(m, f, g, h):\n  {before}{manager}{after}:\n    a = 1\n    b = 2\n")
    starts = {block.position.column: block.position for block in blocks_of(code)}
    position = starts[2 + len(before)]
    assert (position.line, position.end_line, position.end_column) == (2, 2, 2 + len(before + manager))


@types.coroutine
def _suspend() -> Iterator[None]:
    yield


class Waiting:
    """Waits in its enter and exit method."""

    async def __aenter__(self) -> None:
        await _suspend()

    async def __aexit__(self, *args: object) -> None:
        await _suspend()


async def wait_in_blocks(first: Waiting, second: Waiting) -> None:
    async with first, second:
        await _suspend()
        await _suspend()


async def leave_by_exception(first: Waiting) -> None:
    async with first:
        await _suspend()
        raise ValueError


def _texts_at_each_stop(coroutine: Any) -> List[str]:
    texts = []
    with contextlib.suppress(StopIteration, ValueError):
        while True:
            coroutine.send(None)
            position = position_at(coroutine.cr_code, coroutine.cr_frame.f_lasti)
            assert position.line is not None
            assert position.line == position.end_line
            texts.append(linecache.getline(__file__, position.line)[position.column : position.end_column])
    return texts


@pytest.mark.skipif(sys.version_info < (3, 11), reason="columns are recorded since 3.11")
def test_a_frame_that_waits_to_enter_or_leave_a_block_is_at_the_item() -> None:
    inside = "await _suspend()"
    texts = _texts_at_each_stop(wait_in_blocks(Waiting(), Waiting()))
    assert texts == ["first", "second", inside, inside, "second", "first"]
    assert _texts_at_each_stop(leave_by_exception(Waiting())) == ["first", inside, "first"]


def test_nothing_is_kept_alive() -> None:
    code = function_in("def f(m):\n    with m: pass").replace(co_name="g")
    blocks_of(code)
    position_at(code, 0)
    key, reference = id(code), weakref.ref(code)
    del code
    for _ in range(3):
        gc.collect()
    assert reference() is None
    assert key not in with_blocks.analyses


def codes_in(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes_in(constant)


@pytest.mark.filterwarnings("ignore")
def test_every_path_through_the_standard_library_agrees() -> None:
    """The simulation raises if two paths meet with different stacks or more is popped than pushed."""
    library = os.path.dirname(os.__file__)
    count = 0
    for path in sorted(glob.glob(library + "/*.py") + glob.glob(library + "/asyncio/*.py")):
        if not os.path.isfile(path):  # a link that leads nowhere, as some distributions have
            continue
        with open(path, "rb") as file:
            module = compile(file.read(), path, "exec")
        for code in codes_in(module):
            if has_with_blocks(code):
                simulation = Simulation(code)
                count += 1
                depths = [len(state.stack) for states in simulation.states.values() for state in states]
                assert max(depths) <= code.co_stacksize
    assert count > 200


def test_an_analysis_that_was_interrupted_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: object) -> None:
        raise TimeoutError

    code = function_in("def f():\n  with g() as x:\n    yield")
    analysis = analysis_of(code)
    with monkeypatch.context() as patch:
        patch.setattr(with_blocks, "_with_blocks", interrupted)
        with pytest.raises(TimeoutError):
            plans_at(analysis, code, 0)
    (block,) = blocks_of(code)
    assert block.varname == "x"


def test_a_target_with_an_integer_that_is_too_long_to_be_written_down() -> None:
    (block,) = blocks_of(function_in(f"def f():\n  with g() as x[0x{'f' * 5000}]:\n    pass"))
    assert block.varname is None or "ffff" not in block.varname


def test_an_analysis_can_outlive_its_code() -> None:
    """Where a callback could not be made, another code object can have the identity of the one that it was about."""
    code, other = (function_in(f"def f():\n  with {name}() as {name}:\n    yield") for name in ("x", "y"))
    blocks_of(code)
    try:
        with_blocks.analyses[id(other)] = with_blocks.analyses[id(code)]
        (block,) = blocks_of(other)
    finally:
        with_blocks.analyses.pop(id(other), None)
    assert block.varname == "y"
