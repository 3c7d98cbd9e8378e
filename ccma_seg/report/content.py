"""What the page says: the record, arranged for people."""

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Any

from ccma_seg.report.wording import NOT_MEASURED, Shown, flat, show

_KEY_FIGURES = (
    "long_axis_mm",
    "short_axis_mm",
    "third_axis_mm",
    "volume_mm3",
    "sector",
    "annulus_angle_deg",
    "annulus_distance_mm",
    "rim.coverage_pct",
    "rim.thickness_mm",
    "rim.mean_hu",
    "core.mean_hu",
    "core.texture",
    "core.volume_mm3",
    "core.ratio_to_blood_pool",
    "core.enhancement_hu",
    "cavity.present",
    "cavity.volume_mm3",
    "cavity.mean_hu",
    "cavity.neck_mm",
    "cavity.communicates_with",
    "leak.present",
    "leak.volume_mm3",
)
_HEADLINE = (
    "long_axis_mm",
    "short_axis_mm",
    "volume_mm3",
    "sector",
    "rim.coverage_pct",
    "rim.thickness_mm",
    "core.mean_hu",
    "cavity.neck_mm",
)
_IN_PHASE = ("blood_pool_hu", "moved_mm", "long_axis_mm", "short_axis_mm", "volume_mm3", "core_hu", "cavity_hu")
_CALCIUM_HEADLINE = (
    "annular_volume_mm3",
    "undecided_volume_mm3",
    "detection_limit_mm3",
    "arc_deg",
    "max_thickness_mm",
    "sectors",
    "agatston",
    "mass_mg",
)
_NOT_FIGURES = ("id", "verdict", "confidence", "explanation", "evidence", "uncertainty", "why_not", "counterfactuals")
_SHOWN_ELSEWHERE = (
    "contour.points_mm",
    "contour.normal",
    "threshold_rule",
    "mass_calibrated",
    "mass_factor",
    "guerrero.items",
)
_TECHNIQUE = (
    "shape",
    "spacing_mm",
    "slice_thickness_mm",
    "tube_voltage_kv",
    "kernel",
    "cardiac_phase_percent",
    "study_uid",
    "series_uid",
)
_COMPARISONS = {">=": "≥", "<=": "≤"}
_SIGNS = {"holds": "✓", "fails": "✗", "not_measured": "?"}
_NOT_STATED = "not stated"
_KERNEL = re.compile(r"[A-Za-z0-9 _.+/\\-]{0,16}")
"""What a kernel is called; free text is not shown, as it may say anything."""


def headline(record: dict[str, Any]) -> list[Shown]:
    """Return the few figures to see first: of the largest mass, else of the annular calcium."""
    if record["lesions"]:
        return _figures(record["lesions"][0], _HEADLINE)
    found = [show(name, record["calcium"].get(name)) for name in _CALCIUM_HEADLINE]
    return [figure for figure in found if figure.value != NOT_MEASURED]


def lesion_content(lesion: dict[str, Any], criteria: dict[str, Any]) -> dict[str, Any]:
    """Return tables of one mass, with what each criterion means."""
    return {
        "id": lesion["id"],
        "lesion": lesion,
        "key": _figures(lesion, _KEY_FIGURES),
        "all": _figures(lesion, tuple(path for path, _ in flat(_only_figures(lesion)))),
        "gaps": lesion["rim"]["gaps"] or (),
        "phases": phases_content(lesion),
        "why_not": lesion["why_not"],
        "counterfactuals": lesion["counterfactuals"],
        "evidence": [_evidence(item, criteria) for item in lesion["evidence"]],
        "unmeasured": list(
            dict.fromkeys(
                show(item["quantity"], None).name for item in lesion["evidence"] if item["outcome"] == "not_measured"
            )
        ),
    }


def phases_content(lesion: dict[str, Any]) -> dict[str, Any] | None:
    """Return a table of one mass in every phase, with the spread of its figures as the last row; None for one phase."""
    if not lesion["phases"]:
        return None
    rows = [(_phase_name(row), row) for row in lesion["phases"]] + [("spread", lesion["spread"])]
    return {
        "heads": [f"{figure.name}, {figure.unit}" for figure in (show(name, 0.0) for name in _IN_PHASE)],
        "rows": [
            {"name": name, "cells": [show(key, row[key]).value if key in row else "" for key in _IN_PHASE]}
            for name, row in rows
        ],
    }


def _phase_name(row: dict[str, Any]) -> str:
    percent = row["cardiac_phase_percent"]
    contrast = f"contrast {row['contrast']}"
    return contrast if percent is None else f"{percent:g} % of R-R, {contrast}"


def annulus_content(record: dict[str, Any]) -> list[Shown]:
    """Return the figures of the annulus and of its calcium."""
    annulus = record["annulus"]
    if annulus["contour"]["uncertainty_mm"] is None:
        annulus = {**annulus, "contour": None}
    parts = flat(annulus), flat(record["calcium"])
    return [show(path, value) for part in parts for path, value in part if not path.startswith(_SHOWN_ELSEWHERE)]


def sensitivity_content(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the annular volume under each threshold, and its percentage of the largest."""
    rows = record["calcium"]["sensitivity"]
    most = max((row["annular_volume_mm3"] or 0.0 for row in rows), default=0.0)
    if not most:
        return []
    return [
        {
            "rule": row["rule"],
            "threshold": show("threshold_hu", row["threshold_hu"]).value,
            "volume": show("volume_mm3", row["annular_volume_mm3"]).value,
            "percent": None if row["annular_volume_mm3"] is None else round(100 * row["annular_volume_mm3"] / most),
        }
        for row in rows
    ]


def limits_content(record: dict[str, Any]) -> list[dict[str, str]]:
    """Return what limits the result, each with what would resolve it, if something would."""
    return [{**reason, "remedy": _remedies().get(reason["code"], "")} for reason in record["reasons"]]


def technique_content(record: dict[str, Any]) -> list[Shown]:
    """Return how the series was scanned."""
    series = record["series"]
    if not _KERNEL.fullmatch(series["kernel"] or ""):
        series = {**series, "kernel": "not shown: not the name of a kernel"}
    return [show(name, series[name] if series[name] not in ("", None) else _NOT_STATED) for name in _TECHNIQUE]


def _figures(lesion: dict[str, Any], paths: tuple[str, ...]) -> list[Shown]:
    values = dict(flat(_only_figures(lesion)))
    return [show(path, values.get(path), plus_minus=lesion["uncertainty"].get(path)) for path in paths]


def _only_figures(lesion: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in lesion.items() if name not in _NOT_FIGURES}


def _evidence(item: dict[str, Any], criteria: dict[str, Any]) -> dict[str, Any]:
    return {
        **item,
        "figure": show(item["quantity"], item["value"]),
        "comparison": _COMPARISONS.get(item["comparison"], item["comparison"]),
        "limit": show(item["quantity"], item["limit"]).value,
        "meaning": criteria.get(item["criterion"], {}).get("meaning", ""),
        "sign": _SIGNS[item["outcome"]],
    }


@cache
def _remedies() -> dict[str, str]:
    remedies: dict[str, str] = tomllib.loads(resources.files(__package__).joinpath("remedies.toml").read_text("utf-8"))
    return remedies
