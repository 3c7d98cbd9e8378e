"""The tables of a cohort as Parquet: typed, with units and schema version in the metadata (needs pyarrow)."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccma_seg.cohort.rows import Outcome
from ccma_seg.cohort.storing import whole_file
from ccma_seg.cohort.tables import lesion_rows, lesion_table_columns, series_columns
from ccma_seg.errors import ConfigError
from ccma_seg.record import SCHEMA_VERSION

if TYPE_CHECKING:
    import pyarrow as pa

SERIES_PARQUET, LESION_PARQUET = "series.parquet", "lesions.parquet"

_UNITS = {
    "mm": "mm",
    "mm2": "mm2",
    "mm3": "mm3",
    "hu": "[hnsf'U]",
    "deg": "deg",
    "pct": "%",
    "percent": "%",
    "mg": "mg",
    "kv": "kV",
    "seconds": "s",
    "mib": "MiBy",
}
"""UCUM, by the end of a column's name."""


_WHOLE = frozenset(("id", "lesion_count", "files", "slices", "rim_gaps"))
_YES_OR_NO = frozenset(("cavity_present", "leak_present", "touches_border"))
_TEXT = frozenset(
    (
        *(
            "case_id",
            "series_uid",
            "study_uid",
            "status",
            "verdict",
            "reason_codes",
            "reasons",
            "explanation",
            "folder",
        ),
        *("description", "kernel", "contrast", "guerrero_grade", "sector", "core_texture", "cavity_communicates_with"),
        *("schema_version", "software_version", "config_sha256"),
    )
)
"""Columns that are not figures: a type must not depend on what a cohort happens to hold."""


def check_parquet() -> None:
    """Refuse before any work is done where pyarrow is not installed.

    Raises
    ------
    ConfigError
        If it is not.
    """
    try:
        import pyarrow as _  # noqa: F401, ICN001, PLC0415
    except ImportError as error:
        raise ConfigError("Parquet needs pyarrow, which is not installed: pip install 'ccma-seg[parquet]'") from error


def write_parquet(out: Path, found: Iterable[Outcome], *, with_folders: bool) -> None:
    """Write `series.parquet` and `lesions.parquet`, with the columns of the CSV tables.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    ordered = list(found)
    series = [outcome.row for outcome in ordered]
    _write(out / SERIES_PARQUET, series, series_columns(with_folders=with_folders))
    _write(out / LESION_PARQUET, lesion_rows(ordered), lesion_table_columns())


def unit_of(column: str) -> str | None:
    """Return the unit of a column in UCUM; None if it has none."""
    axis = column.endswith(("_x", "_y", "_z"))
    return _UNITS.get((column[:-2] if axis else column).rpartition("_")[2])


def _write(path: Path, rows: list[dict[str, Any]], columns: list[str]) -> None:
    import pyarrow as pa  # noqa: PLC0415  a quarter of a second
    from pyarrow import parquet  # noqa: PLC0415

    facts = {"schema_version": SCHEMA_VERSION, "missing": "null: not measured; 0: measured, and none"}
    schema = pa.schema([_field(name) for name in columns], metadata=facts)
    plain = [{name: _value(name, row.get(name)) for name in columns} for row in rows]
    with whole_file(path) as private:
        parquet.write_table(pa.Table.from_pylist(plain, schema=schema), private, compression="zstd")


def _field(name: str) -> "pa.Field":
    import pyarrow as pa  # noqa: PLC0415

    kinds = ((_TEXT, pa.string()), (_WHOLE, pa.int64()), (_YES_OR_NO, pa.bool_()))
    kind = next((kind for names, kind in kinds if name in names), pa.float64())
    unit = unit_of(name)
    return pa.field(name, kind, metadata=None if unit is None else {"unit": unit})


def _value(name: str, value: Any) -> Any:
    return None if value == "" and name not in _TEXT else value
