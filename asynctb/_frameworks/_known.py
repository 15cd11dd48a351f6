"""What one waits for inside of a library's functions: told by code objects, not by running anything."""

from __future__ import annotations

import gc
import sys
import types
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, cast

import attrs

from .._frames import local_variable
from .._model import Wait
from .._objects import CellType, class_attribute, exact_str, is_a, module_field, mro_of
from .._snapshot.source import Owner, caller_of, code_of, frame_of
from .._waits.facts import waiting_functions
from .._waits.kinds import LOCK_OF_CONDITION, wait_for

#: Functions of a library: module, name of a function in it (or of a class and its method, or of a function and one that
#: it defines), what one waits for inside of it. An empty text: only what it calls or what calls it tells that.
Known = Sequence[Tuple[str, str, str]]


class _Known(NamedTuple):
    #: The code of the function, so that its address stays its own: the program can give the function another.
    code: types.CodeType
    description: str
    #: The class whose instances the function is a method of, or None.
    owner: Optional[type]


class KnownFunctions:
    """A table of functions that waits end in. Whatever the program does not have is passed over."""

    def __init__(self, functions: Known = ()) -> None:
        self._functions = tuple(functions)
        self._known: Dict[int, _Known] = {}
        self._seen = (-1, -1)

    def add(self, functions: Known) -> None:
        """Add what another room knows."""
        self._functions += tuple(functions)
        self._seen = (-1, -1)

    def wait(self, owners: Sequence[Owner]) -> Optional[Wait]:
        """Return what the outermost of the known functions waits for that the stack *owners* ends in, or None."""
        known_functions = self._known if self._seen == _now() else self._refreshed()
        if not owners or id(code_of(owners[-1])) not in known_functions:
            return None
        found: Optional[_Known] = None
        method: Optional[Owner] = None
        for owner in reversed(owners):
            known = known_functions.get(id(code_of(owner)))
            if known is None:
                break
            if known.description == "condition" and found is not None and found.description == "lock":
                found = found._replace(description=LOCK_OF_CONDITION)
                break
            if known.description:
                found, method = known, owner
        if found is None or method is None:
            return None
        return wait_for(found.description, _self_of(method, found.owner) if found.owner is not None else None)

    def wait_of_thread(self, frame: Optional[types.FrameType]) -> Tuple[Optional[Wait], Optional[types.FrameType]]:
        """Return the same for a thread whose innermost frame is *frame*, and the innermost frame outside of the table.

        The frames are the library's own, so that to read their variables disturbs no debugger.
        """
        known_functions = self._known if self._seen == _now() else self._refreshed()
        found: Optional[_Known] = None
        method: Optional[types.FrameType] = None
        timeouts = []
        while frame is not None:
            known = known_functions.get(id(frame.f_code))
            if known is None:
                break
            if known.description:
                found, method = known, frame
            timeout = local_variable(frame, "timeout") if "timeout" in frame.f_code.co_varnames else None
            if (type(timeout) is int or type(timeout) is float) and timeout >= 0:  # -1 stands for none
                timeouts.append(float(timeout))
            frame = caller_of(frame)
        if found is None or method is None:
            return None, frame
        target = local_variable(method, "self") if found.owner is not None else None
        wait = wait_for(found.description, target if target is None or is_a(target, cast(type, found.owner)) else None)
        return attrs.evolve(wait, deadline=min(timeouts)) if timeouts and wait.kind != "events" else wait, frame

    def _refreshed(self) -> Dict[int, _Known]:
        """Return the table, made again as modules have been imported since."""
        now = _now()
        found: Dict[int, _Known] = {}
        for known in self._find():
            before = found.get(id(known.code))
            # A method that is inherited stands for objects of the class that it is inherited from, too.
            if before is None or not _inherits(known.owner, before.owner):
                found[id(known.code)] = known
        self._known = found
        self._seen = now  # last: the recursion limit may have ended this before
        return self._known

    def _find(self) -> Iterator[_Known]:
        for code, description, has_self in waiting_functions:
            yield _Known(code, description, object if has_self else None)
        for module_name, path, description in self._functions:
            module = sys.modules.get(module_name)
            if not is_a(module, types.ModuleType):
                continue
            class_name, _, name = path.rpartition(".")
            holder = module_field(cast(types.ModuleType, module), class_name or name)
            function, owner = holder, None
            if class_name and is_a(holder, type):
                function, owner = class_attribute(holder, name), holder
                if type(function) is classmethod or type(function) is staticmethod:
                    function, owner = function.__func__, None
            elif class_name:
                nested = nested_code(holder, name)
                if nested is not None:
                    yield _Known(nested, description, None)
                continue
            while type(function) is types.FunctionType:
                yield _Known(function.__code__, description, owner)
                function = vars(function).get("__wrapped__")


def _inherits(cls: Optional[type], base: Optional[type]) -> bool:
    return cls is not None and base is not None and any(each is base for each in mro_of(cls))


def _now() -> Tuple[int, int]:
    """Return what is another pair once more functions may be found."""
    return len(sys.modules), len(waiting_functions)


#: Of tasks, whatever runs them; of threads. Each room adds what it knows.
task_waits = KnownFunctions()
thread_waits = KnownFunctions()


def nested_code(function: object, name: str) -> Optional[types.CodeType]:
    """Return the code of a function called *name* that is defined inside another one, or None."""
    if type(function) is not types.FunctionType:
        return None
    for const in function.__code__.co_consts:
        if type(const) is types.CodeType and exact_str(const.co_name) == name:
            return const
    return None


def variables_of(owner: Owner) -> Iterator[object]:
    """Return the objects that the variables of a suspended function refer to (and others), in their order."""
    referents: List[object] = gc.get_referents(owner)
    frame = frame_of(owner)
    if frame is not None:
        referents += gc.get_referents(frame)  # before CPython 3.11, the frame has the variables
    for referent in referents:
        if type(referent) is CellType:  # a function inside the method uses it, too
            try:
                yield referent.cell_contents
            except ValueError:
                continue
        else:
            yield referent


def _self_of(owner: Owner, cls: type) -> Optional[object]:
    """Return the first argument of a suspended method of *cls*, which is the first of its variables of that type."""
    if cls is object:  # a library has registered the function alone
        frame = frame_of(owner)
        return local_variable(frame, "self") if frame is not None else None
    return next((variable for variable in variables_of(owner) if is_a(variable, cls)), None)
