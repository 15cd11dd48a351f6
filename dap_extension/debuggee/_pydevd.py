"""Everything that touches pydevd, the part of debugpy inside the debugged process.

Facts about its internals hold for debugpy 1.6.7 to 1.8.22. Nothing here is public there, so all of it is in this
file, and what a version lacks is reported instead of guessed.
"""

from __future__ import annotations

import _thread
import itertools
import os
import socket
import sys
import threading
import types
import weakref
from typing import Any, Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from asynctb._collector import without_collections
from asynctb._objects import class_attribute, exact_str, get_field, module_of_frame
from asynctb._snapshot.source import caller_of
from asynctb._stacks.follow import this_thread

from ..protocol import AsText
from ._errors import RequestError

#: pydevd's objects have no types that could be named here.
Debugger = Any
Request = Any
Tracker = Any
Handler = Callable[[Debugger, Request], None]

#: The method of ``PyDB`` (pydevd.py) in which a suspended thread waits.
SUSPENDING_FUNCTION = "do_wait_suspend"
#: What the interpreter calls for each event that the debugger traces; on CPython mostly compiled, so without frames.
TRACING_FILES = (
    "_pydevd_sys_monitoring.py",
    "pydevd_frame.py",
    "pydevd_frame_tracing.py",
    "pydevd_trace_dispatch_regular.py",
)
#: A file name that the debugger neither traces nor shows (``IGNORE_BASENAMES_STARTING_WITH`` in pydevd_constants.py).
IGNORED_FILE = "<frozen asynctb>"

#: Bytes of the stack of a thread that can do everything.
_LEAST_STACK = 1 << 20

_KEY = "_asynctb_helper_key"
_UNINSTALL = "_asynctb_helper_uninstall"


def _module(name: str) -> Any:
    module = sys.modules.get(name)
    if module is None:
        raise RuntimeError("this process is not being debugged by debugpy: it has not loaded " + name)
    return module


def _thread_ident() -> int:
    """Return the ident of this thread as pydevd and `threading` know it: under gevent, it is that of a greenlet."""
    ident: int = _module("threading").get_ident()
    return ident


def _processor() -> Any:
    return _module("_pydevd_bundle.pydevd_process_net_command_json").PyDevJsonCommandProcessor


def _schema() -> Any:
    return _module("_pydevd_bundle._debug_adapter.pydevd_base_schema")


# Requests


def installed_key() -> Optional[str]:
    """Return the key of the helper that is installed in this process, or None."""
    key: Optional[str] = _processor().__dict__.get(_KEY)
    return key


def install(key: str, handlers: Mapping[str, Handler], uninstall: Callable[[], None]) -> None:
    """Answer the requests that *handlers* names, in place of another helper that may be installed.

    :param handlers: command -> what answers it. It is called on pydevd's reader thread, while that holds the
        debugger's main lock: it must only `post` the work.
    :param uninstall: undoes what the handlers did to the debugger; called before another helper takes over.
    """
    processor = _processor()
    previous = processor.__dict__.get(_UNINSTALL)
    if previous is not None:
        previous()

    def method_of(handler: Handler) -> Callable[[Any, Debugger, Request], None]:
        def on_request(_processor: Any, py_db: Debugger, request: Request) -> None:
            try:
                handler(py_db, request)
            except BaseException:  # not even for want of memory: out of here it would end the session
                respond_error(py_db, request, RequestError("internal", "the request could not be dealt with"))

        return on_request

    schema = _module("_pydevd_bundle._debug_adapter.pydevd_schema")
    register = _schema().register_request
    for command, handler in handlers.items():
        # The handler first: a known request without a handler is never answered, and the adapter waits for good.
        setattr(processor, f"on_{command.lower()}_request", method_of(handler))
        register(command)(schema.Request)
    setattr(processor, _KEY, key)
    setattr(processor, _UNINSTALL, uninstall)


