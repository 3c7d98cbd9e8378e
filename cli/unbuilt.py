"""Commands that are promised and not built yet: they say so, and leave with exit code 2."""

from pathlib import Path
from typing import Annotated

import typer

from ccma_seg.errors import NotBuiltError

from .exits import speaks_plainly


@speaks_plainly
def view(out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder with a result.")]) -> None:
    """Open a result in a browser (not built yet)."""
    raise NotBuiltError(f"view is not built yet: open {out / 'report.html'} in a browser")
