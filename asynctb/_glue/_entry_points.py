"""Finds entry points without `importlib.metadata`.

That module would pull a dozen others into the inspected process and call the ``find_distributions`` of the program's
own import hooks. What is needed here is little: text files in the folders of `sys.path`.
"""

from __future__ import annotations

import importlib
import os
import stat
import sys
from typing import Any, Callable, List, NamedTuple, Optional, Tuple

from .._objects import describe_error

GROUP = "asynctb"


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
    failure = None
    seen = set()
    for folder in tuple(sys.path):
        if type(folder) is not str or folder in seen:
            continue
        seen.add(folder)
        try:
            names = os.listdir(folder or ".")
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
                    if stat.S_ISREG(os.stat(path).st_mode):
                        with open(path, encoding="utf-8") as file:
                            found += parse(file.read())
                except (FileNotFoundError, NotADirectoryError):
                    continue
                except RecursionError:
                    raise
                except Exception as error:  # the program's audit hooks can raise any
                    failure = f"The entry points in {path} could not be read: {describe_error(error)}"
    return found, failure


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