def uninstall(commands: Iterable[str]) -> None:
    """Make the commands unknown again, which the debugger answers with an error."""
    processor = _processor()
    for command in commands:
        # The request class first, for the reason given in `install`.
        _schema()._requests_to_types.pop(command, None)
        if f"on_{command.lower()}_request" in processor.__dict__:
            delattr(processor, f"on_{command.lower()}_request")
    for name in (_KEY, _UNINSTALL):
        if name in processor.__dict__:
            delattr(processor, name)


def wrap_request(command: str, wrapper: Callable[[Callable[[], Any], Debugger, Request], Any]) -> Callable[[], None]:
    """Change how the debugger answers a standard *command*.

    :param wrapper: called in place of the debugger's method, on its reader thread, with what calls that method, the
        debugger and the request. It returns the command that answers the request, or None if that comes later. It must
        not raise, except for what the debugger's method raises.
    :returns: what undoes it.
    """
    processor = _processor()
    name = f"on_{command.lower()}_request"
    original = processor.__dict__[name]

    def on_request(self: Any, py_db: Debugger, request: Request) -> Any:
        return wrapper(lambda: original(self, py_db, request), py_db, request)

    setattr(processor, name, on_request)
    return lambda: setattr(processor, name, original)


def post(py_db: Debugger, work: Callable[[], None]) -> None:
    """Have *work* called soon on pydevd's command thread, without the debugger's main lock.

    :param work: must not raise; pydevd would print that to the program's standard error.
    """
    py_db.post_internal_command(_Command(work), "*")


def may_start_thread() -> bool:
    """Return whether a thread of the debugger's own can be started without code of the program running, or waiting.

    Not while a thread that may be paused holds the lock of `threading`, nor where the program has replaced what starts
    threads, has functions called in each, or wants them to have small stacks; and not under gevent, which the debugger
    warns of at each start.
    """
    if "gevent" in sys.modules or 0 < _thread.stack_size() < _LEAST_STACK:
        return False
    module = _module("threading")
    for name in ("__init__", "start", "join", "_bootstrap", "_bootstrap_inner"):
        method = class_attribute(module.Thread, name)
        if type(method) is not types.FunctionType or method.__globals__ is not module.__dict__:
            return False
    lock = module._active_limbo_lock
    if module._profile_hook is not None or not any(type(lock) is kind for kind in (_thread.LockType, _thread.RLock)):
        return False
    if not lock.acquire(False):
        return False
    lock.release()
    return True


def start_thread(py_db: Debugger, work: Callable[[], None]) -> Any:
    """Have *work*, which must not raise, called on a new thread that is not traced and is none of the program's.

    Returns the `threading.Thread`. It must be kept until it has been joined: if the thread itself drops it, at its very
    end, pydevd notes an unknown thread in the program's table, for good (``_create_thread_info``).
    """
    thread = _module("_pydevd_bundle.pydevd_daemon_thread").PyDBDaemonThread(py_db, (work, (), {}))
    thread.start()
    return thread


#: How often a thread may leave work to another one: more often than threads stop at once. Should the right one never be
#: recognised, the session shall not be lost.
_MOST_TIMES_LEFT = 1000
#: What evaluates an expression: the function that is called for the request, and the module and name of the one that
#: returns before the answer is sent.
_EVALUATION_COMMAND = "internal_evaluate_expression_json"
_EVALUATION = ("_pydevd_bundle.pydevd_vars", "evaluate_expression")


def _on_command_thread(py_db: Debugger) -> bool:
    """Whether this is pydevd's command thread, or none is left."""
    thread = py_db.py_db_command_thread
    if thread is None or thread.ident == _thread_ident() or not thread.is_alive():
        return True
    # That may be gevent's, which does not know a thread that was started before gevent came.
    try:
        return bool(thread.ident == this_thread())
    except Exception:  # raised by an audit hook of the program
        return True


