"""The fields that results have both as plain data and on the wire, where texts have a limit.

What is different there, how frames and what is inside of contexts are written, stands in `_output.plain` and in
``dap_extension/debuggee/_serialize.py``.
"""

from __future__ import annotations

from typing import Any, Callable, List, Optional

from .._data import ActivityData, ContextData, FindingData, HolderData, LocationData, ObjectData, StepData, WaitData
from .._model import Activity, ContextInfo, Finding, Holder, Location, Wait
from .._objects import address_of, error_line, exact_str, type_name

#: Returns a text as an exact `str`, perhaps shortened.
Text = Callable[[str], str]
#: Returns a place as plain data or for the wire.
Locate = Callable[[Location], LocationData]
#: Longest name or description outside of the process, in characters. Programs put whole requests into names of tasks.
LONGEST_TEXT = 500
#: More identifiers or steps than anybody reads; a wait for a group of thousands has as many, for each of its waiters.
_MOST_ACTIVITIES = 100


def clip(text: str) -> str:
    """Return *text* as an exact `str` of a bounded length."""
    exact = exact_str(text) or ""
    return exact if len(exact) <= LONGEST_TEXT else exact[: LONGEST_TEXT - 1] + "…"


def activity_fields(activity: Activity, text: Text, location: Locate, *, inside: bool) -> ActivityData:
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
        data["waitsFor"] = wait_fields(activity.waits_for, text, location)
    if activity.signature is not None:
        data["signature"] = activity.signature
    if activity.failure is not None:
        data["failure"] = text(activity.failure)
    if activity.created_at is not None:
        data["createdAt"] = {
            "name": text(activity.created_at.funcname),
            "location": location(activity.created_at),
        }
    return data


def wait_fields(wait: Wait, text: Text, location: Locate) -> WaitData:
    """Return what an activity waits for."""
    data: WaitData = {"kind": wait.kind, "description": text(wait.description)}
    if wait.target is not None:
        data["target"] = object_fields(wait.target, text)
    if wait.activities:
        data["activityIds"] = list(wait.activities[:_MOST_ACTIVITIES])
        data["needs"] = wait.needs
    if wait.holders:
        data["holders"] = [_holder_fields(holder, text, location) for holder in wait.holders[:_MOST_ACTIVITIES]]
    if wait.deadline is not None:
        data["deadline"] = wait.deadline
    return data


def _holder_fields(holder: Holder, text: Text, location: Locate) -> HolderData:
    data: HolderData = {
        "activityId": holder.activity,
        "permits": holder.permits,
        "evidence": holder.evidence,
    }
    if holder.since is not None:
        data["location"] = location(holder.since)
    return data


def finding_fields(finding: Finding, text: Text, location: Locate) -> FindingData:
    """Return why something does not go on."""
    steps: List[StepData] = []
    for step in finding.steps[:_MOST_ACTIVITIES]:
        data: StepData = {"activityId": step.activity, "text": text(step.text)}
        if step.location is not None:
            data["location"] = location(step.location)
        steps.append(data)
    return {
        "kind": finding.kind,
        "certain": finding.certain,
        "text": text(finding.text),
        "activityIds": list(finding.activities),
        "steps": steps,
    }


def context_fields(context: ContextInfo, manager: Optional[Any], text: Text) -> ContextData:
    """Return a context without where it stands, what is inside, and what is unknown.

    :param manager: what stands for its manager, or None if that is unknown.
    """
    data: ContextData = {"isAsync": context.is_async, "phase": context.phase}
    if manager is not None:
        data["manager"] = manager
    if context.exception is not None:
        data["exception"] = text(error_line(context.exception))
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
