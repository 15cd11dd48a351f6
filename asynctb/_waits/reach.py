"""Whether anything that can go on refers to what would wake those who wait: a bounded search of the heap, forward.

From the variables of what can go on, and the globals that its code names, objects are marked until nothing new is
found. The variables of other activities are no part of that, as only these themselves use them.
"""

from __future__ import annotations

import functools
import gc
import opcode
import os
import sys
import time
import types
import weakref
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple, cast

from .._frames import local_variable, variable_of_program
from .._model import Traceback
from .._objects import (
    CellType,
    exact_str,
    filename_of,
    get_field,
    instance_dict,
    is_a,
    module_field,
    module_of_frame,
    mro_of,
)

#: How many objects a search marks at most, and for how many seconds.
MOST_OBJECTS, MOST_SECONDS = 2_000_000, 1.0
#: The same for what is in the variables of one activity.
_MOST_LOCAL = 2_000
#: How many objects are asked for their referents at once.
_BATCH = 500
_OWN = __name__.partition(".")[0]
#: The modules of a debugger, or what they begin with: they go on to its whole code, and wake nobody of the program.
_DEBUGGERS = ("debugpy", "pydev_ipython")
_OF_DEBUGGERS = ("pydevd", "_pydevd", "_pydev_")
_LEAVES = (
    int,
    float,
    complex,
    str,
    bytes,
    bytearray,
    bool,
    type(None),
    range,
    types.FrameType,
    types.CodeType,
    types.TracebackType,
)
_leaf_ids = frozenset(map(id, _LEAVES))
_owner_ids = frozenset(map(id, (types.CoroutineType, types.GeneratorType, types.AsyncGeneratorType)))
_proxy_ids = frozenset(map(id, (weakref.ProxyType, weakref.CallableProxyType)))


#: None for types that have not been made ready, which there are before CPython 3.12.
_class_dict = cast(Callable[[type], Optional[Mapping[str, object]]], type.__dict__["__dict__"].__get__)
_FOR_ITER = opcode.opmap["FOR_ITER"]
_LIBRARY = os.path.dirname(os.__file__) + os.sep


class TooMuch(Exception):
    """The search has met its bound."""


