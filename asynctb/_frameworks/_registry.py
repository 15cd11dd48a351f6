"""The rooms of the frameworks, and when they are loaded.

Each module or package beside this one that has a `Room` is about one framework. What a room knows is registered once
the framework has been imported by somebody else, and its import has finished: nothing here ever imports a framework,
not even to look at it. What is needed of it is taken with `_objects.module_field`, so that a lazy module stays lazy. A
hook that raises costs the knowledge about that module only, and of those in the rooms only until more has been imported
and it is tried again; `notes` tells.

Libraries can bring their own hooks without importing asynctb:

- a function ``_asynctb_install_(registration)`` in one of their modules, which is then used in place of the hooks that
  a room has for that module and those in it, or
- an entry point in the group ``asynctb``, named like the module that it is about, which refers to such a function and
  is loaded once that module has been imported.

*registration* is a `customize.Registration`: it has the registration functions as attributes.
"""

from __future__ import annotations

import importlib
import sys
import types
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple, cast

from .._objects import describe_error, get_field, is_a, module_field, type_name
from .._snapshot.creation import add_makers, record_more
from .._snapshot.registry import Frameworks, RegisteredSource, hand_in
from .._stacks.customize import refresh_glue
from .._stacks.registries import refresh_virtual
from .._waits.registration import Registration
from ._calls import thread_calls
from ._entry_points import EntryPoint, entry_points
from ._hiding import hide_new_modules
from ._known import task_waits, thread_waits
from ._room import Room
from .threading.threads import list_threads

#: The rooms, and the module that each is loaded for; None: at once. Those with activities are, in the order in which
#: these are listed: tasks are found also in a program that has run out of files, or forbids opening them.
_ROOMS: Tuple[Tuple[str, Optional[str]], ...] = (
    ("threading", None),
    ("asyncio", None),
    ("trio", None),
    ("curio", None),
    ("twisted", "twisted"),
    ("tornado", "tornado"),
    ("greenlet", None),
    ("builtins", "builtins"),
    ("contextlib", "contextlib"),
    ("anyio", "anyio"),
    ("gevent", "gevent"),
    ("greenback", "greenback"),
    ("asgiref", "asgiref"),
    ("nest_asyncio", "nest_asyncio"),
    ("sqlalchemy", "sqlalchemy"),
    ("aiohttp", "aiohttp"),
    ("httpcore", "httpcore"),
    ("redis", "redis"),
    ("multiprocessing", "multiprocessing"),
    ("pytest", "_pytest"),
    ("backports", "async_generator"),
    ("backports", "async_exit_stack"),
)

if TYPE_CHECKING:  # for tools that pack programs, such as PyInstaller: they look for imports that are written down
    from . import (  # noqa: F401
        aiohttp,
        anyio,
        asgiref,
        asyncio,
        backports,
        builtins,
        contextlib,
        curio,
        gevent,
        greenback,
        greenlet,
        httpcore,
        multiprocessing,
        nest_asyncio,
        pytest,
        redis,
        sqlalchemy,
        threading,
        tornado,
        trio,
        twisted,
    )

#: Not ``__package__``, which modules in an archive have no sooner than they are loaded, up to CPython 3.9.
_HERE = __name__.rpartition(".")[0]
#: Those that have been loaded.
_rooms: Dict[str, Room] = {}
_installed: Dict[Tuple[str, str], Callable[[], Optional[types.ModuleType]]] = {}
_failures: Dict[Tuple[str, str], str] = {}
#: What `sys.modules` was like when all of it had been looked at; None if there is something to look at again.
_modules_seen: Optional[Tuple[int, str, int]] = None
_plugins: Optional[List[EntryPoint]] = None


def notes() -> Tuple[str, ...]:
    """Return one sentence for each library whose glue failed; usually none."""
    return tuple(_failures.values())


def sources() -> List[RegisteredSource]:
    """Return what lists activities, in the order of the listing."""
    return [room.source for room in _rooms.values() if room.source is not None]


def subjects() -> List[str]:
    """Return the names of the modules that the rooms are about, as far as they have been loaded."""
    found = [subject for _, subject in _ROOMS if subject is not None]
    return found + [trigger for room in _rooms.values() for trigger in room.hooks]


