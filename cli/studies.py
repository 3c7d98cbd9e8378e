"""`study` and `agreement`: how readers see a cohort, and how far they agree."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .exits import speaks_plainly
from .options import Json, Output

if TYPE_CHECKING:
    from ccma_seg.cohort.agreement import Agreement


@speaks_plainly
def study(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="Folder of `batch --reading-views`.")],
    output: Output,
    seed: Annotated[int, typer.Option("--seed", help="Of the order of exams.")] = 1,
) -> None:
    """Make a blinded reader study of a cohort.

    Readers open OUT/study.html and save their answers as CSV; OUT/key.csv is not for them.

    Example:

      ccma-seg study results/ -o study/ --seed 7
    """
    from ccma_seg.cohort import make_study
    from ccma_seg.report import check_output

    check_output(output, force=False)
    count = make_study(results, output, seed=seed)
    typer.echo(f"{count} exams  {output / 'study.html'}")


@speaks_plainly
def agreement(
    answers: Annotated[
        list[Path], typer.Argument(metavar="ANSWERS...", help="One CSV a reader; key.csv for the tool.")
    ],
    as_json: Json = False,
) -> None:
    """Say how far readers agree: Cohen's kappa of each pair, Fleiss' of all.

    Example:

      ccma-seg agreement answers-a.csv answers-b.csv study/key.csv
    """
    from ccma_seg.cohort.agreement import compare_readers, read_answers

    for found in compare_readers({path.stem: read_answers(path) for path in answers}):
        typer.echo(json.dumps(asdict(found)) if as_json else _line(found))


def _line(found: "Agreement") -> str:
    kappa = "no kappa: everybody always said the same" if found.kappa is None else f"kappa {found.kappa:.2f}"
    interval = "" if found.interval is None else f" ({found.interval[0]:.2f} to {found.interval[1]:.2f})"
    return f"{', '.join(found.readers)}: {found.exams} exams, {found.agreement_pct:.0f} % agree, {kappa}{interval}"