def is_evaluating(py_db: Debugger) -> bool:
    """Whether an expression is evaluated on the command thread, or waits for it: one for which no frame was selected.

    What is posted then waits for the end of the evaluation, and debugpy's adapter, which deals with nothing else before
    it has the answer, with it. To be called on the reader thread, while that holds the debugger's main lock: without
    that no command leaves the queue.
    """
    waiting = [get_field(command, "method") for command in tuple(py_db._cmd_queue["*"].queue)]
    if any(getattr(method, "__name__", None) == _EVALUATION_COMMAND for method in waiting):
        return True
    thread = py_db.py_db_command_thread
    try:
        frame = sys._current_frames().get(thread.ident) if thread is not None else None
    except Exception:  # raised by an audit hook of the program
        return False
    while frame is not None:
        if (module_of_frame(frame), exact_str(frame.f_code.co_name)) == _EVALUATION:
            return True
        frame = caller_of(frame)
    return False


class _Command:
    """What `PyDB.process_internal_commands` (pydevd.py) executes.

    Not one of pydevd's own: for each that any thread may execute, it keeps a reference to a lock for good
    (``_fork_safe_locks`` in pydevd_constants.py).
    """

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._times_left = 0

    def can_be_executed_by(self, thread_id: object) -> bool:
        return True

    def do_it(self, py_db: Debugger) -> None:
        # A thread of the program that is about to be suspended takes commands for any thread, too (do_wait_suspend in
        # pydevd.py). It has not got its frames tracked yet, and should not be delayed: leave the work to pydevd.
        if self._times_left < _MOST_TIMES_LEFT and not _on_command_thread(py_db):
            self._times_left += 1
            py_db.post_internal_command(self, "*")
        else:
            without_collections(self._work)


def respond(py_db: Debugger, request: Request, body: Mapping[str, Any]) -> None:
    """Send the answer to a request."""
    _send(py_db, {"success": True, "request_seq": request.seq, "command": request.command, "body": body})


def as_text(body: Mapping[str, Any]) -> AsText:
    """Return the body of an answer as one text.

    debugpy's adapter makes an object of its own of each one inside of a body, and takes longer for that than all others
    take for the rest.
    """
    # With the module by which pydevd does the same to whatever it sends.
    return {"text": _module("_pydevd_bundle.pydevd_net_command").json.dumps(body, separators=(",", ":"))}


def respond_error(py_db: Debugger, request: Request, error: RequestError) -> None:
    """Send the error that a request ended with."""
    _send(
        py_db,
        {
            "success": False,
            "request_seq": request.seq,
            "command": request.command,
            "message": f"{error.code}: {error.text}",
            "body": {"error": error.details()},
        },
    )


def send_event(py_db: Debugger, event: str, body: Mapping[str, Any]) -> None:
    """Send an event to the client."""
    _send(py_db, {"type": "event", "event": event, "body": body})


def _send(py_db: Debugger, message: Dict[str, Any]) -> None:
    writer = py_db.writer
    if writer is None:
        return  # the client has gone; nobody waits for this answer
    _send_at_once(writer)
    message.setdefault("type", "response")
    net_command = _module("_pydevd_bundle.pydevd_net_command").NetCommand
    cmd_return = _module("_pydevd_bundle.pydevd_comm_constants").CMD_RETURN
    writer.add_command(net_command(cmd_return, 0, message, is_json=True))


def _send_at_once(writer: Any) -> None:
    """Switch Nagle's algorithm off: pydevd writes header and body apart, and the body would wait 40 ms for an ACK."""
    try:
        writer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except (AttributeError, OSError):
        pass  # not a TCP socket, or closed


def wire_id(object_id: Any) -> int:
    """Return the number that stands for an id of pydevd's (of a frame, a thread) in DAP messages."""
    return wire_ids()(object_id)


def wire_ids() -> Callable[[Any], int]:
    """Return `wire_id` for many ids: pydevd is looked up once."""
    translate: Callable[[Any], int] = _schema().BaseSchema._translate_id_to_dap
    return translate


# Suspended threads


class SuspendedThread(NamedTuple):
    """A thread that the debugger holds."""

    #: pydevd's id of it.
    thread_id: str
    #: Holds what clients may refer to (frames, variables) until the thread goes on.
    tracker: Tracker
    #: Frames as the debugger shows them, innermost first.
    frames: List[Any]
    #: The `threading.Thread`, or None if the debugger has forgotten it.
    thread: Optional[threading.Thread]
    #: If it stopped at an exception, the traceback of that: the frames may have been left already.
    traceback: Optional[types.TracebackType]


