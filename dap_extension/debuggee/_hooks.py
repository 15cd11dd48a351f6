"""Hooks that the program has registered with its own copy of asynctb, taken over by the helper's.

They are the one kind of foreign code that the helper runs: the program has registered them for exactly this. Before
each request it is looked at which there are, as hooks can be registered at any time. Each gets and returns what it
would with the program's own copy. One that fails costs what it would have contributed; one that takes long is not
called any more until the next request, and one that does not return never again; a note says so.
"""

from __future__ import annotations

import time
import types
from typing import Any, Callable, Dict, List, Optional, Tuple, TypeVar

from asynctb._objects import callable_name, describe_error, is_a
from asynctb._stacks import customize
from asynctb._stacks.registries import CodeRegistry, TypeRegistry
from asynctb._waits.facts import held_by, register_wait

from . import _pydevd
from ._conversion import Conversion, ProgramWalk, held
from ._errors import RequestError
from ._program_registries import Entry, find_registries
from ._watch import LeftBehind, Watch

#: Seconds that one hook may take in one request, and after how many in one call it is taken for one that never returns.
_LONGEST = 1.0
_LONGEST_CALL = 5.0
#: How many such ones a request waits for.
_MOST_LEFT_BEHIND = 3
_BY_TYPE: Dict[str, TypeRegistry[Any]] = {
    "register_root": customize.roots,
    "register_unwrap_awaitable": customize.awaitables,
    "register_unwrap_context_manager": customize.context_managers,
    "register_elaborate_context": customize.elaborators,
    "register_holders": held_by,
}

_BY_CODE: Dict[str, CodeRegistry[Any]] = {
    "register_unwrap_context_generator": customize.context_generators,
    "register_elaborate_context_generator": customize.generator_elaborators,
}

_Key = Tuple[str, int]
R = TypeVar("R")


class _Hook:
    """One hook of the program, in the place where the helper would call one of its own."""

    def __init__(self, name: str, function: Any, call: Callable[..., Any]) -> None:
        #: Whether it has been left behind in a call.
        self.is_gone = False
        self._title = f"{callable_name(function)}() ({name})"
        self._function = function
        self._call = call
        self.spent = 0.0
        #: What went wrong, or None.
        self.note: Optional[str] = None

    def __call__(self, *arguments: Any) -> Any:
        if self.is_gone:
            raise RuntimeError("it is left out, as it has not returned before")
        if self.spent > _LONGEST:
            self.note = f"The program's hook {self._title} takes too long: it is left out after {_LONGEST:g} s."
            raise RuntimeError(f"it is left out, as it has taken more than {_LONGEST:g} s")
        calls = program_hooks.calls
        began = time.perf_counter()
        calls.append((self, began))
        try:
            result = self._call(self._function, *arguments)
        except LeftBehind:
            raise
        except BaseException as error:
            if self.is_gone:
                raise LeftBehind from None
            self.note = f"The program's hook {self._title} failed: {describe_error(error)}"
            if is_a(error, Exception) and not is_a(error, RecursionError):
                raise
            # What would end more than the hook: the request, or the whole stack.
            raise RuntimeError(describe_error(error)) from None
        finally:
            calls.pop()
            self.spent += time.perf_counter() - began
        if self.is_gone:
            raise LeftBehind
        return result

    def leave_behind(self) -> None:
        """Never call it again."""
        self.is_gone = True
        self.note = f"The program's hook {self._title} did not return within {_LONGEST_CALL:g} s: it is left out."


def _plainly(function: Any, *arguments: Any) -> Any:
    return function(*arguments)


def _converting(module: types.ModuleType) -> Callable[..., Any]:
    """Return what calls a hook that gets a result and a `Walk` and returns a result."""

    def call(function: Any, result: Any, walk: customize.Walk) -> Any:
        conversion = Conversion(module)
        return conversion.from_program(function(conversion.to_program(result), ProgramWalk(walk, conversion)))

    return call


def _telling_holders(function: Any, target: object) -> Any:
    return held(function(target))


