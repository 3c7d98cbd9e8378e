"""The tables of a cohort, made anew from what is on disk: the same rows in the same order, whoever wrote them when."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ccma_seg.cohort.rows import FOLDER, Outcome, series_quantities
from ccma_seg.cohort.storing import write_whole
from ccma_seg.report import lesion_columns, write_table

SERIES_TABLE, LESION_TABLE = "series.csv", "lesions.csv"


def write_tables(out: Path, found: Iterable[Outcome], *, with_folders: bool) -> None:
    """Write `series.csv`, one row a series, and `lesions.csv`, one row a lesion.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    ordered = list(found)
    series = [outcome.row for outcome in ordered]
    write_whole(out / SERIES_TABLE, write_table(series, series_columns(with_folders=with_folders)))
    write_whole(out / LESION_TABLE, write_table(lesion_rows(ordered), lesion_table_columns()))


def series_columns(*, with_folders: bool) -> list[str]:
    """Return the columns of `series.csv`."""
    names = [name for quantity in series_quantities() for name in quantity.columns]
    return [name for name in names if with_folders or name != FOLDER]


def lesion_table_columns() -> list[str]:
    """Return the columns of `lesions.csv`: of which series, then as for one exam."""
    return ["case_id", "series_uid", *lesion_columns()]


def lesion_rows(found: Iterable[Outcome]) -> list[dict[str, Any]]:
    """Return the lesions of all series."""
    return [
        {name: outcome.row[name] for name in ("case_id", "series_uid")} | lesion
        for outcome in found
        for lesion in outcome.lesions
    ]