def refresh() -> None:
    """Install the glue for what was imported since the last call. Cheap if nothing was.

    :raises RecursionError: if the caller is near the limit; whatever else goes wrong is in `notes`.
    """
    global _modules_seen, _plugins
    refresh_virtual()
    newest = next(reversed(sys.modules)) if sys.version_info >= (3, 8) else tuple(sys.modules)[-1]
    if type(newest) is not str:  # to look it up or compare it would run its methods
        newest = ""
    modules = len(sys.modules), newest, id(sys.modules.get(newest))
    if _modules_seen == modules:
        return
    if _plugins is None:
        _plugins, failure = entry_points()
        if failure is not None:
            _failures["entry points", ""] = failure
    unfinished = False
    for name, loaded in tuple(sys.modules.items()):
        if is_a(loaded, types.ModuleType) and module_field(loaded, "_asynctb_install_") is not None:
            if _imported(name) is None:
                unfinished = True
                continue
            brought = module_field(loaded, "_asynctb_install_")
            _install_once("module", name, loaded, partial(_install_module, brought))
    for name, subject in _ROOMS:
        if subject is not None and subject in sys.modules:
            unfinished |= not _load_guarded(name)
        room = _rooms.get(name)
        for trigger, install in room.hooks.items() if room is not None else ():
            module = _imported(trigger)
            unfinished |= module is None and trigger in sys.modules
            if module is not None and not _brings_hooks(trigger):
                _install_once("glue", name + ":" + trigger, module, partial(install, module))
    for plugin in _plugins:
        module = _imported(plugin.name)
        unfinished |= module is None and plugin.name in sys.modules
        if module is not None:
            _install_once("entry point", plugin.name, module, partial(_install_plugin, plugin))
    record_more()
    try:
        unfinished |= hide_new_modules()
    except RecursionError:
        raise
    except Exception as error:
        _failures["hiding", ""] = f"Functions of libraries could not be hidden: {describe_error(error)}"
    _modules_seen = None if unfinished else modules


def _load(name: str) -> None:
    if name not in _rooms:
        room = cast(Room, importlib.import_module("." + name, _HERE).ROOM)
        task_waits.add(room.waits)
        thread_waits.add(room.thread_waits)
        thread_calls.add(room.thread_calls)
        add_makers(room.makers)
        _rooms[name] = room


def _load_guarded(name: str) -> bool:
    """Load a room; return whether that succeeded."""
    key = "room", name
    try:
        _load(name)
    except RecursionError:
        raise
    except Exception as error:
        _failures[key] = f"What is known about {name} could not be loaded: {describe_error(error)}"
        return False
    _failures.pop(key, None)
    return True


def _install_module(install: Any) -> None:
    install(Registration())


def _install_plugin(plugin: EntryPoint) -> None:
    plugin.load()(Registration())


def _brings_hooks(name: str) -> bool:
    """Return whether a module, or a package that it is in, has hooks of its own, which are installed."""
    while name:
        installed = _installed.get(("module", name))
        if installed is not None and ("module", name) not in _failures and installed() is sys.modules.get(name):
            return True
        name = name.rpartition(".")[0]
    return False


def _imported(name: str) -> Optional[types.ModuleType]:
    """Return the module if its import has finished. One that is to be loaded on first use has not been imported."""
    module: object = sys.modules.get(name)
    if not is_a(module, types.ModuleType) or type_name(type(module)) == "importlib.util._LazyModule":
        return None
    found = cast(types.ModuleType, module)
    spec = module_field(found, "__spec__")
    return None if spec is not None and get_field(spec, "_initializing") is True else found


def _install_once(source: str, name: str, module: types.ModuleType, install: Callable[[], object]) -> None:
    """Call *install*, unless that was done for this very module. Claims it first, as we may be interrupted."""
    key = source, name
    known = _installed.get(key)
    if known is not None and known() is module:
        return
    _installed[key] = weakref.ref(module)
    try:
        install()
    except RecursionError:  # of the extraction's caller; the next one may have more room
        del _installed[key]
        raise
    except Exception as error:
        _failures[key] = f"The {source} for {name} failed, what it knows is missing: {describe_error(error)}"
        if source == "glue":  # what it did not find may be imported later
            del _installed[key]
    else:
        _failures.pop(key, None)


for _name, _subject in _ROOMS:
    if _subject is None:
        _load(_name)
refresh_glue.append(refresh)
hand_in(Frameworks(refresh, list_threads, sources, notes))
