"""Imports the helper's modules from the payload, apart from the import system of the program.

This file is a part of the payload that runs before anything else is there, with the names of `_standard`, the part
before it; so it imports nothing but what every interpreter has loaded at its start.

The helper's modules see builtins of their own, whose ``__import__`` is `Importer`. So

- they stand in no table of the program (``sys.modules``, ``sys.meta_path``), and none of its import hooks runs;
- standard modules are views that hold nothing of the program (see `_standard`);
- ``attrs`` means the copy that travelled along, whatever the program has installed;
- no framework is ever imported, only looked up: the thread that imports it may be paused inside the import, and waiting
  for its lock would block debugpy for good;
- `warnings` means one that drops them: the program's own would print them among its output, or raise them;
- `linecache` means one of the helper's own: attrs puts what it generates there.
"""

import importlib
import sys
import types

TYPE_CHECKING = False  # not that of typing: nothing is imported here that is not needed
if TYPE_CHECKING:
    from typing import Any, FrozenSet, Mapping, Optional, Sequence

    from ._standard import HONOURS_BUILTINS, StandardLibrary


_FUNCTION = "__asynctb_import__"


class Importer:
    """The ``__import__`` of the helper's modules.

    :param prefix: put before the modules' names, so that they cannot be taken for modules of the program.
    :param sources: file path inside the payload -> source text.
    :param standard: top-level names that may be imported from outside; others are only looked up.
    """

    def __init__(self, prefix: str, sources: "Mapping[str, str]", standard: "FrozenSet[str]") -> None:
        self.prefix = prefix
        self._sources = sources
        self._standard = standard
        self._modules: dict[str, types.ModuleType] = {}
        self._library = StandardLibrary()
        self._builtins = dict(self._library.builtins, __import__=self)
        self._packages = frozenset(path.partition("/")[0] for path in sources)
        #: What the modules get in place of others.
        self._replaced = {name: types.ModuleType(name) for name in ("importlib", "linecache", "warnings")}
        self._replaced["importlib"].__dict__["import_module"] = self.import_module  # they load parts of themselves
        self._replaced["linecache"].__dict__["cache"] = {}
        # Whoever asks for the helper's notes is told the same.
        self._replaced["warnings"].__dict__["warn"] = lambda *args, **kwargs: None

    def __call__(
        self,
        name: str,
        globals: "Optional[Mapping[str, Any]]" = None,
        locals: object = None,
        fromlist: "Optional[Sequence[str]]" = (),
        level: int = 0,
    ) -> types.ModuleType:
        """Do what ``builtins.__import__`` does."""
        if level:
            if globals is None:
                raise ImportError("a relative import outside of a module")
            package: str = globals["__package__"][len(self.prefix) :]
            for _ in range(level - 1):
                package = package.rpartition(".")[0]
            name = package + "." + name if name else package
        elif name == "attrs":
            name = "attr"  # holds all that `attrs` publishes for defining classes
        if name in self._replaced:
            return self._replaced[name]
        if name.partition(".")[0] not in self._packages:
            return self._outside(name, fromlist)
        module = self.load(name)
        for item in fromlist or ():
            if item not in module.__dict__ and self._path(name + "." + item) is not None:
                self.load(name + "." + item)
        return module if fromlist else self._modules[name.partition(".")[0]]

    def import_module(self, name: str, package: str = "") -> types.ModuleType:
        """Do what `importlib.import_module` does, for *package* one of the helper's own."""
        level = len(name) - len(name.lstrip("."))
        return self(name[level:], {"__package__": package}, None, ("",), level)

    def load(self, name: str) -> types.ModuleType:
        """Return the module of the payload that has this name, loading it and its packages first if need be."""
        module = self._modules.get(name)
        if module is not None:
            return module
        parent, _, child = name.rpartition(".")
        if parent:
            self.load(parent)
            if name in self._modules:
                return self._modules[name]  # its package imported it
        path = self._path(name)
        if path is None:
            raise ModuleNotFoundError("the helper has no module " + name, name=name)
        module = types.ModuleType(self.prefix + name)
        if not HONOURS_BUILTINS:
            module.__dict__.update({**self._builtins, **module.__dict__})
        is_package = path.endswith("/__init__.py")
        module.__dict__.update(__builtins__=self._builtins, __package__=self.prefix + (name if is_package else parent))
        module.__dict__[_FUNCTION] = self
        if is_package:
            module.__path__ = []
        source = self._sources[path]
        program = source if HONOURS_BUILTINS else _with_calls(source)
        code = compile(program, "<" + self.prefix + path + ">", "exec", 0, True)
        self._modules[name] = module
        try:
            exec(code, module.__dict__)
        except BaseException:
            del self._modules[name]
            raise
        if parent:
            setattr(self._modules[parent], child, module)
        return module

    def _path(self, name: str) -> "Optional[str]":
        base = name.replace(".", "/")
        for path in (base + ".py", base + "/__init__.py"):
            if path in self._sources:
                return path
        return None

    def _outside(self, name: str, fromlist: "Optional[Sequence[str]]") -> types.ModuleType:
        top = name.partition(".")[0]
        if name == "sys":
            return self._library.view(name)
        if top in self._standard:
            try:
                return self._library.importer(name, None, None, fromlist)
            except ModuleNotFoundError:
                pass  # the standard library is not made of files (an archive, an embedded interpreter)
        module = sys.modules.get(name)
        if module is None:
            if top not in self._standard:
                raise ModuleNotFoundError("the program has not imported " + name, name=name)
            module = importlib.import_module(name)
        elif type(module) is types.ModuleType and getattr(module.__dict__.get("__spec__"), "_initializing", False):
            # Another thread is inside this import; if it is paused there, waiting for it would never end.
            raise ImportError("the program is just importing " + name, name=name)
        return module if fromlist else sys.modules[top]


def _with_calls(source: str) -> "Any":
    """Return the syntax tree of *source* with its imports replaced by calls of the `Importer`."""
    import ast

    def call(name: str, names: "Sequence[str]", level: int) -> ast.expr:
        text = f"{_FUNCTION}({name!r}, globals(), None, {tuple(names)!r}, {level})"
        return ast.parse(text, mode="eval").body

    def assign(name: str, value: ast.expr) -> ast.stmt:
        return ast.Assign(targets=[ast.Name(id=name, ctx=ast.Store())], value=value)

    class Replace(ast.NodeTransformer):
        def visit_Import(self, node: ast.Import) -> "Any":
            found = []
            for alias in node.names:
                value = call(alias.name, ("",) if alias.asname else (), 0)
                found.append(assign(alias.asname or alias.name.partition(".")[0], value))
            return [ast.fix_missing_locations(ast.copy_location(statement, node)) for statement in found]

        def visit_ImportFrom(self, node: ast.ImportFrom) -> "Any":
            if node.module == "__future__":
                return node
            found = []
            for alias in node.names:
                module = call(node.module or "", [alias.name], node.level)
                value = ast.Attribute(value=module, attr=alias.name, ctx=ast.Load())
                found.append(assign(alias.asname or alias.name, value))
            return [ast.fix_missing_locations(ast.copy_location(statement, node)) for statement in found]

    return Replace().visit(ast.parse(source))
