"""`compare`: two exams of one patient, or two phases of one exam."""

import json
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from .analysis import read_config
from .exits import speaks_plainly
from .options import ConfigFile, Force, Json, LogFile, Output, Settings, Verbose
from .progress import Steps, set_up_logging


class As(StrEnum):
    """What the two are."""

    FOLLOW_UP = "follow_up"
    PHASES = "phases"


@speaks_plainly
def compare(
    baseline: Annotated[
        Path, typer.Argument(metavar="BASELINE", help="The earlier exam: images, or the folder of a finished result.")
    ],
    followup: Annotated[
        Path, typer.Argument(metavar="FOLLOWUP", help="The later exam, or another phase of the same one.")
    ],
    output: Output,
    kind: Annotated[
        As | None, typer.Option("--as", help="What they are; phases if both are of one study, when not given.")
    ] = None,
    interval_days: Annotated[
        int | None, typer.Option("--interval-days", help="Between the exams, where dates are not known.")
    ] = None,
    config: ConfigFile = None,
    settings: Settings = None,
    force: Force = False,
    as_json: Json = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
) -> None:
    """Compare two exams of one patient, or two phases of one exam.

    Lesions are matched by their place at the annulus; what has changed is more than repeatability.
    Writes comparison.json, comparison.csv and comparison.png. Finished results are compared without their images:
    give the time between them with --interval-days.

    Examples:

      ccma-seg compare exam-2024/ exam-2025/ -o change/

      ccma-seg compare result-2024/ result-2025/ -o change/ --interval-days 370
    """
    set_up_logging(verbose=verbose, log_file=log_file)
    from ccma_seg.comparison import RECORD, Kind, write_comparison
    from ccma_seg.comparison import compare as compare_exams
    from ccma_seg.comparison.exams import open_exam
    from ccma_seg.report import check_output

    check_output(output, force=force, record=RECORD)
    parameters = read_config(config, settings)
    steps = Steps(4)
    with steps.step("baseline"):
        first = open_exam(baseline, parameters)
    with steps.step("follow-up"):
        second = open_exam(followup, parameters)
    with steps.step("comparing"):
        chosen = None if kind is None else Kind(kind)
        result = compare_exams(first, second, parameters, kind=chosen, interval_days=interval_days)
    with steps.step("writing"):
        write_comparison(result, output, force=force)
    record = json.loads((output / RECORD).read_text("utf-8"))
    if as_json:
        typer.echo(json.dumps(record))
        return
    for line in _lines(record):
        typer.echo(line)
    typer.echo(f"figure   {output / 'comparison.png'}")


def _lines(record: dict[str, Any]) -> Iterator[str]:
    yield f"verdicts {record['baseline']['verdict']} -> {record['followup']['verdict']}"
    if record["both_phases"] is not None:
        yield f"together {record['both_phases']['verdict']}"
    yield f"status   {record['status']}"
    yield f"finding  {record['explanation']}"
    yield from _table(record)
    for reason in record["reasons"]:
        yield f"note     {reason['text']} ({reason['code']})"


def _table(record: dict[str, Any]) -> Iterator[str]:
    """Set out the main figures of each lesion that were measured in either exam."""
    from ccma_seg.quantities import table
    from ccma_seg.report.wording import heading

    known = {path: quantity for path, quantity in table()["lesion"].items() if "headline" in quantity.groups}
    for lesion in record["lesions"]:
        yield f"lesion {lesion['id']}: {lesion['change']}"
        for change in lesion["quantities"]:
            before, after = change["baseline"], change["followup"]
            if change["quantity"] in known and (before, after) != (None, None):
                name = heading(known[change["quantity"]])
                yield f"  {name:<18}{_figure(before):>10}{_figure(after):>10}  {change['outcome']}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"
