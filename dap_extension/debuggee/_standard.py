"""The standard library as the helper sees it: without what the program has put into it.

A unit test replaces ``time.monotonic``, ``os.path.exists`` or ``builtins.open``, and counts the calls; gevent replaces
much more; and a file of the program may be called as a standard module is. None of that may be called from here. So the
helper's modules get a `view` of each standard module:

- A C function is taken as it is. A Python function is made anew from its code, with globals of its own that hold
  genuine functions and views, and with the builtins of the helper: what it calls is genuine, too.
- Where the program has replaced a function, the original is looked for: in the C module that it comes from, then among
  what refers to the module. Whoever replaces a function for a while keeps the original somewhere.
- Classes and data are those of the program: its objects are told apart by their types, and found in its tables. Data
  that can change is looked up again each time.

This file is the first part of the payload (see `dap_extension.payload`). Until the builtins are replaced below, it uses
none but `type`.
"""

import _frozen_importlib
import _frozen_importlib_external
import builtins
import sys
import types

TYPE_CHECKING = False  # not that of typing: nothing is imported here that is not needed
if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

#: PyPy always takes its own builtins, whatever a module says (``honor__builtins__`` is off).
HONOURS_BUILTINS = sys.implementation.name != "pypy"
#: Where functions of a module come from, if not from the one whose name has an underscore more.
_ORIGINS = {"os": ("posix", "nt"), "posixpath": ("genericpath",), "ntpath": ("genericpath",), "builtins": ("_io",)}
#: The types of data that does not change: no need to look it up again.
_CONSTANT = (types.BuiltinFunctionType, types.FunctionType, types.ModuleType, int, bool, float, str, bytes, tuple)


def _folders() -> "List[str]":
    """Return the folders that hold the standard library, as far as they can be told."""
    folder = getattr(sys, "_stdlib_dir", None)  # CPython 3.11
    if type(folder) is not str:
        file = getattr(sys.modules.get("os"), "__file__", None)
        if type(file) is not str:
            return []
        folder = file.rpartition("\\" if sys.platform == "win32" else "/")[0]
    found = [folder]
    path = sys.path if type(sys.path) is list else []
    # C extensions may lie elsewhere (DLLs on Windows), and before the program has changed sys.path it names them.
    return found + [item for item in path if type(item) is str and item.endswith(("lib-dynload", "DLLs"))]


_FOLDERS = _folders()


def _is_standard(namespace: "Optional[Mapping[str, Any]]") -> bool:
    """Whether this is the namespace of a module of the standard library."""
    if namespace is None:
        return False  # of a function that is built into PyPy
    spec, origin = namespace.get("__spec__"), namespace.get("__file__")
    if type(spec) is _frozen_importlib.ModuleSpec:
        # On CPython 3.8, the first modules have no origin.
        loader: Any = spec.loader
        if loader is _frozen_importlib.BuiltinImporter or loader is _frozen_importlib.FrozenImporter:
            return True
        origin = spec.origin
    if type(origin) is not str:
        return False
    for folder in _FOLDERS:
        # Other packages may be installed below the folder of the standard library.
        if origin.startswith(folder) and not origin[len(folder) + 1 :].startswith(("site-packages", "dist-packages")):
            return True
    return False


def _is_genuine(value: "Any") -> bool:
    """Whether this is a function of a standard module."""
    if type(value) is types.BuiltinFunctionType:
        # Not the bound method of an object, such as a list's `pop` that hands out prepared answers.
        owner = value.__self__
        return owner is None or (type(owner) is types.ModuleType and _is_standard(owner.__dict__))
    # A function with a closure may be a decorator's, around anything.
    return type(value) is types.FunctionType and value.__closure__ is None and _is_standard(value.__globals__)


def _load_c_module(name: str) -> types.ModuleType:
    """Import a module that is part of the interpreter, without asking the finders in ``sys.meta_path``."""
    module = sys.modules.get(name)
    if type(module) is types.ModuleType:
        return module
    loaded: types.ModuleType = _frozen_importlib._load(  # type: ignore[attr-defined]
        _frozen_importlib.BuiltinImporter.find_spec(name)
    )
    return loaded


_survivors: "Dict[str, Dict[str, Any]]" = {}


def _original(module: types.ModuleType, key: str) -> "Any":
    """Return the function that *key* was in *module* before the program replaced it, or None if it is gone."""
    name = module.__name__
    for origin in (*_ORIGINS.get(name, ()), "_" + name):
        source = sys.modules.get(origin)
        if type(source) is types.ModuleType and _is_standard(source.__dict__):
            value = source.__dict__.get(key)
            if _is_genuine(value):
                return value
            value = _survivors_of(source).get(key)
            if value is not None:
                return value
    return _survivors_of(module).get(key)


