"""`inspect`: what is on disk, and what would become of it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .exits import speaks_plainly
from .options import Json

if TYPE_CHECKING:
    from ccma_seg.series import Series


@speaks_plainly
def inspect(
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="Folder, file or zip.")],
    as_json: Json = False,
) -> None:
    """List the series found, and what would become of each.

    Shows geometry, phase, contrast, whether each would be analysed, and why not.
    The best suited comes first; `run` takes the first that is usable.

    Example:

      ccma-seg inspect archive/
    """
    from ccma_seg.series import find_series

    inventory = find_series(root)
    for series in inventory.series:
        row = _row(series)
        typer.echo(json.dumps(row) if as_json else _block(row))
    for skipped in inventory.skipped:
        if not as_json:
            typer.echo(f"skipped  {skipped.name}: {skipped.reason.text}", err=True)
    typer.echo(f"{len(inventory.series)} series, {len(inventory.skipped)} files skipped", err=True)


def _row(series: "Series") -> dict[str, Any]:
    geometry = series.geometry
    return {
        "series_uid": series.series_uid,
        "description": series.description,
        "modality": series.modality,
        "files": series.file_count,
        "shape": None if geometry is None else list(geometry.shape),
        "spacing_mm": None if geometry is None else [round(step, 4) for step in geometry.spacing_mm],
        "slice_thickness_mm": series.slice_thickness_mm,
        "tube_voltage_kv": series.tube_voltage_kv,
        "kernel": series.kernel,
        "cardiac_phase_percent": series.phase_percent,
        "contrast_agent": series.contrast_agent,
        "usable": series.usable,
        "why_not": [obstacle.text for obstacle in series.obstacles],
        "reasons": [{"code": reason.code, "text": reason.text} for reason in series.reasons],
        "rank": series.rank_text,
    }


def _block(row: dict[str, Any]) -> str:
    """Set one series out over a few lines."""
    size = "no grid" if row["shape"] is None else " x ".join(map(str, row["shape"]))
    spacing = "" if row["spacing_mm"] is None else " x ".join(f"{step:g}" for step in row["spacing_mm"]) + " mm"
    phase = "" if row["cardiac_phase_percent"] is None else f"phase {row['cardiac_phase_percent']:g} %"
    told = (row["modality"], size, spacing, row["kernel"], phase, row["description"])
    lines = [f"{'usable ' if row['usable'] else 'refused'}  {row['series_uid']}"]
    lines.append("         " + ", ".join(part for part in told if part))
    remarks = [row["rank"], *row["why_not"], *(reason["text"] for reason in row["reasons"])]
    lines += [f"         {text}" for text in remarks if text]
    return "\n".join(lines)
