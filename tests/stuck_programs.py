"""The programs in the folder ``stuck``, that stand still or seem to, and what there is to find in each."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Optional, Sequence, Tuple

FOLDER = Path(__file__).parent / "stuck"


class Case(NamedTuple):
    """A program, and what is wrong with it."""

    #: Name of the file, without its extension.
    program: str
    #: The kind of its finding; None: nothing is wrong.
    kind: Optional[str] = None
    #: The activities that the finding has to be about, by name.
    names: Tuple[str, ...] = ()
    is_certain: bool = True
    #: What has to be installed.
    needs: str = "asyncio"
    #: Whether the heap has to be searched, for which PyPy's frames do not tell enough.
    is_searched: bool = False
    #: The first version of Python that has what it uses.
    since: Tuple[int, int] = (3, 8)

    def is_right(self, kind: str, certain: bool, names: Sequence[str]) -> bool:
        """Return whether a finding is the expected one."""
        return (kind, certain) == (self.kind, self.is_certain) and set(self.names) <= set(names)


DIAGNOSED = (
    Case("lock_inversion_2", "deadlock", ("left", "right")),
    Case("lock_twice", "deadlock", ("refresher",)),
    Case("semaphore_holders_wait_on_sockets", "starved", ("fetch-0", "fetch-1", "fetch-2"), is_certain=False),
    Case("tasks_await_directly", "deadlock", ("a", "b", "c")),
    Case("to_thread_waits_for_loop_lock", "deadlock", ("owner",), since=(3, 9)),
    Case("parent_holds_lock_gather", "deadlock", ("parent", "child-0", "child-1")),
    Case("asgiref_nested", "deadlock", ("helper_0",), needs="asgiref"),
    Case("inversion_two_conditions", "deadlock", ("left", "right")),
    Case("pool_starvation", "deadlock", ("pool_0", "pool_1")),
    Case("anyio_trio_limiter", "deadlock", needs="trio"),
    Case("trio_lock_inversion_acquire", "deadlock", ("left", "right"), needs="trio"),
    Case("loop_blocked_by_sleep", "blocked_loop", ("poller",)),
    Case("event_nobody_sets", "abandoned", ("waiter",), is_searched=True),
    Case("queue_put_consumer_waits_for_producer", "deadlock", ("producer", "consumer"), is_searched=True),
    Case("barrier_short_of_one", "abandoned", ("w0", "w1", "w2"), since=(3, 11), is_searched=True),
    Case("lock_orphaned_by_dead_task", "abandoned", ("second",), is_searched=True),
    Case("async_generator_keeps_lock", "deadlock", ("writer",), is_searched=True),
    Case("anyio_asyncio_two_streams", "deadlock", ("ping", "pong"), needs="anyio", is_searched=True),
    Case("thread_queue_consumer_dead", "abandoned", ("MainThread",), is_searched=True),
    Case("rlock_vs_condition", "deadlock", ("consumer", "producer"), is_searched=True),
    Case("lock_of_two_loops", "deadlock", ("a1", "loop b")),
    Case("trio_shielded_scope", "abandoned", ("cleanup",), needs="trio", is_searched=True),
    Case("trio_two_channels", "deadlock", ("ping", "pong"), needs="trio", is_searched=True),
    Case("trio_semaphore_of_parents", "deadlock", ("job-0", "job-1"), needs="trio"),
    Case("trio_limiter_of_threads", "deadlock", ("job-0", "job-1"), needs="trio"),
    Case("trio_start_wants_lock", "deadlock", ("parent",), needs="trio"),
    Case("trio_two_conditions", "deadlock", ("left", "right"), needs="trio"),
    Case("anyio_asyncio_thread_wants_lock", "deadlock", ("owner",), needs="anyio"),
    Case("anyio_asyncio_portal_wants_lock", "deadlock", ("owner",), needs="anyio"),
    Case("anyio_trio_portal_wants_lock", "deadlock", ("owner",), needs="trio"),
    Case("anyio_shielded_scope", "deadlock", ("left", "right"), needs="anyio"),
    Case("curio_event_nobody_sets", "abandoned", ("waiter",), is_certain=False, needs="curio", is_searched=True),
    Case("gevent_two_rlocks", "deadlock", ("left", "right"), needs="gevent"),
    Case("gevent_patched_locks", "deadlock", ("left", "right"), needs="gevent"),
    Case("gevent_join_each_other", "deadlock", ("parent", "child"), needs="gevent"),
    Case("gevent_queue_nobody_feeds", "abandoned", ("worker",), is_certain=False, needs="gevent", is_searched=True),
)
LOOK_ALIKES = (
    Case("timeout_will_fire", since=(3, 11)),
    Case("idle_server"),
    Case("inversion_with_timeouts", since=(3, 11)),
    Case("running_generator_holds_lock"),
    Case("lock_released_inside_block"),
    Case("inversion_one_cancelled"),
    Case("thread_holder_in_queue_get"),
    Case("busy_ordered_locks"),
    Case("anyio_asyncio_scope_ends_it", needs="anyio"),
    Case("anyio_trio_scope_ends_it", needs="trio"),
    Case("trio_thread_feeds", needs="trio"),
    Case("trio_living_sibling", needs="trio"),
    Case("gevent_inversion_with_timeouts", needs="gevent"),
    Case("gevent_woken_by_timer", needs="gevent"),
    Case("gevent_busy_ordered_locks", needs="gevent"),
)
