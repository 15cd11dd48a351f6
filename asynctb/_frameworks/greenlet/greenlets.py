"""Greenlets, those of gevent included: found by what refers to them or among all objects, as nothing registers them.

The main greenlet of a thread is the thread itself; it is an activity of its own only while another greenlet runs there.
The accessors are those of the base class, unbound, as subclasses can override them.
"""

from __future__ import annotations

import functools
import gc
import sys
import types
import weakref
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Protocol, Sequence, Tuple, cast

from ..._frames import local_variable
from ..._heap import frozen, heap_searches, instances, referrers, with_subclasses
from ..._model import Activity, ActivityKind, ActivityState, Traceback, Wait
from ..._objects import (
    callable_name,
    class_attribute,
    exact_str,
    funcname_of,
    get_field,
    is_a,
    module_field,
    type_name,
)
from ..._snapshot.sets import imported
from ..._snapshot.source import NOWHERE, Group, Listing, Source, ThreadRecord, caller_of, tops_of_frames
from ..._stacks.follow import calling_frame, this_thread
from ..threading.threads import is_debuggers, thread_with, wait_in

_NOT_SEARCHED = "Greenlets made after the last full search, a moment ago, are missing."
#: Names of the outermost functions of a main thread: of a script, of ``python -m``.
_MAIN = ("<module>", "_run_module_as_main")
#: More greenlets than this are found sooner by a look at each object than by what refers to them.
_FEW = 16
#: What the last search has found.
_known: List[weakref.ref[Any]] = []


class GreenletWaits(Protocol):
    """What a library knows about the greenlets that wait for something of its."""

    def of(self, greenlet: object, innermost: Optional[types.FrameType], listing: Listing) -> Optional[Wait]:
        """Return what a suspended greenlet waits for, or None if that is not known."""

    def moment_of(self, greenlet: object, innermost: Optional[types.FrameType]) -> Tuple[object, ...]:
        """Return what is another as soon as the greenlet has gone on."""


#: Each is called at every look, with the greenlets.
greenlet_waits: List[Callable[[Sequence[object]], GreenletWaits]] = []


class GreenletReader(NamedTuple):
    """Accessors of greenlets."""

    cls: type
    frame: Callable[[object], Optional[types.FrameType]]
    is_dead: Callable[[object], bool]
    #: Whether it has begun and has not ended.
    is_active: Callable[[object], bool]
    current: Callable[[], object]

    def parent(self, obj: object) -> Optional[object]:
        """Return the parent greenlet, or None for the main greenlet of a thread."""
        found = get_field(obj, "parent")
        return found if is_a(found, self.cls) else None

    def parents(self, obj: object) -> List[object]:
        """Return the parent greenlet, its parent, and so on; the last is the main greenlet of a thread."""
        found: List[object] = []
        seen = {id(obj)}
        parent = self.parent(obj)
        while parent is not None and id(parent) not in seen:
            seen.add(id(parent))
            found.append(parent)
            parent = self.parent(parent)
        return found

    def main_of(self, obj: object) -> object:
        """Return the greenlet at the end of the chain of parents."""
        return (obj, *self.parents(obj))[-1]

    def callers(self, obj: object) -> List[object]:
        """Return the parents that have switched to *obj*, or to one of these that did, and that it will return to.

        Not gevent's hub, which switches to whichever greenlet has something to do, and not what waits for the hub.
        """
        module = imported("gevent.hub")
        hub: Any = module_field(module, "Hub") if module is not None else None
        found: List[object] = []
        for parent in self.parents(obj):
            if is_a(hub, type) and is_a(parent, hub):
                break
            found.append(parent)
        return found

    def is_running(self, obj: object) -> bool:
        """Return whether a thread executes it. Raises whatever is wrong with one of a thread that has ended."""
        return (
            self.is_active(obj) and not self.is_dead(obj) and self.frame(obj) is None and not self.is_switched_out(obj)
        )

    @staticmethod
    def is_switched_out(obj: object) -> bool:
        """Return whether a greenlet without a frame is certain to be suspended: in functions written in C alone.

        What has been copied from its stack is the place of another one's.
        """
        saved = get_field(obj, "_stack_saved")
        return type(saved) is int and saved > 0

    def running_below(self, obj: object, greenlets: Sequence[object]) -> List[object]:
        """Return the chain of children from *obj*, which is suspended, to one of *greenlets* that a thread executes.

        What *obj* has switched to will return to it. There is none if no thread executes any.
        """
        for running in greenlets:
            chain = (running, *self.callers(running))
            for index, parent in enumerate(chain):
                if parent is obj and index > 0:
                    try:
                        if self.is_running(running):
                            return list(chain[:index])[::-1]
                    except Exception:  # one of a thread that has ended
                        pass
        return []


