"""Functions of libraries that event loops run in, and where they are on the stacks of threads."""

from __future__ import annotations

import sys
import types
from typing import Any, List, Optional

from asynctb._objects import class_attribute, module_field


def thread_stacks() -> List[List[types.FrameType]]:
    """Return the frames of each thread but this one, innermost first."""
    stacks: List[List[types.FrameType]] = []
    own = id(sys._getframe())
    for frame in sys._current_frames().values():
        current: Optional[types.FrameType] = frame
        # This stack is left out for a reason: a variable that refers to its own frame is a circle, which would keep
        # alive what our callers refer to.
        if id(frame) != own:
            stack = []
            while current is not None:
                stack.append(current)
                current = current.f_back
            stacks.append(stack)
    del frame, current
    return stacks


def python_loop_codes() -> List[types.CodeType]:
    """Return the code that the loops of asyncio and trio run in that are written in Python."""
    found = (
        code_of("asyncio.base_events", "BaseEventLoop", "run_forever"),
        code_of("trio._core._run", None, "run"),
    )
    return [code for code in found if code is not None]


def code_of(module_name: str, class_name: Optional[str], function_name: str) -> Optional[types.CodeType]:
    """Return the code of a function of a library, if the program has imported it."""
    module = sys.modules.get(module_name)
    function: Any = module_field(module, class_name or function_name) if type(module) is types.ModuleType else None
    if class_name is not None:
        function = class_attribute(function, function_name) if type(function) is type else None
    return function.__code__ if type(function) is types.FunctionType else None


def library_local(frame: types.FrameType, name: str) -> Any:
    """Return a variable of a frame of a library, which nobody edits in the debugger, and which lives as long."""
    return frame.f_locals[name]