def _survivors_of(module: types.ModuleType) -> "Dict[str, Any]":
    """Return the functions that were defined in *module* and are still alive, wherever they are."""
    found = _survivors.get(module.__name__)
    if found is None:
        found = _survivors[module.__name__] = {}
        search: Any = _load_c_module("gc").__dict__.get("get_referrers")
        if _is_genuine(search):
            # Thinned out by one call of C code: a reference to a tuple that another thread is building would break it
            # (see asynctb/_heap.py).
            chain, compress = [_load_c_module("itertools").__dict__[name] for name in ("chain", "compress")]
            listed: List[List[object]] = []
            wanted = {id(types.FunctionType), id(types.BuiltinFunctionType)}
            selected = compress(
                chain.from_iterable(listed),
                map(wanted.__contains__, map(id, map(type, chain.from_iterable(listed)))),
            )
            steps = chain(
                map(listed.append, map(search, (module,), (module.__dict__,))), selected, map(list.clear, listed)
            )
            del selected
            for obj in list(steps)[1:-1]:
                if type(obj) is types.BuiltinFunctionType:
                    defined = obj.__self__ is module
                else:
                    defined = type(obj) is types.FunctionType and obj.__globals__ is module.__dict__
                # Not inside a function or a class.
                if defined and obj.__qualname__ == obj.__name__ and _is_genuine(obj):
                    found[obj.__name__] = obj
    return found


def _genuine_builtins() -> "Dict[str, Any]":
    found = {**builtins.__dict__}
    for key in [*found, "open"]:
        value = found.get(key)
        # The one that imports is replaced anyway, and some are no functions from the beginning (`exit`, `copyright`).
        known = key == "__import__" or type(value).__module__ == "_sitebuiltins"
        if not known and not _is_class(value) and not _is_genuine(value):
            original = _original(builtins, key)
            if original is not None:
                found[key] = original
    return found


def _is_class(value: "Any") -> bool:
    return type in type.__dict__["__mro__"].__get__(type(value))


# What is defined from here on uses them (on CPython 3.8 and 3.9, what is called from another module does).
globals()["__builtins__"] = _genuine_builtins()


