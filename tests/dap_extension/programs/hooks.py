"""A program that has taught its own asynctb about its functions and types."""

import asyncio
import contextlib
import sys
import threading

import attrs

import asynctb

stopped = []


@asynctb.customize(skip_frame=True)
async def with_retries(function):
    await function()


async def query():
    await asyncio.sleep(1000)  # @query


async def elsewhere(coroutine):
    coroutine.send(None)
    await asyncio.sleep(1000)


@asynctb.register_get_target(elsewhere)
def go_on(frame, inner):
    stopped.append("get_target")  # @hook
    return asynctb.local_variable(frame, "coroutine")


class Deferred:
    def __init__(self, coroutine):
        self.coroutine = coroutine

    def __await__(self):
        return self

    def __next__(self):
        return self.coroutine.send(None)


class Late(Deferred):
    pass


@asynctb.register_unwrap_awaitable(Deferred)
def behind(deferred):
    return asynctb.get_field(deferred, "coroutine")


class Manager:
    def __init__(self, *inside):
        self.inside = inside

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc):
        pass


class Actor(Manager):
    pass


class Group(Manager):
    pass


class Proxy(Manager):
    pass


class Broken(Manager):
    pass


class Exiting(Manager):
    pass


class Endless(Manager):
    pass


class Nonsense(Manager):
    pass


@asynctb.register_root(Actor)
def stack_of_actor(actor):
    return asynctb.get_field(actor, "inside")[0]


@asynctb.register_unwrap_context_manager(Proxy)
def behind_proxy(proxy):
    return asynctb.get_field(proxy, "inside")[0]


@asynctb.register_elaborate_context(Group)
def look_into_group(context, walk):
    assert type(context) is asynctb.ContextInfo
    inside = asynctb.get_field(context.manager, "inside")
    stacks = [walk.stack(actor) for actor in inside]
    assert all(type(stack) is asynctb.Traceback for stack in stacks)
    frames = [frame for stack in stacks for frame in stack.frames]
    assert all(type(frame) is asynctb.FrameInfo for frame in frames)
    managers = [inner.manager for frame in frames for inner in frame.contexts]
    made = asynctb.ContextInfo(None, asynctb.WithBlock(False), description=f"{len(managers)} managers inside")
    entry = walk.context(Manager(), description="an entry")
    inner = stacks[0] if stacks else None
    return attrs.evolve(context, description=f"Group of {len(inside)}", inner=inner, children=(*stacks, made, entry))


@asynctb.register_elaborate_context(Broken)
def fail(context, walk):
    raise LookupError("no idea")


@asynctb.register_elaborate_context(Exiting)
def leave(context, walk):
    sys.exit(3)


@asynctb.register_elaborate_context(Endless)
def recurse(context, walk):
    return recurse(context, walk)


@asynctb.register_elaborate_context(Nonsense)
def nonsense(context, walk):
    return 5


@contextlib.asynccontextmanager
async def borrowed(inside):
    yield


@contextlib.asynccontextmanager
async def described():
    yield


@asynctb.register_unwrap_context_generator(borrowed)
def behind_borrowed(frame):
    return asynctb.local_variable(frame, "inside")


@asynctb.register_elaborate_context_generator(described)
def describe(context, walk):
    assert type(context) is asynctb.ContextInfo
    assert type(context.inner.frames[0]) is asynctb.FrameInfo
    return attrs.evolve(context, description="described by a hook")


async def opening(manager):
    async with borrowed(Manager()), described():
        await query()


@asynctb.register_elaborate_frame(opening)
def elaborate(info, walk):
    assert type(info) is asynctb.FrameInfo
    opened = walk.context(asynctb.local_variable(info.frame, "manager"))
    assert type(opened) is asynctb.ContextInfo
    return attrs.evolve(info, contexts=(opened, *info.contexts[:]), hide=True)


class Pool:
    def __init__(self):
        self.users = []
        self.returned = asyncio.Event()

    async def acquire(self):
        while self.users:
            await self.returned.wait()
        self.users.append(asyncio.current_task())


asynctb.register_wait(Pool.acquire, "connection of a pool", kind="semaphore")


@asynctb.register_holders(Pool)
def users_of(pool):
    return asynctb.Held([(user, 1) for user in asynctb.get_field(pool, "users")], total=1)


async def waiter(*managers):
    if managers:
        async with managers[0]:
            await waiter(*managers[1:])
    await query()


async def greedy(pool):
    await pool.acquire()
    await pool.acquire()


async def retrying():
    await with_retries(query)


async def deferring(kind):
    await kind(query())


async def grouping():
    inside = waiter(Manager())
    inside.send(None)
    await waiter(Group(Actor(inside)), Proxy(Broken()))


async def main():
    tasks = {
        "retrying": retrying(),
        "redirected": elsewhere(deferring(Deferred)),
        "grouping": grouping(),
        "exiting": waiter(Exiting(), Endless(), Nonsense(), Group()),
        "opening": opening(Group()),
        "greedy": greedy(Pool()),
        "late": deferring(Late),
    }
    kept = [asyncio.ensure_future(coroutine) for coroutine in tasks.values()]
    for name, task in zip(tasks, kept):
        task.set_name(name)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print("paused")  # @paused

    @asynctb.register_unwrap_awaitable(Late)
    def nothing(late):
        return None

    asynctb.customize(with_retries, skip_frame=False)
    print("later")  # @later
    for name in [name for name in sys.modules if name.partition(".")[0] == "asynctb"]:
        del sys.modules[name]
    print("forgotten")  # @forgotten
    for task in kept:
        task.cancel()
    assert {thread.name for thread in threading.enumerate() if not is_the_debuggers(thread)} == {"MainThread"}


def is_the_debuggers(thread):
    return hasattr(thread, "is_pydev_daemon_thread")


asyncio.run(main())