def suspended_threads(py_db: Debugger) -> List[SuspendedThread]:
    """Return the threads that are suspended now, in the order in which they stopped."""
    found = []
    threads = threads_by_id(py_db)
    for thread_id, tracker in list(py_db.suspended_frames_manager._thread_id_to_tracker.items()):
        # Other entries of the same tracker are pseudo-threads, such as ours.
        if thread_id != tracker.get_main_thread_id():
            continue
        frames = tracker.get_frames_list(thread_id)
        if frames is not None:
            trace = getattr(frames, "trace_obj", None)
            found.append(SuspendedThread(thread_id, tracker, list(frames), threads.get(thread_id), trace))
    return found


def is_suspended(py_db: Debugger, tracker: Tracker) -> bool:
    """Whether the thread that *tracker* belongs to has not gone on since."""
    return any(tracker is other for other in list(py_db.suspended_frames_manager._thread_id_to_tracker.values()))


def threads_by_id(py_db: Debugger) -> Dict[str, threading.Thread]:
    """Return the program's threads that the debugger knows, by its own ids."""
    threads: Dict[str, threading.Thread] = dict(py_db._running_thread_ids)
    own = _module("_pydev_bundle._pydev_saved_modules").threading
    if own is not threading:
        # With GEVENT_SUPPORT, the debugger has a copy of `threading`, in which only the main thread has a counterpart.
        ours = {id(own.main_thread()): threading.main_thread()}
        threads = {thread_id: ours.get(id(thread), thread) for thread_id, thread in threads.items()}
    return threads


def is_to_stop(thread: object) -> bool:
    """Whether the debugger has stopped *thread*, or will as soon as it executes code that is traced."""
    info = get_field(thread, "additional_info")
    return info is not None and info.pydev_state == _module("_pydevd_bundle.pydevd_constants").STATE_SUSPEND


def stops_everywhere(py_db: Debugger) -> bool:
    """Whether the debugger also stops at code that is not the user's: without ``justMyCode`` and other filters."""
    return not py_db.is_files_filter_enabled


def traces_all_threads() -> bool:
    """Whether the debugger uses `sys.monitoring`, which no thread escapes, and not a trace function in each thread."""
    return bool(getattr(_module("_pydevd_bundle.pydevd_constants"), "PYDEVD_USE_SYS_MONITORING", False))


def on_resume(callback: Callable[[Debugger, str], None]) -> Callable[[], None]:
    """Have *callback* called by each thread that was suspended and goes on, once it is known how.

    It must be quick, and gets the debugger and its id of the thread.

    :returns: what undoes it.
    """
    factory = _module("_pydevd_bundle.pydevd_net_command_factory_json").NetCommandFactoryJson
    original = factory.__dict__["make_thread_run_message"]

    def make_thread_run_message(self: Any, *args: Any) -> Any:
        try:
            # The first of three is the debugger, which older ones leave out (debugpy 1.6).
            py_db = args[0] if len(args) > 2 else _module("_pydevd_bundle.pydevd_constants").get_global_debugger()
            callback(py_db, args[-2])
        except Exception:  # never in the program's own thread
            pass
        return original(self, *args)

    factory.make_thread_run_message = make_thread_run_message
    return lambda: setattr(factory, "make_thread_run_message", original)


def step_to(py_db: Debugger, thread_id: str, frame: types.FrameType, is_only: bool) -> None:
    """Have a thread that goes on stop where *frame* next executes a line.

    :param is_only: whether nothing is of interest if the frame returns before; if not, the thread stops in its caller.
        Then `step_as_usual` must be called when it has stopped.
    """
    command = _module("_pydevd_bundle.pydevd_comm_constants").CMD_STEP_OVER_MY_CODE
    thread = py_db._running_thread_ids.get(thread_id)
    info = get_field(thread, "additional_info") if thread is not None else None
    ident = next((ident for ident, each in list(_active_threads().items()) if each is thread), None)
    if info is None or ident is None:
        return
    info.pydev_original_step_cmd = command
    info.pydev_step_cmd = command
    info.pydev_step_stop = frame
    # As in a cell of IPython, where steps end in that and not where it returns to.
    info.pydev_use_scoped_step_frame = is_only
    info.update_stepping_info()
    monitoring = _module("_pydevd_sys_monitoring.pydevd_sys_monitoring") if traces_all_threads() else None
    if monitoring is not None:
        monitoring.update_monitor_events(suspend_requested=True)
    py_db.set_trace_for_frame_and_parents(ident, frame)
    if monitoring is not None:
        monitoring.restart_events()


