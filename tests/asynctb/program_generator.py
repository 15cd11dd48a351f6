"""Random programs that know which with-blocks they are in.

A program is one function made of nested with-blocks, loops, handlers and every way to leave them. Its managers record
when they are entered and left, so that at each point of the program, which another part of the test chooses to look
at, what a reader finds can be compared with what is true.
"""

from __future__ import annotations

import ast
import dis
import functools
import random
import sys
import types
import warnings
from typing import Any, AsyncIterator, Callable, Dict, Generator, Iterator, List, NamedTuple, Optional, Tuple

KINDS = ("function", "generator", "coroutine", "async generator")


PYPY = sys.implementation.name == "pypy"
TARGETS = [None, None, "x", "captured", "shared", "env.slot", "env.box.slot", "env.items[0]", "env.items['a', 1]"]
TARGETS += ["(p, q)", "(p, (q, x))", "env.items[x is None]", "env.items[1:2]"]
if not PYPY:  # whose compiler forgets the star in the second copy of a finally body
    TARGETS.append("(p, *q)")


class ProgramError(Exception):
    """What programs raise on purpose."""


class Entry(NamedTuple):
    """A manager that the program is entering, in or exiting."""

    manager: object
    phase: str


class Source(NamedTuple):
    """The text of a program."""

    text: str
    kind: str
    #: By number of the manager: the line of its with statement, its target, and whether it is async.
    lines: Dict[int, int]
    targets: Dict[int, Optional[str]]
    is_async: Dict[int, bool]
    exits_can_raise: bool


