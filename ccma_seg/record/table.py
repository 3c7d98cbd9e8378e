"""Lesions as a table: one row each, the record's keys joined by `_`."""

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ccma_seg.lesion import Measurements

if TYPE_CHECKING:
    import pandas as pd

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_NOT_FIGURES = ("reasons", "uncertainty")
_COUNTED = ("gaps", "phases")
"""Lists of which the table tells the length, 0 too; of others it tells the names."""


def write_table(rows: Iterable[dict[str, Any]], columns: list[str]) -> str:
    """Write rows as CSV text with these columns; empty cells are nulls, and no text can run as a formula."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def lesion_row(lesion: dict[str, Any]) -> dict[str, Any]:
    """Flatten one entry of the record's `lesions`."""
    return _flat(lesion)


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
    figures = {k: v for k, v in asdict(Measurements(centroid_mm=(0, 0, 0))).items() if k not in _NOT_FIGURES}
    names = list(_flat(figures))
    return ["id", "verdict", "confidence", "explanation", *names, *(f"uncertainty_{name}" for name in names)]


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        key = f"{prefix}{name}".replace(".", "_")
        match value:
            case dict():
                flat |= _flat(value, f"{key}_")
            case [float() | int(), float() | int(), float() | int()] | (
                float() | int(),
                float() | int(),
                float() | int(),
            ):
                flat |= {f"{key}_{axis}": part for axis, part in zip("xyz", value, strict=True)}
            case list() | tuple():
                names = name not in _COUNTED and all(isinstance(v, str) for v in value)
                flat[key] = ";".join(map(str, value)) if names else len(value)
            case _:
                flat[key] = value
    return flat


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value
