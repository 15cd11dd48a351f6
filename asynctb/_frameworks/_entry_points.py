"""Finds entry points without `importlib.metadata`.

That module would pull a dozen others into the inspected process and call the ``find_distributions`` of the program's
own import hooks. What is needed here is little: text files in the folders of `sys.path`.
"""

from __future__ import annotations

import importlib
import io
import os
import stat
import sys
from typing import Any, Callable, List, NamedTuple, Optional, Tuple, cast

from .._objects import describe_error, exact_str, is_a, type_name

GROUP = "asynctb"
#: Taken when this module is imported, as programs (and their tests) replace them by functions of their own.
_listdir, _open, _stat = os.listdir, io.open, os.stat


class EntryPoint(NamedTuple):
    #: The module that it is about.
    name: str
    #: The function to call, as ``package.module:attribute``.
    value: str

    def load(self) -> Callable[..., Any]:
        """Import the function."""
        module, _, attributes = self.value.partition(":")
        found: Any = importlib.import_module(module.strip())
        for attribute in filter(None, attributes.split("[")[0].strip().split(".")):
            found = getattr(found, attribute)
        return found  # type: ignore[no-any-return]


def entry_points() -> Tuple[List[EntryPoint], Optional[str]]:
    """Return the entry points of our group, and what went wrong while they were looked for.

    :raises RecursionError: if the caller is near the limit.
    """
    found: List[EntryPoint] = []
    seen = set()
    folders, failure = _folders()
    for folder in folders:
        if folder in seen:
            continue
        seen.add(folder)
        try:
            names = _listdir(folder or ".")
        except OSError:  # not a folder: an archive, or a path that does not exist
            continue
        except RecursionError:  # of the extraction's caller
            raise
        except Exception as error:  # ValueError: a null character in the name; the program's audit hooks can raise any
            failure = f"The entry points in {folder} could not be listed: {describe_error(error)}"
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                path = os.path.join(folder or ".", name, "entry_points.txt")
                try:
                    # Reading a pipe or a device could wait for ever.
                    if stat.S_ISREG(_stat(path).st_mode):
                        with _open(path, encoding="utf-8") as file:
                            found += parse(file.read())
                except (FileNotFoundError, NotADirectoryError):
                    continue
                except RecursionError:
                    raise
                except Exception as error:  # the program's audit hooks can raise any
                    failure = f"The entry points in {path} could not be read: {describe_error(error)}"
    return found, failure


def _folders() -> Tuple[List[str], Optional[str]]:
    """Return the texts in `sys.path`, and why there are none if it is no list."""
    # The program can put there what it likes, also lists and texts with methods of its own.
    path: object = getattr(sys, "path", None)
    if not is_a(path, list):
        return [], f"Entry points were not looked for: sys.path is a {type_name(type(path))}"
    # Whatever is no text the interpreter ignores, too.
    texts = [exact_str(entry) for entry in list.__iter__(cast(List[object], path))]
    return [text for text in texts if text is not None], None


def parse(text: str) -> List[EntryPoint]:
    """Return the entry points of our group in the text of an ``entry_points.txt``."""
    found = []
    group = None
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            group = line.strip("[]").strip()
        elif group == GROUP and "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            found.append(EntryPoint(name.strip(), value.strip()))
    return found