def step_as_usual(py_db: Debugger, thread_id: str) -> None:
    """Take back what `step_to` has changed for good, unless the debugger does."""
    info = get_field(py_db._running_thread_ids.get(thread_id), "additional_info")
    if info is not None and not _module("_pydevd_bundle.pydevd_constants").PYDEVD_IPYTHON_COMPATIBLE_DEBUGGING:
        info.pydev_use_scoped_step_frame = False


def has_breakpoints(py_db: Debugger, filename: Optional[str] = None) -> bool:
    """Whether there are breakpoints at lines, in a code object's file or in any."""
    if filename is None:
        return any(list(py_db.breakpoints.values()))
    canonical = _module("pydevd_file_utils").get_abs_path_real_path_and_base_from_file(filename)[1]
    return bool(py_db.breakpoints.get(canonical))


def _active_threads() -> Dict[int, Any]:
    """Return the debugger's table of threads by their ident."""
    active: Dict[int, Any] = _module("_pydev_bundle._pydev_saved_modules").threading._active
    return active


def trace_frames(py_db: Debugger, frames: List[types.FrameType]) -> None:
    """Have the lines traced that have breakpoints; with `sys.monitoring`, in all calls of the functions of *frames*."""
    # A thread is asked whether it steps; none has these frames.
    known = {id(thread) for thread in list(py_db._running_thread_ids.values())}
    ident = next((ident for ident, thread in list(_active_threads().items()) if id(thread) in known), None)
    if ident is None or not frames:
        return
    for frame in frames:
        py_db.set_trace_for_frame_and_parents(ident, frame)
    if traces_all_threads():
        _module("_pydevd_sys_monitoring.pydevd_sys_monitoring").restart_events()


def suspend_this_thread(py_db: Debugger, frame: types.FrameType) -> None:
    """Do what the debugger's trace function does for a line of the user's code: stop here, if the thread is to stop.

    Returns when the thread goes on.

    :param frame: of the calling thread; the innermost one that clients see.
    """
    thread = threading._active.get(_thread_ident())  # type: ignore[attr-defined]
    if not is_to_stop(thread):
        return
    outer: Optional[types.FrameType] = frame
    while outer is not None:
        # It is held already, and runs an event loop for a client's evaluation.
        if exact_str(outer.f_code.co_name) == SUSPENDING_FUNCTION:
            return
        outer = outer.f_back
    if traces_all_threads():
        thread.additional_info.trace_suspend_type = "sys_monitor"
    py_db.do_wait_suspend(thread, frame, "line", None)


# Frames that clients may refer to


class _TolerantDict(Dict[Any, Any]):
    """A dict whose entries may be deleted twice, and with them the numbers that stand for their keys.

    ``_FramesTracker.untrack_all`` deletes the entry of each of its frames (pydevd_suspended_frames.py). If two trackers
    have tracked the same frame, the second one's KeyError would surface in the program's own code, and end it. The
    debugger never forgets a number, which is bearable for the few frames that it shows itself.
    """

    def __delitem__(self, key: object) -> None:
        self.pop(key, None)
        schema = _schema().BaseSchema
        scope = _module("_pydevd_bundle.pydevd_utils").ScopeRequest
        for obj in (key, scope(key, "locals"), scope(key, "globals")):
            number = schema._obj_id_to_dap_id.pop(obj, None)
            if number is not None:
                schema._dap_id_to_obj_id.pop(number, None)


