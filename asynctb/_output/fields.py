"""The fields that results have both as plain data and on the wire, where texts have a limit.

What is different there, how frames and what is inside of contexts are written, stands in `_output.plain` and in
``dap_extension/debuggee/_serialize.py``.
"""

from __future__ import annotations

from typing import Any, Callable, Optional

from .._data import ActivityData, ContextData, ObjectData, WaitData
from .._model import Activity, ContextInfo, Wait
from .._objects import address_of, type_name

#: Returns a text as an exact `str`, perhaps shortened.
Text = Callable[[str], str]


def activity_fields(activity: Activity, text: Text, *, inside: bool) -> ActivityData:
    """Return an activity without its frames.

    :param inside: whether with what means something inside of the process only: its object, and a thread's number.
    """
    data: ActivityData = {
        "id": activity.id,
        "kind": activity.kind,
        "framework": activity.framework,
        "name": text(activity.name),
        "state": activity.state,
    }
    if inside and activity.target is not None:
        data["target"] = object_fields(activity.target, text)
    if activity.parent is not None:
        data["parentId"] = activity.parent
    if activity.thread is not None:
        data["threadId"] = activity.thread
    if activity.loop is not None:
        data["loopId"] = activity.loop
    if inside and activity.thread_ident is not None:
        data["threadIdent"] = activity.thread_ident
    if activity.waits_for is not None:
        data["waitsFor"] = wait_fields(activity.waits_for, text)
    if activity.signature is not None:
        data["signature"] = activity.signature
    if activity.failure is not None:
        data["failure"] = text(activity.failure)
    return data


def wait_fields(wait: Wait, text: Text) -> WaitData:
    """Return what an activity waits for."""
    data: WaitData = {"description": text(wait.description)}
    if wait.target is not None:
        data["target"] = object_fields(wait.target, text)
    if wait.activity is not None:
        data["activityId"] = wait.activity
    return data


def context_fields(context: ContextInfo, manager: Optional[Any], text: Text) -> ContextData:
    """Return a context without where it stands, what is inside, and what is unknown.

    :param manager: what stands for its manager, or None if that is unknown.
    """
    data: ContextData = {"isAsync": context.is_async, "phase": context.phase}
    if manager is not None:
        data["manager"] = manager
    if context.varname is not None:
        data["varname"] = text(context.varname)
    if context.description is not None:
        data["description"] = text(context.description)
    return data


def object_fields(obj: object, text: Text) -> ObjectData:
    """Describe an object without running any of its code."""
    return {"type": text(type_name(type(obj))), "address": address_of(obj)}


def error_text(error: BaseException) -> str:
    """Return what cut a stack short: the text of an error of ours, whose type says nothing more."""
    return ", ".join([arg for arg in error.args if type(arg) is str]) or type_name(type(error))
