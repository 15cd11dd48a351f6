"""What the payload calls."""

from __future__ import annotations

from asynctb._refusal import refusal

from . import _pydevd


def install(key: str) -> None:
    """Install the helper, unless the same one is installed already.

    :param key: what identifies these sources.
    :raises RuntimeError: if this process is not being debugged by debugpy, or nothing may be read in it.
    """
    reason = refusal()
    if reason is not None:
        raise RuntimeError(reason)
    if _pydevd.installed_key() == key:
        return
    from ._service import Service

    Service(key).install()
