"""What a thread waits for that calls a function written in C: told by what it calls, not by running anything.

That it does not run is told by the system. Where the system does not tell, nothing is said.
"""

from __future__ import annotations

import sys
import types
from _io import FileIO
from typing import Any, Dict, Iterator, NamedTuple, Optional, Sequence, Tuple, cast

from .._code.calls import (
    Attribute,
    Call,
    Constant,
    Element,
    Expression,
    Items,
    Name,
    Result,
    Slice,
    call_at,
    callee_at,
    has_no_arguments,
)
from .._frames import reader_mode, variable_of_program
from .._model import Wait
from .._objects import class_attribute, exact_str, get_field, instance_dict, is_a, module_field, simple_type_name
from .._waits.kinds import wait_for
from ._known import Known

_MethodDescriptorType = type(str.join)
_WrapperDescriptorType = type(object.__init__)


class _Value(NamedTuple):
    """An object, or what is known of one."""

    cls: type
    #: None if it is not known.
    obj: object = None


class KnownCall(NamedTuple):
    """A call of a function that is known."""

    description: str
    #: What the function is called in its module or class.
    name: str
    #: The object that it is a method of, if that is known.
    target: Optional[object]
    #: The arguments; unknown ones are `UNKNOWN`. None if it cannot be told how many there are.
    positional: Optional[Sequence[object]]
    keywords: Dict[str, object]


#: By the identity of the code, which is kept, and the offset of the instruction.
Calls = Dict[Tuple[int, int], Tuple[types.CodeType, Optional[Call]]]


class KnownCalls:
    """A table of functions written in C that block until something happens. What does not exist is passed over."""

    def __init__(self) -> None:
        self._functions: Known = ()
        #: By identity of the functions, and of methods as their classes have them; those are kept alive.
        self._known: Dict[int, Tuple[object, str]] = {}
        self._names: Dict[int, str] = {}
        self._modules_seen = -1

    def add(self, functions: Known) -> None:
        """Add what a room knows: module, name of a function or of a type and its method, what it waits for."""
        self._functions = (*self._functions, *functions)
        self._modules_seen = -1

    def wait_of_thread(self, frame: types.FrameType, system_id: int) -> Optional[Wait]:
        """Return what the thread waits for whose innermost frame is *frame*, or None if it is not certain to wait.

        :param system_id: the number of the thread in the operating system.
        """
        lasti = frame.f_lasti
        callee = callee_at(frame.f_code, lasti)
        if callee is None:
            return None
        self._refresh()
        _, description = self._known.get(id(_function(frame, callee)), (None, None))
        # Other threads may run while the system is asked.
        if description is None or not _sleeps(system_id) or frame.f_lasti != lasti:
            return None
        wait = wait_for(description)
        owner = callee.owner if isinstance(callee, Attribute) else None
        # With arguments there may be a timeout, or it does not wait at all; of a socket nothing is concluded.
        if wait.kind != "socket" and not has_no_arguments(frame.f_code, lasti):
            owner = None
        value = _evaluate(frame, owner) if owner is not None else None
        target = value.obj if value is not None and type(value.obj) is not types.ModuleType else None
        return wait_for(description, target) if target is not None and frame.f_lasti == lasti else wait

    def call_of(self, frame: types.FrameType, seen: Calls) -> Optional[KnownCall]:
        """Return which function of the table the innermost frame of a stack calls, whether it waits there or not.

        :param seen: what others have called at the same place, for as long as a look takes.
        """
        key = id(frame.f_code), frame.f_lasti
        if key not in seen:
            seen[key] = frame.f_code, call_at(frame.f_code, frame.f_lasti)
        _, call = seen[key]
        if call is None:
            return None
        self._refresh()
        callee = call.callee
        value = _evaluate(frame, callee)
        found: object = value.obj if value is not None else None
        target: object = None
        if type(found) is types.MethodType:
            target, found = found.__self__, found.__func__
        elif isinstance(callee, Attribute):
            owner = _evaluate(frame, callee.owner)
            target = owner.obj if owner is not None and type(owner.obj) is not types.ModuleType else None
        known = self._known.get(id(found))
        if known is None and isinstance(callee, Attribute) and isinstance(callee.owner, Result):
            # An iterator that a known function has made, and for which another object stands.
            maker = _evaluate(frame, callee.owner.callee) if callee.name == "__next__" else None
            known = self._known.get(id(maker.obj)) if maker is not None else None
            return None if known is None else KnownCall(known[1], callee.name, None, None, {})
        if known is None:
            return None
        given = None if call.positional is None else [_argument(frame, each) for each in call.positional]
        keywords = {name: _argument(frame, each) for name, each in call.keywords.items()}
        return KnownCall(known[1], self._names[id(found)], target, given, keywords)

    def call_to(self, method: object, positional: Sequence[object], keywords: Dict[str, object]) -> Optional[KnownCall]:
        """Return the same for a bound method that is called with these arguments."""
        if type(method) is not types.MethodType:
            return None
        self._refresh()
        known = self._known.get(id(method.__func__))
        if known is None:
            return None
        return KnownCall(known[1], self._names[id(method.__func__)], method.__self__, positional, keywords)

    def _refresh(self) -> None:
        if self._modules_seen != len(sys.modules):
            modules = len(sys.modules)
            found = list(self._find())
            self._known = {id(function): (function, description) for function, description, _ in found}
            self._names = {id(function): name for function, _, name in found}
            self._modules_seen = modules

    def _find(self) -> Iterator[Tuple[object, str, str]]:
        for module_name, path, description in self._functions:
            module = sys.modules.get(module_name)
            if not is_a(module, types.ModuleType):
                continue
            class_name, _, name = path.rpartition(".")
            function = module_field(cast(types.ModuleType, module), class_name or name)
            if class_name:
                function = class_attribute(function, name) if is_a(function, type) else None
            # Not what the program has put there.
            if type(function) is types.BuiltinFunctionType or _is_method(function):
                yield function, description, name


