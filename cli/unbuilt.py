"""Commands that are promised and not built yet: they say so, and leave with exit code 2."""

from pathlib import Path
from typing import Annotated

import typer

from ccma_seg.errors import NotBuiltError

from .exits import speaks_plainly
from .options import Json, Output


@speaks_plainly
def compare(
    baseline: Annotated[Path, typer.Argument(metavar="BASELINE")],
    followup: Annotated[Path, typer.Argument(metavar="FOLLOWUP")],
    output: Output,
    as_json: Json = False,
) -> None:
    """Compare two exams or two phases (not built yet)."""
    del baseline, followup, output, as_json
    raise NotBuiltError("compare is not built yet: set the report.json of both exams side by side")


@speaks_plainly
def view(out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder with a result.")]) -> None:
    """Open a result in a browser (not built yet)."""
    raise NotBuiltError(f"view is not built yet: open {out / 'report.html'} in a browser")
