"""The functions of the standard library that waits of threads end in."""

from .._known import Known

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
