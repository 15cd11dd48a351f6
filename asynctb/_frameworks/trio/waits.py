"""The functions of trio that waits end in."""

from .._known import Known

_RUN = "trio._core._run"

WAITS: Known = (
    ("trio._core._traps", "wait_task_rescheduled", ""),
    ("trio._core._traps", "_async_yield", ""),
    ("trio._core._traps", "cancel_shielded_checkpoint", "checkpoint"),
    ("trio._core._parking_lot", "ParkingLot.park", "parking lot"),
    (_RUN, "checkpoint", "checkpoint"),
    (_RUN, "Nursery._nested_child_finished", "tasks of a nursery"),
    (_RUN, "NurseryManager.__aexit__", "tasks of a nursery"),
    (_RUN, "Nursery.start", "task to start"),
    ("trio._timeouts", "sleep", "sleep"),
    ("trio._timeouts", "sleep_until", "sleep"),
    ("trio._timeouts", "sleep_forever", "sleep"),
    ("trio._sync", "Event.wait", "event"),
    ("trio._sync", "_LockImpl.acquire", "lock"),
    ("trio._sync", "Semaphore.acquire", "semaphore"),
    ("trio._sync", "CapacityLimiter.acquire", "capacity"),
    ("trio._sync", "CapacityLimiter.acquire_on_behalf_of", "capacity"),
    ("trio._sync", "Condition.wait", "condition"),
    ("trio._sync", "Condition.acquire", ""),
    ("trio._sync", "AsyncContextManagerMixin.__aenter__", ""),
    ("trio._channel", "MemoryReceiveChannel.receive", "item of a channel"),
    ("trio._channel", "MemorySendChannel.send", "place in a channel"),
    ("trio.abc", "ReceiveChannel.__anext__", ""),
    ("trio._abc", "ReceiveChannel.__anext__", ""),
    ("trio._threads", "to_thread_run_sync", "thread"),
    ("trio._socket", "_SocketType._nonblocking_helper", "socket"),
    # The code of one function that makes all of recv(), send(), accept(), ...
    ("trio._socket", "_SocketType.recv", ""),
    ("trio._socket", "_SocketType.accept", "connection"),
    ("trio._socket", "_SocketType.connect", "connection"),
    ("trio._highlevel_socket", "SocketStream.receive_some", "socket data"),
    ("trio._highlevel_socket", "SocketStream.send_all", "socket to send"),
    ("trio._highlevel_socket", "SocketListener.accept", "connection"),
    ("trio._core._io_epoll", "EpollIOManager._epoll_wait", "socket"),
    ("trio._core._io_epoll", "EpollIOManager.wait_readable", "socket to read"),
    ("trio._core._io_epoll", "EpollIOManager.wait_writable", "socket to write"),
    ("trio._core._io_kqueue", "KqueueIOManager.wait_readable", "socket to read"),
    ("trio._core._io_kqueue", "KqueueIOManager.wait_writable", "socket to write"),
    ("trio._core._generated_io_epoll", "wait_readable", "socket to read"),
    ("trio._core._generated_io_epoll", "wait_writable", "socket to write"),
    ("trio._core._generated_io_kqueue", "wait_readable", "socket to read"),
    ("trio._core._generated_io_kqueue", "wait_writable", "socket to write"),
    ("trio._subprocess", "Process.wait", "process"),
    ("trio._subprocess", "Process._wait", "process"),
)
#: Of the threads that its loop runs in, and of its own.
THREAD_WAITS: Known = (
    ("trio._core._io_epoll", "EpollIOManager.get_events", "events"),
    ("trio._core._io_kqueue", "KqueueIOManager.get_events", "events"),
    ("trio._core._thread_cache", "WorkerThread._work", "work"),  # it works in another function
)