def tracked_frame(py_db: Debugger, frame: Any) -> bool:
    """Whether clients may refer to *frame* already."""
    tracker = py_db.suspended_frames_manager._variable_reference_to_frames_tracker.get(id(frame))
    return tracker is not None and tracker._frame_id_to_frame.get(id(frame)) is frame


_holds = itertools.count(1)


def hold(py_db: Debugger, host: SuspendedThread, obj: object) -> Optional[weakref.ref[Any]]:
    """Keep *obj* alive until *host* goes on, or nothing.

    It hangs on an empty list of frames that the tracker of the thread keeps, as long as it keeps any, and drops before
    the thread runs again (``untrack_all`` in pydevd_suspended_frames.py).

    :returns: for `held`; None if *host* has gone on.
    """
    frames_list = _module("_pydevd_bundle.pydevd_frame_utils").FramesList()
    frames_list.asynctb_held = obj
    ref = weakref.ref(frames_list)
    tracked = _track(py_db, host, frames_list, f"__frame__:asynctb-held-{next(_holds)}|{host.thread_id}")
    return ref if tracked else None


def held(ref: weakref.ref[Any]) -> object:
    """Return what `hold` keeps, or None if the thread has gone on."""
    frames_list = ref()
    return None if frames_list is None else frames_list.asynctb_held


def let_go(ref: weakref.ref[Any]) -> None:
    """No longer keep what `hold` keeps."""
    frames_list = ref()
    if frames_list is not None:
        frames_list.asynctb_held = None


def add_tracked_frame(py_db: Debugger, pseudo_thread_id: str, frame: Optional[types.FrameType]) -> bool:
    """List *frame*, which clients may refer to already, before those that are tracked under this id, if it is not.

    :param frame: None adds none.
    :returns: whether frames are tracked under this id.
    """
    frames = py_db.suspended_frames_manager.get_frames_list(pseudo_thread_id)
    if frames is None:
        return False
    if frame is not None and not any(frame is other for other in frames):
        frames._frames.insert(0, frame)
    return True


def frames_tracked_as(py_db: Debugger, pseudo_thread_id: str) -> List[types.FrameType]:
    """Return the frames that are tracked under this id, innermost first."""
    return list(py_db.suspended_frames_manager.get_frames_list(pseudo_thread_id) or ())


def stack_answer(py_db: Debugger, request: Request, pseudo_thread_id: str, in_full: bool = False) -> Any:
    """Return the command that answers a ``stackTrace`` request with the frames that are tracked under this id.

    :param in_full: whether to answer with all frames, whatever part of them is asked for.
    """
    arguments = request.arguments
    fmt = arguments.format
    return py_db.cmd_factory.make_get_thread_stack_message(
        py_db,
        request.seq,
        pseudo_thread_id,
        None,
        fmt.to_dict() if hasattr(fmt, "to_dict") else fmt,
        must_be_suspended=True,
        start_frame=0 if in_full else int(arguments.startFrame or 0),
        levels=0 if in_full else int(arguments.levels or 0),
    )


def all_frames(py_db: Debugger, request: Request, pseudo_thread_id: str) -> Optional[List[Dict[str, Any]]]:
    """Return all that `stack_answer` would say of frames, or None if there is no stack."""
    command = stack_answer(py_db, request, pseudo_thread_id, in_full=True)
    return None if command is None else command.as_dict["body"]["stackFrames"]


def frame_known_as(py_db: Debugger, number: int) -> Optional[types.FrameType]:
    """Return the frame that has this number in DAP messages, or None if there is none, or its thread has gone on."""
    frame_id = _schema().BaseSchema._dap_id_to_obj_id.get(number)
    tracker = py_db.suspended_frames_manager._variable_reference_to_frames_tracker.get(frame_id)
    frame: Optional[types.FrameType] = None if tracker is None else tracker._frame_id_to_frame.get(frame_id)
    return frame


def is_user_code(py_db: Debugger, filename: str) -> bool:
    """Whether a file is part of the user's project, by the rules of ``justMyCode``."""
    path = _module("pydevd_file_utils").get_abs_path_real_path_and_base_from_file(filename)[0]
    return bool(py_db._files_filtering.in_project_roots(path))


