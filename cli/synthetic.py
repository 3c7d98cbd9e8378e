"""`phantom`: a synthetic exam with its truth."""

from typing import Annotated

import typer

from .exits import speaks_plainly
from .options import Force, Output


@speaks_plainly
def phantom(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Name of a recipe, or a TOML file.")],
    output: Output,
    seed: Annotated[int, typer.Option("--seed", help="Same recipe and seed, same bytes.")] = 1,
    force: Force = False,
) -> None:
    """Make a synthetic exam with its truth.

    Writes OUT/dicom/ and OUT/truth.json.

    Examples:

      ccma-seg phantom ruptured -o exam --seed 7

      ccma-seg phantom my_recipe.toml -o exam
    """
    from ccma_seg.phantom import make_phantom, write_phantom
    from ccma_seg.report import check_output

    check_output(output, force=force)
    write_phantom(make_phantom(recipe, seed=seed), output)
    typer.echo(f"exam   {output / 'dicom'}")
    typer.echo(f"truth  {output / 'truth.json'}")
