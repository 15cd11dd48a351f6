"""Stacks of coroutines, generators, tasks, greenlets and threads, with the context managers active in each frame."""

from . import _methods as _methods, _model as _model
from ._data import SnapshotData as SnapshotData, TracebackData as TracebackData
from ._frames import local_variable as local_variable
from ._frameworks import _registry as _registry
from ._model import (
    Activity as Activity,
    ContextInfo as ContextInfo,
    Finding as Finding,
    FrameInfo as FrameInfo,
    Holder as Holder,
    InspectionWarning as InspectionWarning,
    Location as Location,
    Position as Position,
    Snapshot as Snapshot,
    Step as Step,
    Traceback as Traceback,
    Wait as Wait,
    WithBlock as WithBlock,
)
from ._objects import get_field as get_field
from ._output.dump import dump as dump, dump_after as dump_after, dump_on_signal as dump_on_signal
from ._snapshot.creation import record_creation as record_creation
from ._snapshot.listing import snapshot as snapshot
from ._stacks import registries as _registries
from ._stacks.customize import (
    Walk as Walk,
    customize as customize,
    register_elaborate_context as register_elaborate_context,
    register_elaborate_context_generator as register_elaborate_context_generator,
    register_elaborate_frame as register_elaborate_frame,
    register_get_target as register_get_target,
    register_root as register_root,
    register_stack_finder as register_stack_finder,
    register_unwrap_awaitable as register_unwrap_awaitable,
    register_unwrap_context_generator as register_unwrap_context_generator,
    register_unwrap_context_manager as register_unwrap_context_manager,
)
from ._version import __version__ as __version__
from ._waits.facts import Held as Held, register_holders as register_holders, register_wait as register_wait
from ._waits.registration import Registration as Registration

_model.hand_in(_methods)
#: Where a debugger's copy of asynctb looks for it, whatever version it is of.
_third_party = _registries.third_party