class Writer:
    """Writes one random program."""

    def __init__(self, rng: random.Random, kind: str) -> None:
        self.rng = rng
        self.kind = kind
        self.is_async = kind in ("coroutine", "async generator")
        self.is_generator = kind in ("generator", "async generator")
        # PyPy calls an exit twice, with a broken stack, if anything raises on the way of a return, break or continue
        # out of its block. So a program there has either the one or the other.
        self.can_leave = not PYPY or rng.random() < 0.5
        self.exits_can_raise = not (PYPY and self.can_leave)
        #: Whether a ``continue`` would leave a ``finally`` body, which is allowed since CPython 3.8.
        self.in_finally = False
        self.lines: List[str] = []
        self.managers = 0
        self.line_of: Dict[int, int] = {}
        self.target_of: Dict[int, Optional[str]] = {}
        self.async_of: Dict[int, bool] = {}

    def source(self) -> Source:
        prefix = "async def" if self.is_async else "def"
        self.put(0, f"{prefix} program(env):")
        self.put(1, "global shared")
        self.put(1, "captured = 1")
        if self.rng.random() < 0.3:
            self.put(1, "def inner(): return captured, env")
        self.put(1, "x = p = q = None")
        if self.is_generator:
            self.put(1, "if env.never(): yield")
        if self.rng.random() < 0.15:  # operands above 255 need EXTENDED_ARG
            self.put(1, "if env.never():")
            for number in range(300):
                self.put(2, f"name{number} = {number}.5")
        for _ in range(self.rng.randint(1, 3)):
            self.block(1, 0, False, False)
        text = "\n".join(self.lines) + "\n"
        return Source(text, self.kind, self.line_of, self.target_of, self.async_of, self.exits_can_raise)

    def put(self, indent: int, text: str) -> None:
        self.lines.append("    " * indent + text)

    def block(self, indent: int, depth: int, in_loop: bool, in_group: bool) -> None:
        """Write some statements. Inside ``except*`` (*in_group*) nothing may leave the block."""
        for _ in range(self.rng.randint(1, 3 if depth < 2 else 2)):
            self.statement(indent, depth, in_loop, in_group)

    def statement(self, indent: int, depth: int, in_loop: bool, in_group: bool) -> None:
        choices: List[Callable[[int, int, bool, bool], None]] = [self.point, self.point, self.leave]
        if depth < 4:
            choices += [self.with_block] * 5 + [self.loop, self.try_block, self.try_block, self.condition]
            if sys.version_info >= (3, 10):
                choices.append(self.match)
        self.rng.choice(choices)(indent, depth, in_loop, in_group)

    def value(self) -> str:
        """Return an expression that is or contains a point."""
        simple = ["env.point()"]
        if self.is_async:
            simple += ["(await env.pause())"] * 2
        if self.is_generator:
            simple += ["(yield)", "(yield 1)"]
        if self.kind == "generator":
            simple.append("(yield from env.delegate())")
        value = self.rng.choice(simple)
        wrappers = ["%s"] * 4 + ["env.call(1, %s)", "env.call(2, key=%s)", "[1, %s, *env.loop(2)]", "env.call(*[%s])"]
        wrappers += ["(env.chance() or %s)", "(1 if env.chance() else %s)", "env.box[%s]"]
        if "await" not in value or sys.version_info >= (3, 7):
            wrappers.append("f'{%s}'")
        if "yield" not in value and ("await" not in value or sys.version_info >= (3, 7)):
            wrappers += ["[%s for i in env.loop(2)]", "{i: %s for i in env.loop(2) if i}"]
            if "await" not in value:
                wrappers += ["(lambda: %s)()", "next(%s for i in env.loop(2))"]
        return self.rng.choice(wrappers).replace("%s", value)

    def point(self, indent: int, depth: int, in_loop: bool, in_group: bool) -> None:
        self.put(indent, self.rng.choice(["", "x = ", "p, q = 1, "]) + self.value())

    def leave(self, indent: int, depth: int, in_loop: bool, in_group: bool) -> None:
        ways = ["raise env.error()"]
        if in_loop and self.can_leave:
            ways += ["break", "break" if self.in_finally else "continue"] * 2
        if not in_group and self.can_leave:
            ways.append("return")
            if self.kind != "async generator":
                ways += ["return 5", f"return {self.value()}"]
        self.put(indent, f"if env.chance(): {self.rng.choice(ways)}")

    def condition(self, indent: int, depth: int, in_loop: bool, in_group: bool) -> None:
        self.put(indent, f"if env.call({self.value()}, 1) and env.chance():")
        self.block(indent + 1, depth + 1, in_loop, in_group)
        self.put(indent, "else:")
        self.block(indent + 1, depth + 1, in_loop, in_group)

    def match(self, indent: int, depth: int, in_loop: bool, in_group: bool) -> None:
        self.put(indent, "match env.subject():")
        self.put(indent + 1, f"case [p, {'' if PYPY else '*'}q] if env.point() or True:")
        self.block(indent + 2, depth + 1, in_loop, in_group)
        self.put(indent + 1, "case _:")
        self.block(indent + 2, depth + 1, in_loop, in_group)

    def loop(self, indent: int, depth: int, in_loop: bool, in_group: bool) -> None:
        heads = ["for x in env.loop(2):", "for p, q in env.pairs():", "while env.turns():", "for x in range(2):"]
        heads += ["for x in [1, 2]:"]
        if self.is_async:
            heads += ["async for x in env.stream():"] * 2
        self.put(indent, self.rng.choice(heads))
        before, self.in_finally = self.in_finally, False
        self.block(indent + 1, depth + 1, True, in_group)
        self.in_finally = before
        if self.rng.random() < 0.3:
            self.put(indent, "else:")
            self.block(indent + 1, depth + 1, in_loop, in_group)

    def try_block(self, indent: int, depth: int, in_loop: bool, in_group: bool) -> None:
        has_handler = self.rng.random() < 0.6
        is_group = has_handler and sys.version_info >= (3, 11) and self.rng.random() < 0.2
        self.put(indent, "try:")
        # PyPy's compiler fails if anything leaves the block before an except*.
        self.block(indent + 1, depth + 1, in_loop and not is_group, in_group or is_group)
        if is_group:
            self.put(indent, "except* env.Error as error:")
            self.block(indent + 1, depth + 1, False, True)
        elif has_handler:
            self.put(indent, self.rng.choice(["except env.Error as error:", "except (KeyError, env.Error):"]))
            self.block(indent + 1, depth + 1, in_loop, in_group)
            if self.rng.random() < 0.3:
                self.put(indent, "else:")
                self.block(indent + 1, depth + 1, in_loop, in_group)
        if not has_handler and not self.exits_can_raise:
            self.put(indent, "except env.Error: pass")
        elif not has_handler or (self.exits_can_raise and self.rng.random() < 0.4):
            self.put(indent, "finally:")
            before, self.in_finally = self.in_finally, sys.version_info < (3, 8)
            self.block(indent + 1, depth + 1, in_loop, in_group)
            self.in_finally = before

    def with_block(self, indent: int, depth: int, in_loop: bool, in_group: bool) -> None:
        is_async = self.is_async and self.rng.random() < 0.6
        items = []
        prepared = []
        for _ in range(self.rng.choice([1, 1, 1, 2, 3])):
            self.managers += 1
            number = self.managers
            target = self.rng.choice(TARGETS)
            shape = {"(p, q)": 2, "(p, *q)": 3, "(p, (q, x))": 4}.get(target or "", 0)
            expression = f"env.manager({number}, {is_async}, {shape})"
            how = self.rng.random()
            if how < 0.2:
                prepared.append(f"local{number} = {expression}")
                expression = f"local{number}"
            elif how < 0.3:
                expression = f"env.same({expression})"
            elif how < 0.35 and self.is_async:
                expression = f"await env.later({expression})"
            elif how < 0.4 and self.is_generator and not any("pending" in line for line in prepared):
                prepared.append(f"env.pending = {expression}")
                expression = "(yield env.YIELD_PENDING)"
                if self.kind == "async generator":
                    expression = "env.pending"
            self.target_of[number] = target
            self.async_of[number] = is_async
            items.append(expression if target is None else f"{expression} as {target}")
        for line in prepared:
            self.put(indent, line)
        for number in range(self.managers - len(items) + 1, self.managers + 1):
            self.line_of[number] = len(self.lines) + 1
        self.put(indent, ("async with " if is_async else "with ") + ", ".join(items) + ":")
        self.block(indent + 1, depth + 1, in_loop, in_group)


