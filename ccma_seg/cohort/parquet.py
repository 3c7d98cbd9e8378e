"""The tables of a cohort as Parquet: typed, with units and schema version in the metadata (needs pyarrow)."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccma_seg.cohort.rows import Outcome, series_quantities
from ccma_seg.cohort.storing import whole_file
from ccma_seg.cohort.tables import lesion_rows, lesion_table_columns, series_columns
from ccma_seg.errors import ConfigError
from ccma_seg.quantities import UNITS, Quantity, quantities
from ccma_seg.record import SCHEMA_VERSION

if TYPE_CHECKING:
    import pyarrow as pa

SERIES_PARQUET, LESION_PARQUET = "series.parquet", "lesions.parquet"

_WHOLE, _YES_OR_NO, _FIGURES = ("whole", "rows"), ("yes_no",), ("number", "point")
"""Kinds of quantities; all others are text. A type must not depend on what a cohort happens to hold."""


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


def _write(path: Path, rows: list[dict[str, Any]], columns: list[str]) -> None:
    import pyarrow as pa  # noqa: PLC0415  a quarter of a second
    from pyarrow import parquet  # noqa: PLC0415

    facts = {"schema_version": SCHEMA_VERSION, "missing": "null: not measured; 0: measured, and none"}
    known = _quantities()
    schema = pa.schema([_field(name, known[name]) for name in columns], metadata=facts)
    plain = [{field.name: _value(field, row.get(field.name)) for field in schema} for row in rows]
    with whole_file(path) as private:
        parquet.write_table(pa.Table.from_pylist(plain, schema=schema), private, compression="zstd")


def _quantities() -> dict[str, Quantity]:
    """Return which quantity each column holds; an uncertainty is a number in the unit of what it is of."""
    known = (*series_quantities(), *quantities("finding", "lesion"))
    unsure = {f"uncertainty_{name}": replace(q, kind="number") for q in quantities("lesion") for name in q.columns}
    return {name: quantity for quantity in known for name in quantity.columns} | unsure


def _field(name: str, quantity: Quantity) -> "pa.Field":
    import pyarrow as pa  # noqa: PLC0415

    kinds = ((_FIGURES, pa.float64()), (_WHOLE, pa.int64()), (_YES_OR_NO, pa.bool_()))
    kind = next((kind for names, kind in kinds if quantity.kind in names), pa.string())
    return pa.field(name, kind, metadata={"unit": UNITS[quantity.unit].ucum} if quantity.unit else None)


def _value(field: "pa.Field", value: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415

    return None if value == "" and field.type != pa.string() else value
