"""The functions of the standard library that waits of threads end in."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import collections
import gc
import sys
import types
from _thread import RLock as CRLock, allocate_lock
from typing import Any, List, Optional, cast

from ..._frames import local_variable
from ..._objects import exact_str, get_field, is_a, module_field
from ..._snapshot.source import caller_of
from ..._waits.facts import Held, called_from_outside, fuller_words, held_by, held_in_block
from .._addresses import words_of_socket
from .._known import Known
from .concurrent import pending
from .hooks import rlock_owner

THREAD_WAITS: Known = (
    ("threading", "Condition.wait", "condition"),
    ("threading", "Condition.wait_for", "condition"),
    ("threading", "Event.wait", "event"),
    ("threading", "Semaphore.acquire", "semaphore"),
    ("threading", "Barrier.wait", "barrier"),
    ("threading", "Barrier._wait", "barrier"),
    ("threading", "Thread.join", "thread to end"),
    ("threading", "Thread._wait_for_tstate_lock", "thread to end"),
    ("queue", "Queue.get", "item of a queue"),
    ("queue", "Queue.put", "place in a queue"),
    ("queue", "Queue.join", "end of a queue"),
    ("queue", "_PySimpleQueue.get", "item of a queue"),  # where there is none that is written in C: PyPy
    ("concurrent.futures._base", "Future.result", "future"),
    ("concurrent.futures._base", "Future.exception", "future"),
    ("concurrent.futures._base", "wait", "futures"),
    ("concurrent.futures._base", "as_completed", "futures"),
    ("concurrent.futures._base", "Executor.__exit__", ""),
    ("concurrent.futures.thread", "ThreadPoolExecutor.shutdown", "executor to end"),
    ("concurrent.futures.thread", "_worker", "work"),
    ("selectors", "SelectSelector.select", "events"),
    ("selectors", "SelectSelector._select", "events"),
    ("selectors", "_PollLikeSelector.select", "events"),
    ("selectors", "EpollSelector.select", "events"),
    ("selectors", "KqueueSelector.select", "events"),
    ("socket", "socket.accept", "connection"),
    ("subprocess", "Popen.wait", "process"),
    ("subprocess", "Popen._wait", "process"),
    ("subprocess", "Popen._try_wait", "process"),
    ("subprocess", "Popen.communicate", "process"),
    ("subprocess", "Popen._communicate", "process"),
)
_LOCKS = [
    ("_thread", f"{cls}.{name}", "lock")
    for cls in ("LockType", "RLock")
    for name in ("acquire", "acquire_lock", "__enter__")
]
#: The functions written in C that threads wait in. Not those that read or write files: these mostly need not wait.
THREAD_CALLS: Known = (
    *_LOCKS,
    ("time", "sleep", "sleep"),
    ("_queue", "SimpleQueue.get", "item of a queue"),
    ("builtins", "input", "input"),
    ("posix", "read", "data to read"),
    ("posix", "readv", "data to read"),
    ("posix", "wait", "process"),
    ("posix", "wait3", "process"),
    ("posix", "wait4", "process"),
    ("posix", "waitid", "process"),
    ("posix", "waitpid", "process"),
    ("posix", "system", "process"),
    ("_signal", "pause", "signal"),
    ("_signal", "sigwait", "signal"),
    ("_signal", "sigwaitinfo", "signal"),
    ("_signal", "sigtimedwait", "signal"),
    ("fcntl", "flock", "lock of a file"),
    ("fcntl", "lockf", "lock of a file"),
    ("select", "select", "events"),
    ("select", "epoll.poll", "events"),
    ("select", "kqueue.control", "events"),
    ("_socket", "socket._accept", "connection"),
    ("_socket", "socket.connect", "connection"),
    ("_socket", "socket.connect_ex", "connection"),
    ("_socket", "socket.recv", "socket data"),
    ("_socket", "socket.recv_into", "socket data"),
    ("_socket", "socket.recvfrom", "socket data"),
    ("_socket", "socket.recvfrom_into", "socket data"),
    ("_socket", "socket.recvmsg", "socket data"),
    ("_socket", "socket.recvmsg_into", "socket data"),
    ("_socket", "socket.send", "socket to send"),
    ("_socket", "socket.sendall", "socket to send"),
    ("_socket", "socket.sendto", "socket to send"),
    ("_socket", "socket.sendmsg", "socket to send"),
    ("_socket", "getaddrinfo", "name resolution"),
    ("_socket", "gethostbyname", "name resolution"),
    ("_socket", "gethostbyname_ex", "name resolution"),
    ("_socket", "gethostbyaddr", "name resolution"),
    ("_ssl", "_SSLSocket.read", "socket data"),
    ("_ssl", "_SSLSocket.write", "socket to send"),
    ("_ssl", "_SSLSocket.do_handshake", "handshake"),
)


def install_locks(module: types.ModuleType) -> None:
    """Register what the locks of `threading` say about who holds them."""
    held_by.register(type(allocate_lock()), _lock)
    held_by.register(CRLock, _rlock)
    held_by.register(cast(type, module_field(module, "_RLock")), _rlock)
    held_by.register(cast(type, module_field(module, "Semaphore")), _semaphore)
    held_in_block.register(cast(type, module_field(module, "Condition")), lambda each: get_field(each, "_lock"))
    called_from_outside.append(_called_from_outside)
    barrier = module_field(module, "Barrier")
    if barrier is not None:
        fuller_words.register(barrier, words_of_barrier)


def install_queues(module: types.ModuleType) -> None:
    """Register the words for queues of threads."""
    fuller_words.register(cast(type, module_field(module, "Queue")), _queue)


def _called_from_outside() -> List[object]:
    """Return what the interpreter calls by itself: handlers of signals, callbacks of the garbage collector, hooks."""
    numbers = range(1, _signal.NSIG)
    found: List[object] = [*getattr(gc, "callbacks", ()), sys.excepthook, getattr(sys, "unraisablehook", None)]
    for number in numbers:
        try:
            found.append(_signal.getsignal(number))
        except ValueError:  # there is none of this number
            continue
    return found


def install_c_queues(module: types.ModuleType) -> None:
    """Register the words for the queues that are written in C."""
    simple: Any = module_field(module, "SimpleQueue")
    if is_a(simple, type):
        fuller_words.register(simple, lambda each, words: words_with_level(words, simple.qsize(each), None))


def install_processes(module: types.ModuleType) -> None:
    """Register which process one waits for."""
    fuller_words.register(cast(type, module_field(module, "Popen")), words_of_process)


def install_sockets(module: types.ModuleType) -> None:
    """Register the words for sockets."""
    fuller_words.register(cast(type, module_field(module, "socket")), words_of_socket)


def install_ssl(module: types.ModuleType) -> None:
    """Register the words for sockets with TLS, which is a part of them."""
    cls = module_field(module, "_SSLSocket")
    if is_a(cls, type):
        fuller_words.register(cls, lambda each, words: words_of_socket(get_field(each, "owner"), words))


def words_of_process(process: object, words: str) -> Optional[str]:
    """Return the words for a wait for a process, which has its number in the field ``pid``."""
    pid = get_field(process, "pid")
    return f"process {pid}" if words == "process" and type(pid) is int else None


def futures_waited_for(innermost: types.FrameType) -> List[object]:
    """Return the futures that a thread waits for in `concurrent.futures.wait` or `as_completed`."""
    module = sys.modules.get("concurrent.futures._base")
    functions = {"wait": "not_done", "as_completed": "pending"}
    codes = {
        id(cast(types.FunctionType, module_field(module, name)).__code__): variable
        for name, variable in functions.items()
        if type(module) is types.ModuleType and type(module_field(module, name)) is types.FunctionType
    }
    frame: Optional[types.FrameType] = innermost
    while frame is not None:
        variable = codes.get(id(frame.f_code))
        if variable is not None:
            return pending(local_variable(frame, variable))
        frame = caller_of(frame)
    return []


def lock_taken_again(innermost: types.FrameType, condition: object) -> Optional[object]:
    """Return the lock of *condition* if the thread has been woken from there and only waits for that; or None."""
    frame: Optional[types.FrameType] = innermost
    while frame is not None:
        if exact_str(frame.f_code.co_name) == "wait" and "saved_state" in frame.f_code.co_varnames:
            if local_variable(frame, "self") is not condition or local_variable(frame, "gotit") is None:
                return None
            waiter, waiters = local_variable(frame, "waiter"), get_field(condition, "_waiters")
            is_woken = type(waiters) is collections.deque and all(each is not waiter for each in waiters.copy())
            return cast(object, get_field(condition, "_lock")) if is_woken else None
        frame = caller_of(frame)
    return None


def _lock(lock: object) -> Held:
    return Held(None, 1, not type(allocate_lock()).locked(lock))  # type: ignore[arg-type]


def _rlock(lock: object) -> Optional[Held]:
    owner = rlock_owner(lock)
    if owner is None:
        return None
    return Held(((owner, 1),) if owner else (), 1, not owner)


def _semaphore(semaphore: object) -> Optional[Held]:
    value, total = get_field(semaphore, "_value"), get_field(semaphore, "_initial_value")
    return Held(None, total if type(total) is int else None, value > 0) if type(value) is int else None


def _queue(queue: object, words: str) -> Optional[str]:
    items, most = get_field(queue, "queue"), get_field(queue, "maxsize")
    return words_of_queue(words, items, most, get_field(queue, "unfinished_tasks"))


def words_of_queue(words: str, items: object, most: object, unfinished: object) -> Optional[str]:
    """Return how full a queue is, in words, for one who waits for an item, a place or its end."""
    if words == "end of a queue":
        if type(unfinished) is not int:
            return None
        return "1 unfinished item of a queue" if unfinished == 1 else f"{unfinished} unfinished items of a queue"
    if type(items) is not collections.deque and type(items) is not list:
        return None
    return words_with_level(words, len(items), most if type(most) is int and most > 0 else None)


def words_with_level(words: str, count: int, most: Optional[int]) -> str:
    """Return *words* with how full a queue, channel or stream is."""
    if most is not None:
        return f"{words} ({count} of {most})"
    return f"{words} ({count} in it)" if count else f"{words} (empty)"


def words_of_barrier(barrier: object, words: str) -> Optional[str]:
    """Return how many are missing at a barrier of threads or tasks."""
    count, parties = get_field(barrier, "_count"), get_field(barrier, "_parties")
    return (
        f"{parties - count} more of {parties} parties at a barrier"
        if type(count) is int and type(parties) is int
        else None
    )