class Search:
    """Marks what can be reached, and says which of the wanted objects that are.

    :param wanted: identities of the objects that matter.
    :param stops: identities of objects that are not followed, such as tasks.
    :param local: whether globals, modules and types are left out: what an activity has for itself.
    :param seconds: how long it may take.
    """

    def __init__(
        self, wanted: Iterable[int], stops: Set[int], *, local: bool = False, seconds: float = MOST_SECONDS
    ) -> None:
        self._wanted = set(wanted)
        self._stops = stops
        self._local = local
        #: Identities of the wanted objects that were reached.
        self.reached: Set[int] = set()
        #: Whether something was met into which one cannot look.
        self.is_complete = True
        #: Whether the variables of all frames could be read.
        self.is_readable = True
        self._seen: Set[int] = set()
        #: Keeps what was made for the search alive, so that identities stay those of one object.
        self._kept: List[object] = []
        self._todo: List[object] = []
        self._codes: Set[int] = set()
        self._names: Set[str] = set()
        self._modules: Dict[int, types.ModuleType] = {}
        self._own_types: Dict[int, bool] = {}
        self._until = time.monotonic() + seconds
        self._most = _MOST_LOCAL if local else MOST_OBJECTS

    def add(self, obj: object) -> None:
        """Mark an object, and in `run` what it refers to."""
        address = id(obj)
        if address in self._seen:
            return
        self._seen.add(address)
        self._kept.append(obj)
        if address in self._wanted:
            self.reached.add(address)
            if self._local:
                return
        if address not in self._stops and id(type(obj)) not in _leaf_ids:
            self._todo.append(obj)

    def add_stack(self, stack: Traceback) -> None:
        """Mark what the frames of an activity use."""
        for info in stack.frames:
            frame = info.frame
            if _is_own(module_of_frame(frame)):
                continue
            self._seen.add(id(frame.f_globals))
            for context in info.contexts:
                if context.manager is not None:
                    self.add(context.manager)
            if id(type(info.owner)) in _owner_ids:
                self._add_suspended(info.owner, frame)
            if id(type(info.owner)) not in _owner_ids or _is_running(info.owner):
                self._add_running(frame)
            self._add_code(frame.f_code, frame.f_globals)
        if stack.error is not None:
            self.is_complete = False

    def add_referents(self, obj: object) -> None:
        """Mark what an activity itself refers to, such as its context."""
        for each in gc.get_referents(obj):
            self.add(each)

    def run(self) -> None:
        """Mark all that can be reached from what was added.

        :raises TooMuch: if there is too much of it.
        """
        while self._todo and len(self.reached) < len(self._wanted):
            if len(self._seen) > self._most or time.monotonic() > self._until:
                raise TooMuch
            batch, self._todo = self._todo[-_BATCH:], self._todo[:-_BATCH]
            plain = [each for each in batch if self._is_plain(each)]
            if plain:
                for each in gc.get_referents(*plain):
                    self.add(each)
            if not self._todo and not self._local:
                for module in tuple(self._modules.values()):
                    self._add_attributes(module, self._names)

    def _is_plain(self, obj: object) -> bool:
        """Return whether *obj* is to be asked for what it refers to; do what is needed for other objects."""
        kind = type(obj)
        if kind is dict or kind is list or kind is tuple or kind is set or kind is CellType:
            return obj is not sys.modules
        if kind is types.FunctionType:
            self._add_function(cast(types.FunctionType, obj))
            return False
        if is_a(obj, types.ModuleType):
            if not self._local:
                self._modules[id(obj)] = cast(types.ModuleType, obj)
            return False
        if is_a(obj, type):
            if not self._local:
                self._add_type(cast(type, obj))
            return False
        if is_a(obj, weakref.ref):
            target = weakref.ref.__call__(cast(Any, obj))
            if target is not None:
                self.add(target)
        elif id(kind) in _proxy_ids:
            self.is_complete = False
        elif id(kind) in _owner_ids:
            frame = _frame_of(obj)
            if frame is not None:
                self._add_suspended(obj, frame)
                self._add_code(frame.f_code, frame.f_globals)
            return False
        elif self._is_of_ours(kind):
            return False
        if not self._local:
            self.add(kind)
        return True

    def _is_of_ours(self, kind: type) -> bool:
        known = self._own_types.get(id(kind))
        if known is None:
            known = self._own_types[id(kind)] = _is_own(exact_str((_class_dict(kind) or {}).get("__module__")))
            self._kept.append(kind)
        return known

    def _add_type(self, cls: type) -> None:
        for base in mro_of(cls) or ():
            if id(base) not in self._stops and not self._is_of_ours(base):
                for value in tuple((_class_dict(base) or {}).values()):
                    self.add(value)
        if type(cls) is not type:
            self.add(type(cls))

    def _add_function(self, function: types.FunctionType) -> None:
        variables = function.__globals__
        module = exact_str(_global(variables, "__name__"))
        if _is_asynctb(module):
            return
        self._seen.add(id(variables))
        for each in (function.__closure__, function.__defaults__, function.__kwdefaults__, instance_dict(function)):
            if each is not None:
                self.add(each)
        if not self._local and not _is_own(module):
            self._add_code(function.__code__, variables)

    def _add_suspended(self, owner: object, frame: types.FrameType) -> None:
        self._seen.add(id(frame.f_globals))
        self._seen.add(id(frame.f_builtins))
        for each in gc.get_referents(owner, frame):  # before CPython 3.11, the frame has the variables
            self.add(each)

    def _add_running(self, frame: types.FrameType) -> None:
        code = frame.f_code
        if not code.co_flags & 1:  # of a module or class
            if frame.f_locals is not frame.f_globals:
                self.is_complete = False
            return
        if not reads_running() and not _is_of_library(code):
            self.is_readable = False
        if any(op == _FOR_ITER for op in code.co_code[::2]) and not _is_of_library(code):
            self.is_complete = False  # what it iterates over is in no variable
        read = local_variable if _is_of_library(code) else variable_of_program
        for name in (*code.co_varnames, *code.co_cellvars, *code.co_freevars):
            value = read(frame, name)
            if value is not None:
                self.add(value)

    def _add_code(self, code: types.CodeType, variables: Dict[str, object]) -> None:
        """Mark the globals that *code* and the functions in it name."""
        if id(code) in self._codes or type(code) is not types.CodeType:  # PyPy has functions without such code
            return
        self._codes.add(id(code))
        self._kept.append(code)
        names = {name for each in _codes(code) for name in each.co_names if type(name) is str}
        self._names |= names
        package = exact_str(_global(variables, "__package__"))
        for name in names:
            value = _global(variables, name)
            for found in (value, sys.modules.get(name), sys.modules.get(f"{package}.{name}")):
                if found is None:
                    continue
                if not is_a(found, types.ModuleType):
                    self.add(found)
                elif not self._local:
                    self._add_attributes(cast(types.ModuleType, found), names)

    def _add_attributes(self, module: types.ModuleType, names: Iterable[str]) -> None:
        """Mark what a module, and modules in it, have under *names*."""
        todo, seen = [module], {id(module)}
        while todo:
            current = todo.pop()
            if _is_own(exact_str(module_field(current, "__name__"))):
                continue
            for name in names:
                value = module_field(current, name)
                if value is None:
                    continue
                if not is_a(value, types.ModuleType):
                    self.add(value)
                elif id(value) not in seen:
                    seen.add(id(value))
                    todo.append(cast(types.ModuleType, value))


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    todo = [code]
    while todo:
        current = todo.pop()
        yield current
        todo += [each for each in current.co_consts if type(each) is types.CodeType]


