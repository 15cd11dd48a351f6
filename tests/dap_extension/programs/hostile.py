"""Objects whose every special method records and raises when it is called on behalf of the helper."""

import asyncio
import contextlib
import sys
import threading

RAN = []


def check(name):
    frame = sys._getframe(1)
    while frame is not None:
        if "asynctb_helper" in frame.f_code.co_filename:
            RAN.append(name)
            raise ZeroDivisionError(name)
        if "pydevd" in frame.f_code.co_filename:
            return  # the debugger itself looks at threads, with and without the helper
        frame = frame.f_back


def checked(owner, name, method):
    def special(*args, **kwargs):
        check(owner + "." + name)
        return method(*args, **kwargs)

    return special


class Meta(type):
    pass


META = "__getattribute__ __repr__ __eq__ __ne__ __hash__ __instancecheck__ __subclasscheck__ __call__ __dir__"
for name in META.split():
    setattr(Meta, name, checked("Meta", name, getattr(type, name)))

SPECIAL = "__repr__ __str__ __eq__ __ne__ __lt__ __hash__ __getattribute__ __dir__ __format__ __reduce_ex__"
NEW = (
    "__bool__ __len__ __iter__ __next__ __contains__ __getitem__ __call__ __int__ __index__ __float__ __copy__ __del__"
    " __deepcopy__ __get__ __fspath__ __bytes__ __length_hint__ __missing__ __set_name__ __instancecheck__"
)
NAMESPACE = {name: checked("Hostile", name, getattr(object, name)) for name in SPECIAL.split()}
NAMESPACE.update({name: checked("Hostile", name, lambda *args: 1) for name in NEW.split()})
for name in ("__class__", "__doc__", "__name__", "__self__", "__func__", "__wrapped__", "cr_await", "gi_frame", "name"):
    NAMESPACE[name] = property(checked("Hostile", name, lambda self: None))
Hostile = Meta("Hostile", (), NAMESPACE)


class HostileManager(Hostile):
    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        return None

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc_info):
        return None


class HostileName(str):
    pass


STRING = "__str__ __repr__ __len__ __hash__ __eq__ __getitem__ __format__ __add__ __lt__ rstrip encode"
for name in STRING.split():
    setattr(HostileName, name, checked("HostileName", name, getattr(str, name)))


class HostileThread(threading.Thread):
    def __getattr__(self, name):
        check("HostileThread." + name)
        raise AttributeError(name)

    __repr__ = checked("HostileThread", "__repr__", threading.Thread.__repr__)


class HostileAwaitable(Hostile):
    def __await__(self):
        return (yield from FUTURE)


class HostileTask(asyncio.Task):
    def get_name(self):
        check("HostileTask.get_name")
        return super().get_name()

    def get_coro(self):
        check("HostileTask.get_coro")
        return super().get_coro()

    def __repr__(self):
        check("HostileTask.__repr__")
        return "task"


async def work(argument, manager):
    hostile_local = argument
    with manager, contextlib.ExitStack() as stack:
        stack.enter_context(manager)
        stack.callback(print, end="")
        async with manager as target:
            await HostileAwaitable()  # @waiting
    return hostile_local, target


async def renamed():
    await HostileAwaitable()


# Not its file name: the debugger itself cannot trace a function with such a one.
renamed.__code__ = renamed.__code__.replace(co_name=HostileName("renamed"))


async def main():
    global FUTURE
    loop = asyncio.get_running_loop()
    FUTURE = loop.create_future()
    event = threading.Event()
    thread = HostileThread(target=event.wait, name="hostile thread")
    thread._name = HostileName("hostile thread")
    thread.start()
    tasks = [asyncio.ensure_future(work(Hostile(), HostileManager())) for _ in range(2)]
    tasks.append(HostileTask(work(Hostile(), HostileManager()), loop=loop))
    tasks.append(asyncio.ensure_future(renamed()))
    for task in tasks:
        task.set_name(HostileName("hostile task"))
    await asyncio.sleep(0)
    print("paused")  # @paused
    FUTURE.set_result(None)
    event.set()
    await asyncio.gather(*tasks)
    thread.join()
    print("ran:", sorted(set(RAN)))


if __name__ == "__main__":
    asyncio.run(main())
    sys.exit(bool(RAN))
