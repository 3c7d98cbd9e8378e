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

INDEX = "index.html"

_GRAVITY = {str(verdict): gravity for gravity, verdict in enumerate(Verdict, 1)} | {FAILED: 0, SKIPPED: -1}

_LESION_FIGURES = ("confidence", "long_axis_mm", "volume_mm3")
_SERIES_FIGURES = ("annular_volume_mm3", "arc_deg")

_COLUMNS = (
    ("verdict", "figure"),
    ("status", "text"),
    ("confidence", "figure"),
    ("long axis, mm", "figure"),
    ("mass, mm3", "figure"),
    ("annular calcium, mm3", "figure"),
    ("arc, degrees", "figure"),
    ("finding", "text"),
    ("series", "text"),
    ("series UID", "text"),
    ("case", "text"),
)
"""Name, and how it is sorted."""


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
    text = _template().render(rows=rows, counts=ordered, columns=_COLUMNS, version=__version__)
    write_whole(out / INDEX, text)


def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(resources.files(__package__).joinpath(INDEX).read_text("utf-8"))


def _row(outcome: Outcome) -> dict[str, Any]:
    row, lesion = outcome.row, _main_lesion(outcome)
    without = outcome.failed or outcome.skipped
    group = row["status"] if without else row["verdict"]
    figures = [lesion.get(name) for name in _LESION_FIGURES] + [row.get(name) for name in _SERIES_FIGURES]
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
