"""The files of a comparison: record, table, picture."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ccma_seg.comparison.findings import Comparison
from ccma_seg.record import write_table
from ccma_seg.report import check_output, whole_folder

RECORD = "comparison.json"
"""By which the folder of a comparison is known."""

_COLUMNS = ["lesion", "change", "quantity", "baseline", "followup", "difference", "difference_pct", "limit", "outcome"]


def write_comparison(comparison: Comparison, out: str | Path, *, force: bool = False) -> Path:
    """Write `comparison.json`, `comparison.csv` and `comparison.png`.

    Parameters
    ----------
    comparison
        From `compare`.
    out
        A folder to make; it appears complete, or not at all.
    force
        Replace a folder that holds an earlier comparison.

    Raises
    ------
    OutputError
        If the folder exists already (without `force`), is not an earlier comparison, or cannot be written.
    """
    from ccma_seg.comparison.figure import write_figure  # noqa: PLC0415  matplotlib takes half a second to load

    out = Path(out)
    check_output(out, force=force, record=RECORD)
    with whole_folder(out) as folder:
        record = comparison.record()
        (folder / "comparison.csv").write_text(write_table(table_rows(record), _COLUMNS), "utf-8")
        write_figure(comparison, folder / "comparison.png")
        record["files"] = {"table": "comparison.csv", "figure": "comparison.png"}
        (folder / RECORD).write_text(json.dumps(record, indent=1, allow_nan=False) + "\n", "utf-8")
    return out


def table_rows(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield one row for each figure of each lesion, then for annular calcium."""
    for lesion in record["lesions"]:
        for quantity in lesion["quantities"]:
            yield {"lesion": lesion["id"], "change": lesion["change"], **quantity}
    for quantity in record["calcium"]:
        yield {"lesion": None, "change": None, **quantity, "quantity": f"calcium.{quantity['quantity']}"}
