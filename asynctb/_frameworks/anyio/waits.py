"""The functions of anyio that waits end in, on either backend: the same texts whichever one runs them.

They are the outermost ones that tell, so what is waited for is anyio's own object, which is what the program has.
Sources: anyio 4.5 to 4.16; what an older or newer version does not have is passed over.
"""

from __future__ import annotations

from .._known import Known

_SYNC = "anyio._core._synchronization"
_MEMORY = "anyio.streams.memory"
_ASYNCIO = "anyio._backends._asyncio"
_TRIO = "anyio._backends._trio"


def _on_both(path: str, description: str) -> Known:
    return (_ASYNCIO, path, description), (_TRIO, path, description)


WAITS: Known = (
    # What the backends override, and what is made before there is a backend: it hands on to one that is made later.
    (_SYNC, "EventAdapter.wait", "event"),
    (_SYNC, "Lock.__aenter__", ""),
    (_SYNC, "LockAdapter.__aenter__", "lock"),
    (_SYNC, "LockAdapter.acquire", "lock"),
    (_SYNC, "Condition.__aenter__", ""),
    (_SYNC, "Condition.acquire", ""),
    (_SYNC, "Condition.wait", "condition"),
    (_SYNC, "Condition.wait_for", "condition"),
    (_SYNC, "Semaphore.__aenter__", ""),
    (_SYNC, "SemaphoreAdapter.acquire", "semaphore"),
    (_SYNC, "CapacityLimiterAdapter.__aenter__", "capacity"),
    (_SYNC, "CapacityLimiterAdapter.acquire", "capacity"),
    (_SYNC, "CapacityLimiterAdapter.acquire_on_behalf_of", "capacity"),
    *_on_both("Event.wait", "event"),
    *_on_both("Lock.acquire", "lock"),
    *_on_both("Semaphore.acquire", "semaphore"),
    *_on_both("CapacityLimiter.__aenter__", "capacity"),
    *_on_both("CapacityLimiter.acquire", "capacity"),
    *_on_both("CapacityLimiter.acquire_on_behalf_of", "capacity"),
    *_on_both("TaskGroup.__aexit__", "tasks of a group"),
    *_on_both("TaskGroup.start", "task to start"),
    ("anyio._core._tasks", "TaskHandle.wait", "task"),
    ("anyio._core._tasks", "TaskHandle.__await__", ""),
    ("anyio.to_thread", "run_sync", "thread"),
    (_ASYNCIO, "AsyncIOBackend.run_sync_in_worker_thread", "thread"),
    (_TRIO, "TrioBackend.run_sync_in_worker_thread", "thread"),
    *_on_both("Process.wait", "process"),
    *_on_both("Process.aclose", "process"),
    (_MEMORY, "MemoryObjectReceiveStream.receive", "item of a memory stream"),
    (_MEMORY, "MemoryObjectSendStream.send", "place in a memory stream"),
    ("anyio.abc._streams", "UnreliableObjectReceiveStream.__anext__", ""),
    ("anyio.abc._streams", "ByteReceiveStream.__anext__", ""),
    (_ASYNCIO, "StreamReaderWrapper.receive", "stream data"),
    *_on_both("SocketStream.receive", "socket data"),
    *_on_both("SocketStream.send", "socket to send"),
    *_on_both("UNIXSocketStream.receive", "socket data"),
    *_on_both("UNIXSocketStream.receive_fds", "socket data"),
    *_on_both("UNIXSocketStream.send", "socket to send"),
    *_on_both("UNIXSocketStream.send_fds", "socket to send"),
    *_on_both("UDPSocket.receive", "socket data"),
    *_on_both("UDPSocket.send", "socket to send"),
    *_on_both("ConnectedUDPSocket.receive", "socket data"),
    *_on_both("ConnectedUDPSocket.send", "socket to send"),
    *_on_both("TCPSocketListener.accept", "connection"),
    *_on_both("UNIXSocketListener.accept", "connection"),
    (_ASYNCIO, "AsyncIOBackend.connect_tcp", "connection"),
    (_ASYNCIO, "AsyncIOBackend.connect_unix", "connection"),
    (_ASYNCIO, "AsyncIOBackend.getaddrinfo", "name resolution"),
    (_ASYNCIO, "AsyncIOBackend.wait_readable", "socket to read"),
    (_ASYNCIO, "AsyncIOBackend.wait_writable", "socket to write"),
)
