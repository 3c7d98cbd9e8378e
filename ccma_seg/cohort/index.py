"""The page that lists a cohort: from the most serious to the plainest, with pictures, opening the report of each."""

from collections import Counter
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from ccma_seg._version import __version__
from ccma_seg.classification import Verdict
from ccma_seg.cohort.rows import FAILED, SKIPPED, Outcome
from ccma_seg.cohort.storing import CASES, write_whole
from ccma_seg.quantities import Quantity, quantities
from ccma_seg.report.wording import heading

INDEX = "index.html"

_GRAVITY = {str(verdict): gravity for gravity, verdict in enumerate(Verdict, 1)} | {FAILED: 0, SKIPPED: -1}

_BEFORE, _AFTER = ("verdict", "status"), ("finding", "series", "series UID", "case")
"""Columns round those of the figures."""


def write_index(out: Path, found: Iterable[Outcome]) -> None:
    """Write `index.html`, one file that needs no network and opens the reports beside it.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    rows = sorted((_row(outcome) for outcome in found), key=lambda row: row["order"])
    counts = Counter(row["group"] for row in rows)
    ordered = {name: counts[name] for name in sorted(counts, key=lambda name: -_GRAVITY[name])}
    text = _template().render(rows=rows, counts=ordered, columns=_columns(), version=__version__)
    write_whole(out / INDEX, text)


def _columns() -> list[tuple[str, str]]:
    """Return the names of the columns, and how each is sorted."""
    figures = [heading(quantity) for quantity in _figures("finding", "lesion", "exam")]
    by_number = {"verdict", *figures}
    return [(name, "figure" if name in by_number else "text") for name in (*_BEFORE, *figures, *_AFTER)]


def _figures(*parts: str) -> list[Quantity]:
    return [quantity for quantity in quantities(*parts) if "index" in quantity.groups]


def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(resources.files(__package__).joinpath(INDEX).read_text("utf-8"))


def _row(outcome: Outcome) -> dict[str, Any]:
    row, lesion = outcome.row, _main_lesion(outcome)
    without = outcome.failed or outcome.skipped
    group = row["status"] if without else row["verdict"]
    figures = [lesion.get(q.columns[0]) for q in _figures("finding", "lesion")]
    figures += [row.get(q.columns[0]) for q in _figures("exam")]
    folder = f"{CASES}/{outcome.case_id}"
    return {
        "group": group,
        "gravity": _GRAVITY[group],
        "status": row["status"],
        "figures": figures,
        "told": row["reasons"] if without else row["explanation"],
        "description": row.get("description") or "",
        "series_uid": row["series_uid"] or "",
        "case_id": outcome.case_id,
        "report": None if without else f"{folder}/report.html",
        "picture": f"{folder}/overview.png",
        "order": (-_GRAVITY[group], *(-(figure or 0.0) for figure in figures), outcome.case_id),
    }


def _main_lesion(outcome: Outcome) -> dict[str, Any]:
    """Return the lesion that the verdict is about, the largest of several; nothing if there is none."""
    serious = [lesion for lesion in outcome.lesions if lesion["verdict"] == outcome.row["verdict"]]
    return max(serious, key=lambda lesion: lesion.get("long_axis_mm") or 0.0, default={})