class Box:
    """Takes every item and attribute."""

    def __getitem__(self, key: object) -> object:
        return self

    def __setitem__(self, key: object, value: object) -> None:
        pass


class Manager:
    """A context manager, sync and async, that records in which phase it is.

    Each of its four methods can look at the program that it was called from, raise and, in the exits, suppress.
    """

    def __init__(self, env: Env, number: int, shape: int) -> None:
        self.env = env
        self.number = number
        self.shape = shape

    def result(self) -> object:
        return {0: self, 2: (1, self), 3: (self, 1, 2), 4: (self, (1, 2))}[self.shape]

    def __enter__(self) -> object:
        with self.env.phase(self, "entering", "active"):
            self.env.point(sys._getframe())
            self.env.maybe_raise()
        return self.result()

    def __exit__(self, *args: object) -> bool:
        with self.env.phase(self, "exiting", None):
            self.env.point(sys._getframe())
            self.env.maybe_raise_in_exit()
        return self.env.chance(0.3)

    async def __aenter__(self) -> object:
        with self.env.phase(self, "entering", "active"):
            self.env.point(sys._getframe())
            await self.env.pause()
            self.env.maybe_raise()
        return self.result()

    async def __aexit__(self, *args: object) -> bool:
        with self.env.phase(self, "exiting", None):
            if self.env.chance():
                await self.env.pause()
            self.env.point(sys._getframe())
            self.env.maybe_raise_in_exit()
        return self.env.chance(0.3)


class SlottedManager(Manager):
    """Without a dictionary, and with methods that it inherits."""

    __slots__ = ("extra",)


class FalseManager(Manager):
    """Objects that one must not ask for anything."""

    def __bool__(self) -> bool:
        raise ProgramError("asked for a truth value")

    def __eq__(self, other: object) -> bool:
        raise ProgramError("compared")

    def __hash__(self) -> int:
        raise ProgramError("hashed")

    def __getattr__(self, name: str) -> object:
        raise ProgramError("asked for an attribute")