def _global(variables: object, name: str) -> Optional[object]:
    return dict.get(cast(Dict[str, object], variables), name) if is_a(variables, dict) else None


def _is_asynctb(module: Optional[str]) -> bool:
    return module is not None and module.partition(".")[0] == _OWN


def _is_own(module: Optional[str]) -> bool:
    """Return whether a module is one of asynctb or of a debugger."""
    if module is None:
        return False
    package = module.partition(".")[0]
    return package == _OWN or package in _DEBUGGERS or package.startswith(_OF_DEBUGGERS)


@functools.lru_cache(maxsize=None)
def reads_running() -> bool:
    """Return whether the variables of frames can be read that are executed by a thread."""
    probe = object()
    return variable_of_program(sys._getframe(), "probe") is probe


def _is_of_library(code: types.CodeType) -> bool:
    """Return whether *code* is the standard library's."""
    name = filename_of(code)
    return (name.startswith(_LIBRARY) and "site-packages" not in name) or name.startswith("<frozen ")


def _is_running(owner: object) -> bool:
    return any(get_field(owner, name) is True for name in ("cr_running", "gi_running", "ag_running"))


def _frame_of(owner: object) -> Optional[types.FrameType]:
    for name in ("cr_frame", "gi_frame", "ag_frame"):
        frame = get_field(owner, name)
        if frame is not None:
            return cast(types.FrameType, frame)
    return None


def coroutines_of(target: object) -> List[int]:
    """Return the identities of the coroutines that a task, a thread or a greenlet refers to itself, and so runs."""
    if id(type(target)) in _owner_ids or target is None:
        return []
    return [id(each) for each in gc.get_referents(target) if id(type(each)) in _owner_ids]


def reaching(stacks: Sequence[Tuple[str, Traceback]], wanted: Iterable[int], stops: Set[int]) -> Dict[int, List[str]]:
    """Return which activities have what of *wanted* in their variables or name it, by the identity of that."""
    found: Dict[int, List[str]] = {}
    addresses = set(wanted)
    until = time.monotonic() + MOST_SECONDS
    for name, stack in stacks:
        search = Search(addresses, stops, local=True)
        try:
            search.add_stack(stack)
            search.run()
        except TooMuch:  # what was found so far is near
            pass
        for address in search.reached:
            found.setdefault(address, []).append(name)
        if time.monotonic() > until:
            raise TooMuch
    return found