def send_command(py_db: Debugger, command: Any) -> None:
    """Send a command that the debugger has made."""
    if py_db.writer is not None:
        py_db.writer.add_command(command)


def track_frames(py_db: Debugger, host: SuspendedThread, frames: List[Any], pseudo_thread_id: str) -> bool:
    """Let clients refer to *frames* until *host* goes on, by the `wire_id` of their ``id()``.

    :param frames: frames that do not run, innermost first.
    :param pseudo_thread_id: a new id, under which the debugger lists them.
    :returns: False if *host* has gone on.
    """
    manager = py_db.suspended_frames_manager
    if type(manager._variable_reference_to_frames_tracker) is not _TolerantDict:
        manager._variable_reference_to_frames_tracker = _TolerantDict(manager._variable_reference_to_frames_tracker)
    frames_list = _module("_pydevd_bundle.pydevd_frame_utils").FramesList()
    for frame in frames:
        frames_list.append(frame)
    return _track(py_db, host, frames_list, pseudo_thread_id)


def _track(py_db: Debugger, host: SuspendedThread, frames_list: Any, pseudo_thread_id: str) -> bool:
    try:
        # Takes the same lock as the thread does when it goes on. Holding it around a check, too, is not possible:
        # up to debugpy 1.8.5 it is not reentrant.
        host.tracker.track(host.thread_id, frames_list, frame_custom_thread_id=pseudo_thread_id)
    except AttributeError:
        # A thread that goes on takes the tracker's manager away (untrack_all in pydevd_suspended_frames.py), so that
        # `track` fails before it has done anything.
        if host.tracker._untracked:
            return False
        raise
    return True


# Sources


class ClientSource(NamedTuple):
    """Where a client finds a source file."""

    path: str
    #: Nonzero if the client must ask the debugger for the text.
    reference: int
    #: The file on this side, for reading it.
    local_path: str


def is_debugger_file(py_db: Debugger, filename: str) -> bool:
    """Whether a code object's file name is one of debugpy's own files, whose frames are shown to nobody."""
    if filename.startswith("<asynctb_helper_"):
        return True
    path = _module("pydevd_file_utils").get_abs_path_real_path_and_base_from_file(filename)
    # Not PyDB.get_file_type: its cache would keep the code object of every frame that we look at.
    return bool(
        py_db._internal_get_file_type(path) == py_db.PYDEV_FILE
        or (not filename.startswith("<") and py_db.dont_trace_external_files(path[0]))
    )


def maps_lines(py_db: Debugger) -> bool:
    """Whether lines are mapped, too, and not only paths: where one source is made of several (notebook cells)."""
    return bool(getattr(py_db.source_mapping, "_mappings_to_server", None))


def client_source(py_db: Debugger, filename: str, line: int, frame_id: Optional[int]) -> Tuple[ClientSource, int]:
    """Return where a client finds a code object's file, and which line of it *line* is there.

    The line changes only where one source is made of several, such as the cells of a notebook.

    :param frame_id: ``id()`` of a tracked frame of that code, from which the debugger can make up a text if there is
        no file.
    """
    utils = _module("pydevd_file_utils")
    local_path = utils.get_abs_path_real_path_and_base_from_file(filename)[0]
    mapped, line, changed = py_db.source_mapping.map_to_client(local_path, line)
    path, applied = utils.map_file_to_client(mapped)
    reference = utils.get_client_filename_source_reference(path)
    if not reference and not applied and not changed and not os.path.exists(local_path):
        entry = _linecache_entry(local_path)
        if entry:
            reference = utils.create_source_reference_for_linecache(local_path)
        elif frame_id is not None:
            reference = utils.create_source_reference_for_frame_id(frame_id, local_path)
    return ClientSource(path, reference, local_path), line


def _linecache_entry(path: str) -> bool:
    """Whether the debugger can read the source from `linecache`.

    A lazy entry (a tuple of one) does not count: completing it calls the program's loader.
    """
    linecache = sys.modules.get("linecache")
    entry = linecache.cache.get(path) if linecache is not None else None
    return type(entry) is tuple and len(entry) == 4