class ProgramHooks:
    """Those that have been taken over."""

    def __init__(self) -> None:
        self._module: Optional[types.ModuleType] = None
        #: As they were found. They stay alive as long as the helper has them, so that their addresses are their own.
        self._entries: Dict[_Key, Entry] = {}
        self._hooks: Dict[_Key, List[_Hook]] = {}
        #: The threads that have been left behind.
        self._left_behind: List[Any] = []
        #: Those that have been called and have not returned, outermost first; of the request that is answered now.
        self.calls: List[Tuple[Any, float]] = []
        #: Why some are not taken over as they are, and what else is wrong.
        self._left_out: Dict[_Key, str] = {}
        self._problem: Optional[str] = None

    def around(self, py_db: _pydevd.Debugger, work: Callable[[], R]) -> R:
        """Call *work*, which reads stacks, with the hooks that there are now.

        If there are any, that is done on a thread that can be left behind with a hook that does not return.

        :raises RequestError: if one after the other does not.
        """
        self.refresh()
        if not any(self._hooks.values()) or not _pydevd.may_start_thread():
            self.calls = []
            return work()
        for _ in range(_MOST_LEFT_BEHIND):
            watch = Watch(work)
            self.calls = watch.calls
            thread = _pydevd.start_thread(py_db, watch.run)
            stuck = watch.wait(_LONGEST_CALL)
            if stuck is None:
                thread.join()
                result: R = watch.result()
                return result
            stuck.leave_behind()
            watch.leave_behind()
            self._left_behind.append(thread)
        raise RequestError("timeout", "hooks of the program do not return; ask again, and these are left out")

    def refresh(self) -> None:
        """Take over what has been registered since the last call, and drop what is not there any more."""
        for hooks in self._hooks.values():
            for hook in hooks:
                hook.spent = 0.0
        try:
            found = find_registries()
        except Exception as error:
            self._problem = f"Hooks of the program could not be read: {describe_error(error)}"
            return
        self._problem = None if found is None else found.problem
        if found is None or found.module is not self._module:
            self._drop({})
            self._module = None if found is None else found.module
        if found is None:
            return
        entries = {(entry.name, id(entry.subject)): entry for entry in found.entries}
        self._drop(entries)
        for key, entry in entries.items():
            if key in self._entries:
                continue
            self._entries[key] = entry
            try:
                self._hooks[key] = self._take(entry, found.module)
            except Exception as error:
                self._left_out[key] = f"A hook of the program ({entry.name}) is left out: {describe_error(error)}"

    def notes(self) -> List[str]:
        """Return one sentence for each hook that cannot be taken over or has failed."""
        failures = [hook.note for hooks in self._hooks.values() for hook in hooks if hook.note is not None]
        found = [*([] if self._problem is None else [self._problem]), *self._left_out.values(), *failures]
        return [*dict.fromkeys(found)]

    def _drop(self, entries: Dict[_Key, Entry]) -> None:
        """Drop those that are not among *entries* as they were."""
        for key, entry in tuple(self._entries.items()):
            same = entries.get(key)
            if same is None or same.subject is not entry.subject or not _is_same(same.value, entry.value):
                del self._entries[key]
                self._left_out.pop(key, None)
                if self._hooks.pop(key, None) is not None:
                    _withdraw(entry)

    def _take(self, entry: Entry, module: types.ModuleType) -> List[_Hook]:
        """Register a hook with the helper's asynctb."""
        name, subject, value = entry
        registry = _BY_TYPE.get(name)
        if registry is not None:
            if not is_a(subject, type):
                raise TypeError("it is not about a type")
            call = _plainly
            if name == "register_elaborate_context":
                call = _converting(module)
            elif name == "register_holders":
                call = _telling_holders
            hook = _Hook(name, value, call)
            registry.register(subject, hook)
            return [hook]
        if name == "register_stack_finder":
            hook = _Hook(name, value, _plainly)
            customize.register_stack_finder(hook)
            return [hook]
        if type(subject) is not types.CodeType:
            raise TypeError("this version does not know what that is")
        if name in _BY_CODE:
            elaborates = name == "register_elaborate_context_generator"
            hook = _Hook(name, value, _converting(module) if elaborates else _plainly)
            _BY_CODE[name].register(subject, hook)
            return [hook]
        if name == "register_wait":
            description, kind = value
            register_wait(subject, description, kind=kind)
            return []
        if name != "customize":
            raise TypeError("this version does not know what that is")
        options: Dict[str, Any] = {}
        hooks: List[_Hook] = []
        for option, given in value.items():
            if option in ("skip_frame", "skip_callees"):
                options[option] = given is True
            elif option in ("get_target", "elaborate"):
                hooks.append(_Hook(option, given, _plainly if option == "get_target" else _converting(module)))
                options[option] = hooks[-1]
            else:
                key = name, id(subject)
                self._left_out[key] = f"An option of the program's customize() is left out: {option}"
        customize.set_options(subject, options, own=False)
        return hooks


def _is_same(one: Any, other: Any) -> bool:
    """Return whether two hooks, or options, or words of a wait, are the same; what is the program's is not compared."""
    if one is other:
        return True
    if type(one) is dict and type(other) is dict:
        return [*one] == [*other] and all(one[name] is other[name] for name in one)
    if type(one) is tuple and type(other) is tuple:
        return len(one) == len(other) and all(type(each) is str and each == one[i] for i, each in enumerate(other))
    return False


def _withdraw(entry: Entry) -> None:
    registry = _BY_TYPE.get(entry.name)
    if registry is not None:
        registry.withdraw(entry.subject)
    elif entry.name in _BY_CODE:
        _BY_CODE[entry.name].withdraw(entry.subject)
    elif entry.name == "customize":
        customize.withdraw_options(entry.subject)
    elif entry.name == "register_stack_finder":
        customize.stack_finders[:] = [
            finder for finder in customize.stack_finders if getattr(finder, "_function", None) is not entry.value
        ]


#: Those of this process.
program_hooks = ProgramHooks()