def reader() -> Optional[GreenletReader]:
    """Return the accessors, or None if the program has not imported greenlet."""
    module = imported("greenlet")
    cls: Any = module_field(module, "greenlet") if module is not None else None
    current = module_field(module, "getcurrent") if module is not None else None
    if not is_a(cls, type) or current is None:
        return None
    continulet = module_field(module, "_continulet") if module is not None else None
    if module is not None and continulet is not None:
        return _pypy_reader(cls, continulet, current, module_field(module, "_tls"))
    return GreenletReader(
        cls,
        frame=vars(cls)["gr_frame"].__get__,
        is_dead=vars(cls)["dead"].__get__,
        is_active=cls.__bool__,
        current=current,
    )


def _pypy_reader(cls: type, continulet: Any, current: Callable[[], object], thread_local: object) -> GreenletReader:
    """Return accessors for PyPy's ``greenlet.py``, which do what its properties do, past what subclasses override."""

    def is_active(obj: object) -> bool:
        return get_field(obj, "_greenlet__main") is True or bool(continulet.is_pending(obj))

    def is_dead(obj: object) -> bool:
        return get_field(obj, "_greenlet__started") is True and not is_active(obj)

    def frame(obj: object) -> Optional[types.FrameType]:
        executed = [current()]
        for referent in gc.get_referents(thread_local):  # the dicts of all threads
            if type(referent) is dict and is_a(referent.get("current"), cls):
                executed.append(referent["current"])
        if any(obj is greenlet for greenlet in executed):
            return None
        if get_field(obj, "_greenlet__main") is True:
            # What the thread executes has taken its place.
            there = [greenlet for greenlet in executed if reader_of_pypy.main_of(greenlet) is obj]
            if not there:
                return None
            obj = there[0]
        innermost = continulet._get_frame(obj)
        for _ in ("start", "__switch", "switch"):  # the frames of the module itself
            innermost = innermost.f_back if type(innermost) is types.FrameType else None  # False: it is not suspended
        return cast(Optional[types.FrameType], innermost)

    reader_of_pypy = GreenletReader(cls, frame, is_dead, is_active, current)
    return reader_of_pypy


def greenlet_at(address: int) -> Optional[object]:
    """Return the greenlet with the identity *address*, or None if there is none (any more)."""
    found = reader()
    return None if found is None else next(iter(instances(with_subclasses(found.cls), address)), None)


def find_greenlets(found: GreenletReader, *, thorough: bool = True) -> Optional[List[object]]:
    """Return all greenlets, those that have ended included.

    A greenlet refers to its parent and to the main greenlet of its thread, so those of a few main greenlets that are
    known are found at a fraction of the cost of a look at each object. The module counts the main greenlets.

    :param thorough: whether to search however short ago that was done. If not, None can be returned.
    """
    count = _counter_of_mains()
    if count is not None and count() == 0:  # and the question for the current one would make one
        return []
    if not (thorough or heap_searches.due()):
        return None
    greenlets = heap_searches.run(functools.partial(_search, found, count))
    _known[:] = [weakref.ref(greenlet) for greenlet in greenlets]
    return greenlets


