"""Reading asyncio's futures and tasks without running code of the program.

Subclasses can override every method and hide every attribute, so what is called here are the C-level accessors of the
base classes, unbound; for the pure Python classes, the instance dictionary is read. Sources: Modules/_asynciomodule.c,
Lib/asyncio/futures.py and Lib/asyncio/tasks.py of CPython 3.8 to 3.15 and PyPy 3.11.
"""

from __future__ import annotations

import gc
import sys
import types
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, cast

from ..._objects import class_attribute, exact_str, get_field, is_a, module_field, mro_of, type_name

_DIGITS = "0123456789"


class FutureReader(NamedTuple):
    """Accessors for one implementation of futures; each may return None where there is nothing."""

    future: type
    task: type
    #: "PENDING", "CANCELLED" or "FINISHED". May raise `RuntimeError` if ``__init__`` has not run.
    state: Callable[[object], object]
    #: The loop. May raise `RuntimeError` or `AttributeError` if ``__init__`` has not run.
    loop: Callable[[object], object]
    #: Pairs of a function and a context, or None.
    callbacks: Callable[[object], Optional[Sequence[Tuple[object, object]]]]
    coroutine: Callable[[object], object]
    waiter: Callable[[object], object]
    must_cancel: Callable[[object], object]
    #: How often it was asked to be cancelled; always 0 before CPython 3.11.
    cancelling: Callable[[object], object]
    name: Callable[[object], object]
    #: The exception that it ended with, or None. Unlike the method of that name, it leaves alone whether the loop logs
    #: that nobody has retrieved it.
    exception: Callable[[object], object]
    #: The traceback that the exception had then. None if the exception has been raised in whoever awaited the future
    #: (for one that is written in C), and before CPython 3.10.
    exception_traceback: Callable[[object], Optional[types.TracebackType]]


def _function_of(coroutine_of: Callable[[object], object]) -> Callable[[object], Optional[str]]:
    """Return what tells the function of a task, which stands for its name: tasks have names since CPython 3.8."""

    def name(task: object) -> Optional[str]:
        coroutine = coroutine_of(task)
        is_plain = type(coroutine) is types.CoroutineType or type(coroutine) is types.GeneratorType
        return exact_str(get_field(coroutine, "__qualname__")) if is_plain else None

    return name


def _zero(task: object) -> int:
    return 0


def _attribute(name: str, default: object = None) -> Callable[[object], object]:
    return lambda obj: get_field(obj, name, default)


def _traceback_attribute(obj: object) -> Optional[types.TracebackType]:
    found = get_field(obj, "_exception_tb")
    return found if type(found) is types.TracebackType else None


def _last_traceback(obj: object) -> Optional[types.TracebackType]:
    # No attribute tells it; what subclasses refer to comes first (subtype_traverse in Objects/typeobject.c).
    found = None
    for referent in gc.get_referents(obj):
        if type(referent) is types.TracebackType:
            found = referent
    return found


def c_reader() -> Optional[FutureReader]:
    """Return the accessors of ``_asyncio.Task``, or None if the program has not imported it (or there is none)."""
    module = sys.modules.get("_asyncio")
    if not is_a(module, types.ModuleType):
        return None
    return _c_reader(cast(types.ModuleType, module))


# Neither reader is kept for the next time: it would keep the module alive, and is made in a few microseconds.
def _c_reader(module: types.ModuleType) -> FutureReader:
    future, task = module_field(module, "Future"), module_field(module, "Task")
    attributes = {name: value for base in reversed(mro_of(task)) for name, value in vars(base).items()}
    return FutureReader(
        future,
        task,
        state=vars(future)["_state"].__get__,
        loop=vars(future)["_loop"].__get__,
        callbacks=vars(future)["_callbacks"].__get__,
        # Not get_coro: in CPython 3.12 it crashes for a task that has finished in its eager start.
        coroutine=attributes["_coro"].__get__,
        waiter=attributes["_fut_waiter"].__get__,
        must_cancel=attributes["_must_cancel"].__get__,
        cancelling=attributes.get("cancelling", _zero),
        name=getattr(task, "get_name", None) or _function_of(attributes["_coro"].__get__),
        exception=vars(future)["_exception"].__get__,
        exception_traceback=_last_traceback,
    )