#: What is not known of an argument.
UNKNOWN = object()
#: Those that threads wait in. Each room adds what it knows.
thread_calls = KnownCalls()


def _sleeps(system_id: int) -> bool:
    """Return whether the system says that a thread of this process waits for something."""
    try:
        with FileIO(f"/proc/self/task/{system_id}/stat") as file:
            text = file.read()
    except Exception:  # another system, the thread has ended, or an audit hook of the program forbids it
        return False
    # The name of the thread is in parentheses, and can have some itself.
    return text is not None and text[text.rfind(b")") + 1 :].strip()[:1] in (b"S", b"D")


def _is_method(attribute: object) -> bool:
    """Return whether an attribute of a class is a method that is written in C, or by Cython, which has its own type."""
    cls = type(attribute)
    return cls is _MethodDescriptorType or simple_type_name(cls) == "cython_function_or_method"


def _function(frame: types.FrameType, callee: Expression) -> object:
    """Return the function that *callee* stands for in *frame*, of a method the one in the class; None if unknown."""
    value = _evaluate(frame, callee)
    function = value.obj if value is not None else None
    if is_a(function, types.BuiltinFunctionType):  # a method that is told its class has a type derived from that
        method = cast(types.BuiltinFunctionType, function)
        name = exact_str(method.__name__)
        if name is not None and type(method.__self__) is not types.ModuleType:
            return class_attribute(type(method.__self__), name)
    return function


def _evaluate(frame: types.FrameType, expression: Expression) -> Optional[_Value]:
    if isinstance(expression, Attribute):
        owner = _evaluate(frame, expression.owner)
        return None if owner is None else _attribute(owner, expression.name, expression.is_special)
    if isinstance(expression, (Constant, Items)):
        return _Value(type(expression.value), expression.value) if isinstance(expression, Constant) else None
    if isinstance(expression, Element):
        owner, key = _evaluate(frame, expression.owner), _evaluate(frame, expression.key)
        return None if owner is None or key is None else _known(_element(owner.obj, key.obj))
    if isinstance(expression, Slice):
        parts = [_evaluate(frame, each) for each in expression.parts]
        return _known(slice(*[each.obj for each in parts if each is not None])) if None not in parts else None
    if isinstance(expression, Result):
        value = _evaluate(frame, expression.callee)
        # A class written in C, or one that makes its objects as those do.
        if value is None or type(value.obj) is not type:
            return None
        made_by = class_attribute(value.obj, "__new__")
        return _Value(value.obj) if type(made_by) is types.BuiltinFunctionType else None
    return _variable(frame, expression)


def _is_bound(value: object) -> bool:
    return value is None or type(value) is int


def _element(owner: object, key: object) -> Optional[object]:
    """Return what a list, tuple or dict has at an index or under a text, without calling methods of the program's."""
    kind = type(owner)
    if kind is list or kind is tuple:
        try:
            is_plain = type(key) is int or (type(key) is slice and all(map(_is_bound, (key.start, key.stop, key.step))))
            return cast(Sequence[object], owner)[cast(Any, key)] if is_plain else None
        except IndexError:
            return None
    if kind is not dict or not (type(key) is str or type(key) is int):
        return None
    for other, value in cast(Dict[object, object], owner).copy().items():
        if type(other) is type(key) and other == key:
            return value
    return None


def _argument(frame: types.FrameType, expression: Optional[Expression]) -> object:
    if isinstance(expression, Items):
        return [_argument(frame, each) for each in expression.items]
    value = _evaluate(frame, expression) if expression is not None else None
    if value is None and isinstance(expression, Name) and expression.kind == "LOAD_FAST" and reader_mode() == "full":
        return None  # it had a value when it was given to the function
    return UNKNOWN if value is None or (value.obj is None and not isinstance(expression, Constant)) else value.obj


def _variable(frame: types.FrameType, variable: Name) -> Optional[_Value]:
    if variable.kind == "LOAD_FAST":
        return _known(variable_of_program(frame, variable.name))
    scopes = [frame.f_globals, frame.f_builtins]
    if variable.kind == "LOAD_NAME":
        scopes.insert(0, frame.f_locals)  # of a module or the body of a class: no copy is made
    for scope in scopes:
        if not is_a(scope, dict):
            return None
        value = dict.get(scope, variable.name)
        if value is not None:
            return _known(value)
    return None


def _known(obj: object) -> Optional[_Value]:
    return None if obj is None else _Value(type(obj), obj)


def _attribute(owner: _Value, name: str, is_special: bool) -> Optional[_Value]:
    if type(owner.obj) is types.ModuleType and not is_special:
        return _known(module_field(owner.obj, name))
    if is_a(owner.obj, type):
        return None
    found = class_attribute(owner.cls, name)
    if is_special:
        return _known(found)
    getter = class_attribute(owner.cls, "__getattribute__")
    if getter is not object.__getattribute__ and type(getter) is not _WrapperDescriptorType:
        return None  # a method of the program
    kind = type(found)
    if kind is types.MemberDescriptorType or kind is types.GetSetDescriptorType:
        return _known(get_field(owner.obj, name))
    if found is not None and class_attribute(type(found), "__set__") is not None:
        return None
    if owner.obj is not None and instance_dict(owner.obj) is not None:
        own = get_field(owner.obj, name)
        if own is not None:
            return _known(own)
    return _known(found) if _is_method(found) else None
