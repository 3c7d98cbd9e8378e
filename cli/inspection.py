"""`inspect`: what is on disk, and what would become of it."""

from pathlib import Path
from typing import Annotated

import typer

from .exits import speaks_plainly
from .options import Json


@speaks_plainly
def inspect(
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="Folder, file or zip.")],
    as_json: Json = False,
) -> None:
    """List the series found: geometry, phase, contrast, whether each would be analysed, and why not.

    Example:

      ccma-seg inspect archive/
    """