def passing_on(method: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a method in the usual way, so that a frame lies between."""

    @functools.wraps(method)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return method(*args, **kwargs)

    return wrapper


class DecoratedManager(Manager):
    __enter__ = passing_on(Manager.__enter__)
    __exit__ = passing_on(Manager.__exit__)


class Meta(type):
    """Classes that are managers themselves."""

    def __enter__(cls) -> object:
        return Manager.__enter__(cls)  # type: ignore[arg-type]

    def __exit__(cls, *args: object) -> bool:
        return Manager.__exit__(cls, *args)  # type: ignore[arg-type]

    async def __aenter__(cls) -> object:
        return await Manager.__aenter__(cls)  # type: ignore[arg-type]

    async def __aexit__(cls, *args: object) -> bool:
        return await Manager.__aexit__(cls, *args)  # type: ignore[arg-type]


MANAGERS = (Manager, Manager, SlottedManager, FalseManager, DecoratedManager)


class Env:
    """What a program calls, and what is true about it."""

    Error = ProgramError
    YIELD_PENDING = object()

    def __init__(self, rng: random.Random, source: Source, check: Callable[[Env, Observation], None]) -> None:
        self.rng = rng
        self.source = source
        self.check = check
        self.truth: List[Entry] = []
        self.box = Box()
        self.items = Box()
        self.code: Optional[types.CodeType] = None
        self.owner: Optional[object] = None
        self.pending: object = None
        self.budget = 400

    # What programs call.

    def manager(self, number: int, is_async: bool, shape: int) -> object:
        if self.rng.random() < 0.1:
            namespace = {"env": self, "number": number, "shape": shape, "result": classmethod(Manager.result)}  # type: ignore[arg-type]
            return Meta("MetaManager", (), namespace)
        return self.rng.choice(MANAGERS)(self, number, shape)

    def same(self, value: object) -> object:
        return value

    async def later(self, value: object) -> object:
        await self.pause()
        return value

    def call(self, *args: object, **kwargs: object) -> bool:
        return True

    def never(self) -> bool:
        return False

    def chance(self, probability: float = 0.25) -> bool:
        return self.rng.random() < probability

    def error(self) -> ProgramError:
        return ProgramError()

    def maybe_raise(self) -> None:
        if self.chance(0.05):
            raise ProgramError

    def maybe_raise_in_exit(self) -> None:
        if self.source.exits_can_raise:
            self.maybe_raise()

    def loop(self, count: int) -> Iterator[int]:
        return iter(range(count))

    def pairs(self) -> List[Tuple[int, int]]:
        return [(1, 2), (3, 4)]

    def turns(self) -> bool:
        return self.chance(0.5)

    def subject(self) -> object:
        return [1, 2] if self.chance(0.5) else 3

    def delegate(self) -> Iterator[int]:
        yield 1

    async def stream(self) -> AsyncIterator[int]:
        for number in range(2):
            await self.pause()
            yield number

    @types.coroutine
    def pause(self) -> Generator[None, None, None]:
        """Suspend the program for the driver to look at."""
        yield

    def point(self, callee: Optional[types.FrameType] = None) -> int:
        """Look at the program while it runs."""
        if self.budget > 0 and self.chance(0.5):
            self.budget -= 1
            frame = inner = sys._getframe()
            while frame is not None and frame.f_code is not self.code:
                inner, frame = frame, frame.f_back  # type: ignore[assignment]
            if frame is not None:
                self.check(self, Observation(frame, self.owner, inner, False))
        return 1

    # What managers record.

    def is_exiting(self) -> bool:
        return any(entry.phase == "exiting" for entry in self.truth)

    def phase(self, manager: object, phase: str, then: Optional[str]) -> PhaseRecord:
        return PhaseRecord(self, manager, phase, then)


class PhaseRecord:
    """Records that *manager* is in *phase*, and afterwards in the phase *then* unless an exception comes out."""

    def __init__(self, env: Env, manager: object, phase: str, then: Optional[str]) -> None:
        self.env = env
        self.manager = manager
        self.phase = phase
        self.then = then

    def __enter__(self) -> None:
        if self.phase == "exiting":
            entry = self.env.truth.pop()
            assert entry.manager is self.manager
        self.env.truth.append(Entry(self.manager, self.phase))

    def __exit__(self, exc_type: object, *args: object) -> None:
        self.env.truth.pop()
        if self.then is not None and exc_type is None:
            self.env.truth.append(Entry(self.manager, self.then))


class Observation(NamedTuple):
    """A moment at which a program is looked at."""

    frame: types.FrameType
    owner: Optional[object]
    callee: Optional[types.FrameType]
    is_suspended: bool


def compile_program(source: Source) -> types.FunctionType:
    namespace: Dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # a finally that returns
        exec(compile(source.text, "<program>", "exec"), namespace)
    return namespace["program"]  # type: ignore[no-any-return]


def is_covered_too_long(program: types.FunctionType, source: Source) -> bool:
    """Return whether PyPy's exception table says that the handler of a with statement covers lines below the statement.

    See `asynctb._code.bytecode.COVERS_TOO_MUCH`. If anything raises there, the program goes on in that handler with a
    broken stack: PyPy calls what is not callable or crashes, so there is nothing to compare. This looks at the lines
    and the table alone, and knows nothing of what is tested.
    """
    ends = {
        line: node.end_lineno
        for node in ast.walk(ast.parse(source.text))
        if isinstance(node, (ast.With, ast.AsyncWith))
        for line in {node.lineno, *(item.context_expr.lineno for item in node.items)}
    }
    code = program.__code__
    lines = [position[0] for position in code.co_positions()]  # type: ignore[attr-defined, unused-ignore]
    for entry in dis._parse_exception_table(code):  # type: ignore[attr-defined]
        if dis.opname[code.co_code[entry.target + 2]] == "WITH_EXCEPT_START":
            end = ends[lines[entry.target // 2]]
            if any(line is not None and line > end for line in lines[entry.start // 2 : entry.end // 2]):
                return True
    return False


def drive(program: Callable[[Env], Any], env: Env) -> None:
    """Run *program* to its end and look at it whenever it is suspended."""
    env.code = program.__code__
    target: Any = None
    try:
        target = program(env)
        if env.source.kind == "function":
            return
        env.owner = target
        if env.source.kind == "async generator":
            _drive_async_generator(target, env)
        else:
            _advance(target, target, env)
    except (ProgramError, RuntimeError, StopIteration, StopAsyncIteration):
        pass
    for _ in range(20):  # a finally body can go on after it is closed
        if _frame_of(target) is None:
            break
        try:
            if env.source.kind == "async generator":
                _advance(target.aclose(), target, env)
            else:
                target.close()
        except (ProgramError, RuntimeError, StopIteration, StopAsyncIteration):
            pass


def _advance(awaitable: Any, owner: Any, env: Env) -> None:
    sent = None
    steps = 0
    while True:
        steps += 1
        try:
            if steps > 1 and env.rng.random() < 0.05 and (env.source.exits_can_raise or not env.is_exiting()):
                yielded = awaitable.throw(ProgramError())
            elif steps > 60:
                awaitable.close()
                return
            else:
                yielded = awaitable.send(sent)
        except StopIteration:
            return
        sent = env.pending if yielded is env.YIELD_PENDING else None
        _look(owner, env)


def _drive_async_generator(generator: Any, env: Env) -> None:
    for _ in range(20):
        try:
            _advance(generator.asend(None), generator, env)
        except StopAsyncIteration:
            return
        _look(generator, env)
    _advance(generator.aclose(), generator, env)


def _frame_of(owner: Any) -> Optional[types.FrameType]:
    for name in ("gi_frame", "cr_frame", "ag_frame"):
        frame: Optional[types.FrameType] = getattr(owner, name, None)
        if frame is not None:
            return frame
    return None


def _look(owner: Any, env: Env) -> None:
    frame = _frame_of(owner)
    if frame is not None:
        env.check(env, Observation(frame, owner, None, True))
