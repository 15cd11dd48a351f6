"""What rooms and libraries know about the objects that are waited for."""

from __future__ import annotations

import sys
import types
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, TypeVar

from .._model import Wait, WaitKind
from .._stacks.customize import code_objects_of
from .._stacks.registries import TypeRegistry, is_own_module, third_party
from .kinds import add_words

F = TypeVar("F", bound=Callable[..., Any])


class Held(NamedTuple):
    """What a lock, semaphore, limiter or pool says about itself."""

    #: The tasks, threads (or their numbers) and greenlets that hold it, each with its permits; None if it keeps no
    #: record of them. Then those who are in a ``with`` block of it are taken for its holders.
    owners: Optional[Sequence[Tuple[object, int]]] = None
    #: How many permits there are; None if that is not known.
    total: Optional[int] = 1
    #: Whether one can be had at the moment, so that whoever waits will go on soon.
    free: bool = False


#: By the type of the object. Each may return None if the object does not look as it should.
held_by: TypeRegistry[Callable[[object], Optional[Held]]] = TypeRegistry("register_holders")
#: By the type of a manager whose block holds another object than itself, such as a condition its lock.
held_in_block: TypeRegistry[Callable[[object], object]] = TypeRegistry()
#: By the type of the object that is waited for: gets it and the words of the wait, returns fuller ones, or None.
fuller_words: TypeRegistry[Callable[[object, str], Optional[str]]] = TypeRegistry()
#: By the type of a manager: returns after how many seconds it ends what is inside of its block, or None.
deadline_of_block: TypeRegistry[Callable[[object], Optional[float]]] = TypeRegistry()
#: By the type of a manager with a deadline: returns whether what is inside of its block is not ended by such managers
#: further outward.
shield_of_block: TypeRegistry[Callable[[object], bool]] = TypeRegistry()
#: Each gets the objects of activities that do not go on, and returns seconds until something cancels them, by identity.
cancelling_timers: List[Callable[[Sequence[object]], Dict[int, float]]] = []
#: Each gets an event loop and returns by how many seconds the earliest of its timers is overdue, or None.
lateness_of_loop: List[Callable[[object], Optional[float]]] = []
#: What rooms know of tasks that others run: each gets the wait of one and what is suspended in it, outermost first, and
#: returns another wait, or None.
refinements: List[Callable[[Wait, Sequence[Any]], Optional[Wait]]] = []
#: Each returns the identities of the coroutines that event loops, also such as do not run, are going to begin.
queued_coroutines: List[Callable[[], Sequence[int]]] = []
#: Each gets a task that has failed and returns whether somebody has been told; None if it does not know.
is_retrieved: List[Callable[[object], Optional[bool]]] = []
#: By the type of an object that is waited for: the objects, besides itself, through which the waiter can be woken, such
#: as what the two ends of a channel share.
woken_through: TypeRegistry[Callable[[object], Sequence[object]]] = TypeRegistry()
#: Each gets an event loop and returns the objects of it that wake nobody, although it refers to them; None if it cannot
#: be seen what the loop is going to call.
unused_of_loop: List[Callable[[object], Optional[Sequence[object]]]] = []
#: By the type of an activity's object: what it refers to that the garbage collector does not see, and whether that is
#: all.
unseen_by_collector: TypeRegistry[Callable[[object], Tuple[Sequence[object], bool]]] = TypeRegistry()
#: Each returns what is called whenever something happens outside, such as the handlers of signals.
called_from_outside: List[Callable[[], Sequence[object]]] = []
#: Code of functions of libraries that waits end in, with the words for what is waited for and whether it is "self".
waiting_functions: List[Tuple[types.CodeType, str, bool]] = []


def register_wait(function: object, description: str, *, kind: WaitKind = "unknown") -> None:
    """Register what one waits for who is suspended in *function*, or in what that calls.

    The first argument, if it is called ``self``, is what is waited for: `register_holders` can tell who has that. What
    *function* calls in order to wait has to be known, too: functions of the frameworks are, others of the library have
    to be registered with an empty *description*.

    :param function: a coroutine function, or another one that threads wait in; a method is given as ``Class.method``.
    :param description: a few words, such as ``"connection of a pool"``.
    :param kind: what it is in one word, `Wait.kind`.
    :raises TypeError: if *function* has no code written in Python.
    """
    if description:
        add_words(description, kind)
    own = is_own_module(sys._getframe(1).f_globals)
    for code in code_objects_of(function):
        if not own:
            third_party["register_wait", id(code)] = "register_wait", code, (description, kind)
        names = code.co_varnames[: code.co_argcount]
        waiting_functions.append((code, description, names[:1] == ("self",)))


def register_holders(cls: type) -> Callable[[F], F]:
    """Register, as a decorator, what tells who holds an object of *cls* that others wait for.

    The function gets the object and returns a `Held`, or None if nothing can be told. It must not run code of the
    program: read fields with `get_field`.

    :param cls: the type of the locks, pools, ...
    :raises TypeError: if *cls* is not a type.
    """
    return held_by.decorator(cls)
