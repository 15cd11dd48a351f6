"""The command ``asynctb``."""

from __future__ import annotations

import importlib.util
import sys

#: What `main` needs beside the core; the packages are all in the extra "client".
OLDEST_PYTHON = (3, 10)
REQUIRED = ("click", "rich", "debugpy")
CANNOT_DEBUG = 3


def main() -> None:
    """Run the command with the arguments of the process, and exit."""
    if sys.version_info < OLDEST_PYTHON:
        sys.stderr.write(
            "asynctb: the command needs Python {}.{} or later, and this is {}.{}. "
            "The program that it shows may run on this one: asynctb run --python PATH\n".format(
                *OLDEST_PYTHON, *sys.version_info[:2]
            )
        )
        sys.exit(CANNOT_DEBUG)
    missing = [name for name in REQUIRED if importlib.util.find_spec(name) is None]
    if missing:
        sys.stderr.write(f"asynctb: the command needs {', '.join(missing)}. From a checkout: pip install '.[client]'\n")
        sys.exit(CANNOT_DEBUG)
    from ._commands.cli import cli

    cli(prog_name="asynctb")


if __name__ == "__main__":
    main()