def _counter_of_mains() -> Optional[Callable[[], int]]:
    """Return what counts the main greenlets of all threads, or None (before greenlet 2.0, and on PyPy)."""
    module = imported("greenlet._greenlet")
    count = module_field(module, "get_total_main_greenlets") if module is not None else None
    return cast(Callable[[], int], count) if type(count) is types.BuiltinFunctionType else None


def _search(found: GreenletReader, count: Optional[Callable[[], int]]) -> List[object]:
    classes = with_subclasses(found.cls)
    if count is not None:
        greenlets = {id(greenlet): greenlet for greenlet in (found.current(), *known_greenlets())}
        for greenlet in list(greenlets.values()):
            main = found.main_of(greenlet)
            greenlets[id(main)] = main
        mains = sum(found.parent(greenlet) is None for greenlet in greenlets.values())
        new = list(greenlets.values())
        if mains == count():
            while new and len(greenlets) <= _FEW:
                new = [greenlet for greenlet in referrers(new, classes) if id(greenlet) not in greenlets]
                greenlets.update({id(greenlet): greenlet for greenlet in new})
            if not new:
                return list(greenlets.values())
    return instances(classes)


def known_greenlets() -> List[object]:
    """Return what the last search has found, as far as it is still there."""
    return [greenlet for greenlet in [ref() for ref in _known] if greenlet is not None]


def frames_outward(frame: Optional[types.FrameType]) -> List[types.FrameType]:
    """Return the frames of a greenlet from its innermost one. On PyPy, those of a suspended one lead round."""
    frames: List[types.FrameType] = []
    seen = set()
    while frame is not None and id(frame) not in seen:
        seen.add(id(frame))
        frames.append(frame)
        frame = caller_of(frame)
    return frames


def worker_thread(greenlet: object) -> Optional[int]:
    """Return the number of the thread that a greenlet of gevent's thread pool works in; None for other greenlets."""
    module = imported("gevent.threadpool")
    cls: Any = module_field(module, "_WorkerGreenlet") if module is not None else None
    ident = get_field(greenlet, "_thread_ident") if is_a(cls, type) and is_a(greenlet, cls) else None
    return ident if type(ident) is int and ident else None


def thread_that_began(frame: types.FrameType) -> Optional[object]:
    """Return the `threading.Thread` whose outermost frame is *frame*, or None if that is not certain."""
    threading = imported("threading")
    bootstrap = class_attribute(module_field(threading, "Thread"), "_bootstrap") if threading is not None else None
    if type(bootstrap) is types.FunctionType and frame.f_code is bootstrap.__code__:
        return local_variable(frame, "self")
    if exact_str(frame.f_code.co_name) in _MAIN and threading is not None:
        return cast(Optional[object], module_field(threading, "_main_thread"))
    return None


