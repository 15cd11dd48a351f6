"""What the payload calls."""

from __future__ import annotations

from . import _pydevd


def install(key: str) -> None:
    """Install the helper, unless the same one is installed already.

    :param key: what identifies these sources.
    :raises RuntimeError: if this process is not being debugged by debugpy.
    """
    if _pydevd.installed_key() == key:
        return
    from ._service import Service

    Service(key).install()
