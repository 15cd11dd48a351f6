"""The command ``asynctb-language-server``."""

from __future__ import annotations

import importlib.util
import sys

OLDEST_PYTHON = (3, 10)
CANNOT_SERVE = 3


def main() -> None:
    """Serve on standard input and output, or with ``--tcp`` on a port, until the client ends it."""
    problem = None
    if sys.version_info < OLDEST_PYTHON:
        problem = "it needs Python {}.{} or later, and this is {}.{}".format(*OLDEST_PYTHON, *sys.version_info[:2])
    elif importlib.util.find_spec("pygls.lsp") is None if importlib.util.find_spec("pygls") is not None else True:
        problem = "it needs pygls 2 or later. From a checkout: pip install '.[lsp]'"
    if problem is not None:
        sys.stderr.write(f"asynctb-language-server: {problem}\n")
        sys.exit(CANNOT_SERVE)
    from ._server import serve

    serve(sys.argv[1:])


if __name__ == "__main__":
    main()