def python_reader() -> Optional[FutureReader]:
    """Return accessors for the pure Python tasks, which are all there is on PyPy; None without asyncio."""
    module = sys.modules.get("asyncio.tasks")
    if not is_a(module, types.ModuleType):
        return None
    return _python_reader(cast(types.ModuleType, module))


def _python_reader(module: types.ModuleType) -> Optional[FutureReader]:
    task = module_field(module, "_PyTask")
    if task is None:  # still being imported
        return None
    future = mro_of(task)[1]
    return FutureReader(
        future,
        task,
        state=lambda obj: exact_str(get_field(obj, "_state", "PENDING")),
        loop=_attribute("_loop"),
        callbacks=cast("Callable[[object], Optional[Sequence[Tuple[object, object]]]]", _attribute("_callbacks")),
        coroutine=_attribute("_coro"),
        waiter=_attribute("_fut_waiter"),
        must_cancel=_attribute("_must_cancel"),
        cancelling=_attribute("_num_cancels_requested", 0),
        name=_attribute("_name") if sys.version_info >= (3, 8) else _function_of(_attribute("_coro")),
        exception=_attribute("_exception"),
        exception_traceback=_traceback_attribute,
    )


class Futures:
    """Both implementations, as far as the program has them."""

    def __init__(self) -> None:
        self.c = c_reader()
        self.python = python_reader()
        self._wakeup: Optional[object] = None
        if self.python is not None:
            self._wakeup = class_attribute(self.python.task, "_Task__wakeup")
            if self._wakeup is None:  # CPython 3.6
                self._wakeup = class_attribute(self.python.task, "_wakeup")

    def reader_of_task(self, obj: object) -> Optional[FutureReader]:
        """Return the accessors for a task, or None for an object that is no asyncio task."""
        if self.c is not None and issubclass(type(obj), self.c.task):
            return self.c
        if self.python is not None and issubclass(type(obj), self.python.task):
            return self.python
        return None

    def reader_of_future(self, obj: object) -> Optional[FutureReader]:
        """Return the accessors for a future or task, or None for an object that is neither."""
        if self.c is not None and issubclass(type(obj), self.c.future):
            return self.c
        if self.python is not None and issubclass(type(obj), self.python.future):
            return self.python
        return None

    def name_of(self, task: object) -> str:
        """Return the name of a task, or the name of its type if it has none that is a plain string."""
        kind = type(task)
        reader = self.c if self.c is not None and kind is self.c.task else self.reader_of_task(task)
        name = reader.name(task) if reader is not None else None
        return name if type(name) is str else type_name(type(task))

    def in_order(self, tasks: Sequence[object]) -> List[object]:
        """Return *tasks* by name in natural order, so that "Task-2" comes before "Task-10"."""
        names = [self.name_of(task) for task in tasks]
        # By the text before the number, the length, the whole; in one text, which is compared much faster than a tuple.
        keys = [f"{name.rstrip(_DIGITS)}\0{len(name):9}{name}" for name in names]
        return [tasks[index] for index in sorted(range(len(tasks)), key=keys.__getitem__)]

    def callbacks_of(self, future: object, most: Optional[int] = None) -> List[object]:
        """Return the functions to be called when *future* is done, or the first *most* of them."""
        reader = self.reader_of_future(future)
        found = reader.callbacks(future) if reader is not None else None
        if type(found) is not list:  # None, or what the program has put there
            return []
        if sys.version_info < (3, 7):  # without contexts, the functions themselves
            return found[:most]
        return [entry[0] for entry in found[:most] if type(entry) is tuple and entry]

    def woken_by(self, callback: Any) -> Optional[object]:
        """Return the task that *callback* resumes, or None if that is not what it does."""
        kind = type(callback)
        if kind is types.BuiltinFunctionType:  # C tasks from 3.9
            return callback.__self__ if exact_str(callback.__name__) == "task_wakeup" else None
        if kind is types.MethodType:
            return callback.__self__ if self._wakeup is not None and callback.__func__ is self._wakeup else None
        if kind is not types.FunctionType and type_name(kind) == "TaskWakeupMethWrapper":  # C tasks up to 3.8
            # All that it refers to (Modules/_asynciomodule.c); it has no attribute for it before 3.7.
            return next(iter(gc.get_referents(callback)), None)
        return None


def closure_of(function: types.FunctionType) -> Dict[str, object]:
    """Return the variables that *function* has taken from the functions around it, as far as they are bound."""
    found: Dict[str, object] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not bound (yet)
            pass
    return found
