"""Has a module that is called as a standard one is, and import hooks: nothing of that may run when the helper loads."""

import sys

asked = []


class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        asked.append(name)


def hook(path):
    asked.append(path)
    raise ImportError


for name in ("copy", "platform", "gc"):
    sys.modules.pop(name, None)
before = set(sys.modules)
finders = sys.meta_path[:]
sys.meta_path[:] = [Finder]
sys.path_hooks.insert(0, hook)
sys.path_importer_cache.clear()
paused = True  # @paused
del sys.path_hooks[0]
sys.meta_path[:] = finders
added = set(sys.modules) - before
import copy  # noqa: E402

# What the interpreter has built in may be there, as nothing of the program is in it.
print(asked, added - {"gc"}, copy.__doc__)
