"""Event loops that sleep although they have something to do: whoever has scheduled it has not woken them."""

from __future__ import annotations

import collections
import types
from typing import Any, Dict, Optional

from ..._frames import local_variable
from ..._objects import class_attribute, get_field, is_a, module_field
from ..._snapshot.sets import imported
from ..._snapshot.source import ThreadRecord, frames_of
from ..._stacks.follow import innermost_frame, thread_frames


def oversleeps(loop: object, ident: int, threads: Dict[int, ThreadRecord]) -> bool:
    """Return whether *loop*, which the thread with the number *ident* runs, certainly sleeps with calls to make.

    What another thread hands to ``call_soon``, as primitives such as ``Event.set`` do there, is put where the loop
    finds it when it wakes up next. ``call_soon_threadsafe`` wakes it, by a byte in a socket.
    """
    ready = get_field(loop, "_ready")
    if type(ready) is not collections.deque or not ready:
        return False
    first = ready.copy()[0]
    asleep = _sleeping_frame(loop, ident)
    if asleep is None or _is_being_woken(loop, threads):
        return False
    # If it has been woken, it has gone on from there since.
    return innermost_frame(ident) is asleep and any(handle is first for handle in ready.copy())


def _sleeping_frame(loop: object, ident: int) -> Optional[types.FrameType]:
    """Return the innermost frame of a thread if *loop* waits for events there, and not only looks whether there are."""
    frames = thread_frames(ident)
    run_once = class_attribute(type(loop), "_run_once")
    if len(frames) < 2 or type(run_once) is not types.FunctionType or frames[-2].f_code is not run_once.__code__:
        return None
    select = class_attribute(type(get_field(loop, "_selector")), "select")
    if type(select) is not types.FunctionType or frames[-1].f_code is not select.__code__:
        return None
    timeout = local_variable(frames[-2], "timeout")
    is_long = timeout is None or ((type(timeout) is float or type(timeout) is int) and timeout > 0)
    return frames[-1] if is_long and local_variable(frames[-2], "self") is loop else None


def _is_being_woken(loop: object, threads: Dict[int, ThreadRecord]) -> bool:
    """Return whether a thread is just about to wake *loop*, or has done so; also if that cannot be told."""
    call = class_attribute(type(loop), "call_soon_threadsafe")
    module = imported("_socket")
    socket: Any = module_field(module, "socket") if module is not None else None
    end = get_field(loop, "_ssock")
    if type(call) is not types.FunctionType or not is_a(socket, type) or not is_a(end, socket):
        return True
    if frames_of(threads, call.__code__) or socket.gettimeout(end) != 0:
        return True
    try:
        # The byte is left where it is. These are methods in C: those of a subclass are passed over.
        socket.recv(end, 1, module_field(module, "MSG_PEEK"))  # type: ignore[arg-type]
    except BlockingIOError:
        return False
    except OSError:  # it is being closed
        return True
    return True
