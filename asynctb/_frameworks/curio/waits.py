"""The functions of curio that waits end in."""

from .._known import Known

WAITS: Known = (
    ("curio.traps", "_kernel_trap", ""),
    ("curio.traps", "_scheduler_wait", ""),
    ("curio.traps", "_read_wait", "socket to read"),
    ("curio.traps", "_write_wait", "socket to write"),
    ("curio.traps", "_future_wait", "future"),
    ("curio.traps", "_sleep", "sleep"),
    ("curio.sched", "SchedBase.suspend", ""),
    ("curio.time", "sleep", "sleep"),
    ("curio.sync", "Event.wait", "event"),
    ("curio.sync", "Lock.acquire", "lock"),
    ("curio.sync", "RLock.acquire", "lock"),
    ("curio.sync", "Semaphore.acquire", "semaphore"),
    ("curio.sync", "Condition.acquire", ""),
    ("curio.sync", "Condition.wait", "condition"),
    ("curio.sync", "Condition.wait_for", "condition"),
    ("curio.sync", "_LockBase.__aenter__", ""),
    ("curio.queue", "QueueBase.get", "item of a queue"),
    ("curio.queue", "QueueBase.put", "place in a queue"),
    ("curio.queue", "QueueBase.join", "end of a queue"),
    ("curio.task", "Task.wait", "task"),
    ("curio.task", "Task.join", "task"),
    ("curio.task", "TaskGroup.next_done", "tasks of a group"),
    ("curio.task", "TaskGroup.join", "tasks of a group"),
    ("curio.task", "TaskGroup.__aexit__", "tasks of a group"),
    ("curio.workers", "ThreadWorker.apply", "thread"),
    ("curio.workers", "run_in_thread", "thread"),
    ("curio.workers", "ProcessWorker.apply", "process"),
    ("curio.workers", "run_in_process", "process"),
)