class StandardLibrary:
    """The views of standard modules. Its `importer` is the ``__import__`` of the functions in them."""

    def __init__(self) -> None:
        self.builtins: Dict[str, Any] = dict(globals()["__builtins__"])
        self._own_builtins = dict(self.builtins, __import__=self.importer)
        self._views: Dict[str, types.ModuleType] = {}
        #: What those modules take for `sys.modules` that are loaded apart from the program (see `_load`): some look
        #: themselves up there, and some set others.
        self._loaded: Dict[str, types.ModuleType] = {}
        self._inner_sys = self._view_of(sys)
        self._inner_sys.__dict__["modules"] = self._loaded
        #: ``id()`` of a module's namespace -> it, and the globals of the functions that are made anew.
        self._globals: Dict[int, Tuple[Dict[str, Any], Dict[str, Any]]] = {}
        #: ``id()`` of a function -> it, and what it was made anew as.
        self._functions: Dict[int, Tuple[types.FunctionType, types.FunctionType]] = {}

    def importer(
        self,
        name: str,
        globals: "Optional[Mapping[str, Any]]" = None,
        locals: object = None,
        fromlist: "Optional[Sequence[str]]" = (),
        level: int = 0,
    ) -> types.ModuleType:
        """Do what ``builtins.__import__`` does, for standard modules only.

        :raises ImportError: if there is no such module, or the program is just importing it.
        """
        if name == "sys":
            return self._inner_sys
        if level and globals is not None:
            package: str = globals["__package__"]
            for _ in range(level - 1):
                package = package.rpartition(".")[0]
            name = package + "." + name if name else package
        module = self.view(name)
        for item in fromlist or ():
            if item == "*":
                # The interpreter takes what is in the namespace, not what can be looked up.
                if name in sys.modules:
                    names = list(sys.modules[name].__dict__)
                    module.__dict__.update({key: getattr(module, key) for key in names if key != "__getattr__"})
            elif item and not hasattr(module, item):
                self.view(name + "." + item)
        return module if fromlist else self.view(name.partition(".")[0])

    def view(self, name: str) -> types.ModuleType:
        """Return the view of a module, loading it if need be.

        :raises ImportError: if there is no such module, or the program is just importing it.
        """
        view = self._views.get(name)
        if view is None:
            parent, _, child = name.rpartition(".")
            package = self.view(parent) if parent else None
            module = sys.modules.get(name)
            apart = self._loaded.get(name)
            if apart is not None and apart is not module:
                view = apart  # `os` and `collections` set modules themselves
            elif module is None and name in sys.modules:
                raise ModuleNotFoundError("the program has forbidden to import " + name, name=name)
            elif type(module) is types.ModuleType and _is_standard(module.__dict__):
                if getattr(module.__dict__.get("__spec__"), "_initializing", False):
                    # By another thread; if it is paused inside, waiting for it would never end.
                    raise ImportError("the program is just importing " + name, name=name)
                view = self._view_of(module)
            else:
                view = self._load(name)
            self._views[name] = view
            if package is not None and not hasattr(package, child):
                setattr(package, child, view)
        return view

    def _view_of(self, module: types.ModuleType) -> types.ModuleType:
        if module.__name__ == "typing":
            return module  # its special forms look like functions that are replaced, and nothing calls them
        view = types.ModuleType(module.__name__)
        own, real = view.__dict__, module.__dict__

        def look_up(key: str) -> "Any":
            value = real.get(key, own)
            if value is own:
                value = _original(module, key)  # somebody may have deleted it
                if value is None:
                    raise AttributeError(f"module {module.__name__!r} has no attribute {key!r}")
            value = self._genuine(module, key, value)
            if type(value) in _CONSTANT or _is_class(value):
                own[key] = value
            return value

        own["__getattr__"] = look_up
        return view

    def _genuine(self, module: types.ModuleType, key: str, value: "Any") -> "Any":
        """Return what *key* stands for in the view of *module*, where it is *value* now."""
        todo: List[types.FunctionType] = []
        found = self._convert(module, key, value, todo)
        while todo:
            function = todo.pop()
            namespace, own = self._globals[id(function.__globals__)]
            names: Set[str] = set()
            codes = [function.__code__]
            while codes:
                code = codes.pop()
                names.update(code.co_names)
                codes += [const for const in code.co_consts if type(const) is types.CodeType]
            for name in names:
                if name in namespace and name not in own:
                    source = sys.modules.get(namespace["__name__"], module)
                    own[name] = self._convert(source, name, namespace[name], todo)
        return found

    def _convert(self, module: types.ModuleType, key: str, value: "Any", todo: "List[types.FunctionType]") -> "Any":
        if callable(value) and not _is_class(value) and not _is_genuine(value):
            original = _original(module, key)
            if original is not None:
                value = original
        if type(value) is types.ModuleType and _is_standard(value.__dict__):
            name = value.__name__
            if value is sys:
                return self._inner_sys
            if name not in self._views:
                self._views[name] = self._view_of(value)
            return self._views[name]
        if type(value) is types.FunctionType and _is_genuine(value):
            return self._anew(value, todo)
        return value

    def _anew(self, function: types.FunctionType, todo: "List[types.FunctionType]") -> types.FunctionType:
        known = self._functions.get(id(function))
        if known is not None:
            return known[1]
        namespace = function.__globals__
        if id(namespace) not in self._globals:
            own: Dict[str, Any] = {} if HONOURS_BUILTINS else dict(self._own_builtins)
            own.update(__builtins__=self._own_builtins, __name__=namespace["__name__"])
            self._globals[id(namespace)] = namespace, own
        made = types.FunctionType(
            function.__code__, self._globals[id(namespace)][1], function.__name__, function.__defaults__
        )
        made.__kwdefaults__ = function.__kwdefaults__
        self._functions[id(function)] = function, made
        todo.append(function)
        return made

    def _load(self, name: str) -> types.ModuleType:
        """Load a module that the program has not imported, or that it hides behind one of its own.

        A C module goes to ``sys.modules``, as at any other import: there is nothing of the program in it, and not each
        of them can be loaded twice. A Python module does not: loaded as a part of the helper, it imports nothing
        through the import hooks and the path of the program, and a program that imports it later gets what it would
        have got, be it a file of its own.
        """
        spec = self._find(name)
        loader = spec.loader
        code = loader.get_code(name)
        if code is None:
            return self._view_of(_frozen_importlib._load(spec))  # type: ignore[attr-defined]
        module = types.ModuleType(name)
        namespace = module.__dict__
        if not HONOURS_BUILTINS:
            namespace.update(self._own_builtins)
        namespace.update(__builtins__=self._own_builtins, __name__=name, __spec__=spec, __package__=spec.parent)
        namespace["__file__"] = spec.origin
        if spec.submodule_search_locations is not None:
            namespace["__path__"] = spec.submodule_search_locations
        if not self._loaded:
            for key, other in list(sys.modules.items()):
                if type(key) is str and type(other) is types.ModuleType and _is_standard(other.__dict__):
                    self._loaded[key] = other
        self._views[name] = self._loaded[name] = module
        try:
            exec(code, namespace)
        except BaseException as error:
            del self._views[name], self._loaded[name]
            if name in sys.modules or not isinstance(error, Exception):
                raise
            # An enumeration of the program's `enum` puts itself into a module that it finds in sys.modules (`signal`).
            return self._view_of(_frozen_importlib._load(spec))  # type: ignore[attr-defined]
        return self._loaded[name]  # `collections.abc` puts another in its place

    def _find(self, name: str) -> "Any":
        parent = name.rpartition(".")[0]
        folders = list(self._views[parent].__path__) if parent else _FOLDERS
        for finder in (_frozen_importlib.BuiltinImporter, _frozen_importlib.FrozenImporter):
            spec = finder.find_spec(name)
            if spec is not None:
                return spec
        loaders = _frozen_importlib_external._get_supported_file_loaders()  # type: ignore[attr-defined]
        for folder in folders:
            spec = _frozen_importlib_external.FileFinder(folder, *loaders).find_spec(name)
            if spec is not None and spec.loader is not None:
                return spec
        raise ModuleNotFoundError("there is no standard module " + name, name=name)