class Greenlets(Source):
    """The source of greenlets.

    :param thorough: whether all objects of the process must be searched, however short ago that was done.
    """

    kind: ActivityKind = "greenlet"
    framework = "greenlet"

    def __init__(self, threads: Dict[int, ThreadRecord], *, thorough: bool) -> None:
        super().__init__()
        self._threads = threads
        self._reader = reader()
        self._gevent: Tuple[type, ...] = ()
        for name, attribute in (("gevent.greenlet", "Greenlet"), ("gevent.hub", "Hub")):
            module = imported(name)
            found: Any = module_field(module, attribute) if module is not None else None
            if is_a(found, type):
                self._gevent += (found,)
        self._found: List[object] = []
        if self._reader is not None:
            found_all = find_greenlets(self._reader, thorough=thorough)
            if found_all is None:
                self.notes.append(_NOT_SEARCHED)
            elif found_all and frozen():
                self.notes.append("Greenlets that were made before gc.freeze() are missing.")
            self._found = known_greenlets() if found_all is None else found_all
        #: Whether greenlets are a debugger's, by the identity of the main one of their thread.
        self._debuggers: Dict[int, bool] = {}
        self._own_main: Optional[object] = None
        if self._reader is not None and self._found:
            self._own_main = self._reader.main_of(self._reader.current())
        self._waits = [make(self._found) for make in greenlet_waits]

    def groups(self) -> List[Group]:
        if self._reader is None:
            return []
        threads = self._threads_of_mains()
        groups: Dict[Optional[int], List[object]] = {}
        for found in self._found:
            try:
                if self._reader.is_dead(found):
                    continue
                if self._reader.parent(found) is None and self._reader.frame(found) is None:
                    continue  # the main greenlet, running: that is the thread
            except Exception:  # one of another thread that has ended
                continue
            main = self._reader.main_of(found)
            if self._is_debuggers(found, main):
                continue
            ident = threads.get(id(main))
            groups.setdefault(ident, []).append(found)
        self._found = []
        return [Group(self, ident, None, members) for ident, members in groups.items()]

    def _is_debuggers(self, greenlet: object, main: object) -> bool:
        """Return whether a greenlet runs code of a debugger, or in a thread of it."""
        assert self._reader is not None
        thread = thread_with(id(greenlet))  # gevent's threads are greenlets
        if thread is not None and is_debuggers(thread, None):
            return True
        key = id(main)
        if key not in self._debuggers:
            if self._own_main is main:  # which a debugger may run us in
                self._debuggers[key] = this_thread() not in self._threads
                return self._debuggers[key]
            outermost = frames_outward(self._reader.frame(main))[-1:]
            thread = thread_that_began(outermost[0]) if outermost else None
            own = thread is None and is_debuggers(None, self._reader.frame(main))
            self._debuggers[key] = own or (thread is not None and is_debuggers(thread, None))
        return self._debuggers[key]

    def _threads_of_mains(self) -> Dict[int, int]:
        """Return the number of their thread by the identity of main greenlets, where that is certain."""
        assert self._reader is not None
        idents: Dict[int, int] = {}
        here = calling_frame()
        for record in self._threads.values():
            if record.frame is here:
                idents[id(self._reader.main_of(self._reader.current()))] = record.ident
        by_thread = {id(record.thread): record.ident for record in self._threads.values() if record.thread is not None}
        by_outermost = {
            id(frames[-1]): record.ident
            for record in self._threads.values()
            for frames in (frames_outward(record.frame),)
            if frames
        }
        for found in self._found:
            main = self._reader.main_of(found)
            ident = worker_thread(found)
            if ident in self._threads:
                idents[id(main)] = ident
            frames = frames_outward(self._reader.frame(found))
            if id(main) in idents or not frames or found is not main:
                continue
            outermost = frames[-1]
            if id(outermost) in by_outermost:
                idents[id(main)] = by_outermost[id(outermost)]
            else:
                thread = thread_that_began(outermost)
                if id(thread) in by_thread:
                    idents[id(main)] = by_thread[id(thread)]
        return idents

    def suspended_callers(self) -> Dict[int, Tuple[types.FrameType, ...]]:
        """Return, by the number of the thread, the innermost frames of what has switched to the greenlet it executes.

        The nearest first. What these were executing, the thread is still executing.
        """
        found: Dict[int, Tuple[types.FrameType, ...]] = {}
        if self._reader is None or sys.implementation.name == "pypy":  # there, the frames of all are in one chain
            return found
        threads: Optional[Dict[int, int]] = None
        for greenlet in self._found:
            try:
                callers = self._reader.callers(greenlet)
                if not callers or not self._reader.is_running(greenlet):
                    continue
                if threads is None:
                    threads = self._threads_of_mains()
                ident = threads.get(id(self._reader.main_of(greenlet)))
                if ident is not None:
                    frames = [self._reader.frame(caller) for caller in callers]
                    found[ident] = tuple([frame for frame in frames if frame is not None])
            except Exception:  # one of a thread that has ended
                continue
        return found

    def name_of(self, obj: object) -> Optional[str]:
        return exact_str(get_field(obj, "name"))

    def moment_of(self, obj: object) -> Tuple[object, ...]:
        assert self._reader is not None
        frame = self._reader.frame(obj)
        where = (frame, frame.f_lasti) if frame is not None else (get_field(obj, "_stack_saved"),)
        return (*where, *[each for waits in self._waits for each in waits.moment_of(obj, frame)])

    def is_thread_running(self, obj: object) -> bool:
        if self._reader is None or sys.implementation.name == "pypy":  # there, the frames of all are in one chain
            return False
        return self._reader.is_running(obj)

    def describe(self, obj: object, group: Group, listing: Listing, traceback: Optional[Traceback]) -> Activity:
        assert self._reader is not None
        frame = self._reader.frame(obj)
        thread = listing.thread(group.thread)
        tops = NOWHERE
        signature: Optional[int] = None
        state: ActivityState
        wait: Optional[Wait] = None
        if self._reader.is_dead(obj):
            state = "done"
        elif not self._reader.is_active(obj):
            state = "created"
        elif frame is None and not self._reader.is_switched_out(obj):
            state = "running"
            frame = thread.frame if thread is not None else None
            wait = wait_in(thread) if thread is not None and is_hub(obj) else None
            if wait is not None and wait.kind != "events":
                wait = None
            state = "running" if wait is None else "suspended"
            if frame is not None:
                tops = tops_of_frames(frame, listing.is_own, frames_outward(frame)[-1])
        else:
            state = "suspended"
            tops, signature = listing.survey_frames(frames_outward(frame)[::-1])
            for waits in self._waits:
                wait = wait or waits.of(obj, frame, listing)
        parent = self._reader.parent(obj)
        # What a task executes in it belongs to that.
        driver = listing.driver_of(frames_outward(frame)[-1]) if frame is not None and state == "suspended" else None
        if driver is not None:
            parent_id: Optional[str] = driver
        elif parent is not None and self._reader.parent(parent) is not None:
            parent_id = listing.id_of(parent, "greenlet")
        else:
            parent_id = thread.id if thread is not None else None
        return Activity(
            kind="greenlet",
            framework="gevent" if any(is_a(obj, cls) for cls in self._gevent) else "greenlet",
            id=listing.id_of(obj, "greenlet"),
            name=self._name_of(obj, frame, state),
            state=state,
            target=obj,
            parent=parent_id,
            thread=thread.id if thread is not None else None,
            waits_for=wait,
            top=tops.top,
            traceback=traceback,
            signature=signature,
            innermost=tops.innermost,
        )

    def _name_of(self, obj: object, frame: Optional[types.FrameType], state: ActivityState) -> str:
        name = name_of_greenlet(obj, "")
        if name:
            return name
        frames = frames_outward(frame)
        if frames and state == "suspended":
            return funcname_of(frames[-1].f_code)
        return type_name(type(obj))


def name_of_greenlet(obj: object, otherwise: Optional[str] = None) -> str:
    """Return the name of a greenlet, or of what it was made to run, or *otherwise*, which is its type by default."""
    name = exact_str(get_field(obj, "name"))
    if name:
        return name
    found = reader()
    if found is not None and is_a(obj, found.cls) and found.parent(obj) is None:
        return "main greenlet"
    if is_hub(obj):
        return "hub"
    name = exact_str(get_field(thread_with(id(obj)), "_name"))  # gevent's threads are greenlets
    if name:
        return name
    for field in ("_run", "run"):
        function = get_field(obj, field)
        if function is not None:
            return callable_name(function)
    return type_name(type(obj)) if otherwise is None else otherwise


def is_hub(obj: object) -> bool:
    """Return whether *obj* is a hub of gevent."""
    module = imported("gevent.hub")
    hub: Any = module_field(module, "Hub") if module is not None else None
    return is_a(hub, type) and is_a(obj, hub)
