"""Lesions as a table: one row each, the record's keys joined by `_`."""

import csv
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ccma_seg.quantities import Quantity, quantities, value_of

if TYPE_CHECKING:
    import pandas as pd

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_table(rows: Iterable[dict[str, Any]], columns: list[str]) -> str:
    """Write rows as CSV text with these columns; empty cells are nulls, and no text can run as a formula."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def lesion_row(lesion: dict[str, Any]) -> dict[str, Any]:
    """Flatten one entry of the record's `lesions`: a cell for each column of `lesions.csv`."""
    widths = lesion.get("uncertainty") or {}
    cells = [cells_of(quantity, value_of(lesion, quantity)) for quantity in quantities("finding", "lesion")]
    unsure = {f"uncertainty_{name}": widths.get(q.path) for q in quantities("lesion") for name in q.columns}
    return {name: value for part in cells for name, value in part.items()} | unsure


def cells_of(quantity: Quantity, value: Any) -> dict[str, Any]:
    """Return the cells of a quantity by column: names joined by `;`, of rows how many there are."""
    if quantity.kind == "point":
        return dict(zip(quantity.columns, value or (None, None, None), strict=True))
    if isinstance(value, list | tuple):
        value = len(value) if quantity.kind == "rows" else ";".join(value)
    return {quantity.columns[0]: value}


def lesion_frame(record: dict[str, Any]) -> "pd.DataFrame":
    """Return the lesions of a record as a pandas table: of which series, then the columns of `lesions.csv`.

    Raises
    ------
    ModuleNotFoundError
        If pandas is not installed: `pip install 'ccma-seg[pandas]'`.
    """
    import pandas as pd  # noqa: PLC0415  optional, and slow to load

    exam = {"series_uid": record["series"]["series_uid"], "exam_verdict": record["verdict"]}
    rows = [exam | lesion_row(lesion) for lesion in record["lesions"]]
    return pd.DataFrame(rows, columns=[*exam, *lesion_columns()])


def lesion_columns() -> list[str]:
    """Return the columns of `lesions.csv`, the same for every exam."""
    return list(lesion_row({}))


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value
