"""``asynctb show``: what is in snapshot files."""

from __future__ import annotations

from typing import Any, Optional, Sequence, Tuple

import click

from ...snapshot_files.reading import DocumentError, map_paths, read_document
from .._drawing.output import Output
from .._session.helper import Capture
from .._session.saved import to_capture
from .messages import EXIT_CODES, errors_explained, fail, tell_findings
from .options import MappingType, make_output, output_options


@click.command(epilog=EXIT_CODES)
@click.argument("file", metavar="FILE", type=click.Path())
@click.option("--against", "old", metavar="OLD", type=click.Path(), help="Print what has changed since this file.")
@click.option(
    "--map",
    "mappings",
    type=MappingType(),
    multiple=True,
    help="Where the sources are on this machine; can be given several times.",
)
@output_options
def show(file: str, old: Optional[str], mappings: Sequence[Tuple[str, str]], **output_options: Any) -> None:
    """Print what is in a snapshot file.

    Such files are written by --output of the other commands, by asynctb.snapshot().save(path) and by dump_on_signal.
    Nothing that is named in a file is executed or read, but for what --map allows to be read.
    """
    output = make_output(**output_options)
    later = _load(file, mappings, output)
    earlier = _load(old, mappings, output) if old is not None else None
    with errors_explained():
        if earlier is None:
            output.show(later)
        else:
            output.show_comparison(earlier, later)
    tell_findings(output)


def _load(path: str, mappings: Sequence[Tuple[str, str]], output: Output) -> Capture:
    try:
        document = read_document(path)
    except DocumentError as error:
        fail(f"{click.format_filename(path)!r} cannot be shown: {error}")
    for remote in map_paths(document, mappings):
        output.say(f"--map: no source of {path} is in {remote}")
    return to_capture(document)
