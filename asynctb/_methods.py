"""What the methods of the results do, see `_model.Methods`: each name is that of the function that does it."""

from ._code.with_blocks import position_at as position_at
from ._output.document import write_snapshot as write_snapshot
from ._output.plain import snapshot_data as snapshot_data, traceback_data as traceback_data
from ._output.snapshot_text import format_snapshot as format_snapshot
from ._output.stack_text import format_traceback as format_traceback, stdlib_summary as stdlib_summary
from ._stacks.extract import (
    extract as extract,
    extract_since as extract_since,
    extract_until as extract_until,
)
