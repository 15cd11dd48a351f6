"""multiprocessing: what threads wait for that other processes have to do, so that nothing in this one can tell when."""

from __future__ import annotations

import types
from typing import Any, Optional, cast

from .._objects import exact_str, get_field, is_a, module_field
from .._waits.facts import fuller_words
from .._waits.kinds import add_words
from ._known import Known
from ._room import Room

_LOCK = "lock or semaphore of processes"
_CONNECTION = "multiprocessing.connection"
_SYNCHRONIZE = "multiprocessing.synchronize"
_POOL = "multiprocessing.pool"
THREAD_WAITS: Known = (
    ("multiprocessing.process", "BaseProcess.join", "process"),
    ("multiprocessing.popen_fork", "Popen.poll", ""),
    ("multiprocessing.popen_fork", "Popen.wait", ""),
    ("multiprocessing.popen_forkserver", "Popen.poll", ""),
    *[(_CONNECTION, f"_ConnectionBase.{name}", "data from a pipe") for name in ("recv", "recv_bytes", "poll")],
    (_CONNECTION, "_ConnectionBase.recv_bytes_into", "data from a pipe"),
    *[(_CONNECTION, f"_ConnectionBase.{name}", "place in a pipe") for name in ("send", "send_bytes")],
    *[(_CONNECTION, f"Connection.{name}", "") for name in ("_recv", "_recv_bytes", "_send", "_send_bytes", "_poll")],
    (_CONNECTION, "wait", "events of connections or processes"),
    (_CONNECTION, "Listener.accept", "connection"),
    (_CONNECTION, "SocketListener.accept", "connection"),
    (_CONNECTION, "Client", "connection"),
    *[("multiprocessing.queues", f"{cls}.get", "item of a queue of processes") for cls in ("Queue", "SimpleQueue")],
    *[
        ("multiprocessing.queues", f"{cls}.put", "place in a queue of processes")
        for cls in ("Queue", "JoinableQueue", "SimpleQueue")
    ],
    ("multiprocessing.queues", "JoinableQueue.join", "end of a queue of processes"),
    ("multiprocessing.queues", "Queue._feed", "work"),
    (_SYNCHRONIZE, "SemLock.__enter__", _LOCK),
    (_SYNCHRONIZE, "Condition.__enter__", _LOCK),
    # Not its wait_for(): a barrier, which calls that, would seem to be one of threads.
    (_SYNCHRONIZE, "Condition.wait", "condition of processes"),
    (_SYNCHRONIZE, "Event.wait", "event of processes"),
    *[(_POOL, f"ApplyResult.{name}", "result of a pool of workers") for name in ("get", "wait")],
    (_POOL, "IMapIterator.next", "result of a pool of workers"),
    *[(_POOL, f"Pool.{name}", "") for name in ("apply", "map", "starmap")],
    (_POOL, "Pool.join", "pool of workers to end"),
    (_POOL, "Pool._handle_tasks", "work"),
    (_POOL, "Pool._wait_for_updates", "worker to end"),
    (_POOL, "Pool._handle_results", "result of a worker"),
    ("multiprocessing.managers", "BaseProxy._callmethod", "answer of a manager"),
)
THREAD_CALLS: Known = tuple([("_multiprocessing", f"SemLock.{name}", _LOCK) for name in ("acquire", "__enter__")])
for _words in (
    _LOCK,
    "condition of processes",
    "event of processes",
    "end of a queue of processes",
    "result of a pool of workers",
    "pool of workers to end",
    "worker to end",
    "answer of a manager",
):
    add_words(_words, "process")
for _words in ("place in a pipe", "events of connections or processes", "result of a worker"):
    add_words(_words, "pipe")


def _install_processes(module: types.ModuleType) -> None:
    fuller_words.register(cast(type, module_field(module, "BaseProcess")), _process)


def _install_locks(module: types.ModuleType) -> None:
    for name, words in (("Lock", "lock"), ("RLock", "lock"), ("Semaphore", "semaphore"), ("Condition", "condition")):
        cls: Any = module_field(module, name)
        if is_a(cls, type):
            fuller_words.register(cls, _with_kind(f"{words} of processes"))


def _with_kind(fuller: str) -> Any:
    return lambda obj, words: fuller if words == _LOCK else None


def _process(process: object, words: str) -> Optional[str]:
    pid = get_field(get_field(process, "_popen"), "pid")
    if words != "process" or type(pid) is not int:
        return None
    name = exact_str(get_field(process, "_name"))
    return f"process {pid}" + ("" if name is None else f" ({name})")


ROOM = Room(
    {"multiprocessing.process": _install_processes, _SYNCHRONIZE: _install_locks},
    thread_waits=THREAD_WAITS,
    thread_calls=THREAD_CALLS,
)
