"""Which code is the user's own: not the standard library's, nor that of an installed package."""

from __future__ import annotations

import os
from typing import Dict

_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep
_INSTALLED = ("/site-packages/", "/dist-packages/")
#: What is no file: parts of the interpreter, and what libraries generate. Other such names stand for what a user types.
_GENERATED = ("<frozen ", "<builtin>", "<attrs generated")
#: Programs can make names of files without end.
_MOST_KNOWN = 10_000
_known: Dict[str, bool] = {}


def is_own_file(filename: str) -> bool:
    """Return whether the code in a file is the user's own, given its name as code objects record it."""
    found = _known.get(filename)
    if found is None:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        path = filename.replace("\\", "/")
        is_library = filename.startswith((_STANDARD_LIBRARY, *_GENERATED)) or any(part in path for part in _INSTALLED)
        found = _known[filename] = not is_library
    return found
