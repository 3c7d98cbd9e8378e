"""What the page says: the record, arranged for people."""

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Any

from ccma_seg.quantities import Quantity, quantities, rule_quantities, table, value_of
from ccma_seg.report.wording import NOT_MEASURED, Shown, heading, name_of, show

_COMPARISONS = {">=": "≥", "<=": "≤"}
_SIGNS = {"holds": "✓", "fails": "✗", "not_measured": "?"}
_NOT_STATED = "not stated"
_KERNEL = re.compile(r"[A-Za-z0-9 _.+/\\-]{0,16}")
"""What a kernel is called; free text is not shown, as it may say anything."""


def headline(record: dict[str, Any]) -> list[Shown]:
    """Return the few figures to see first: of the largest mass, else of the annular calcium."""
    if record["lesions"]:
        return _figures(record["lesions"][0], "headline")
    found = [show(q, value_of(record, q)) for q in quantities("exam") if "headline" in q.groups]
    return [figure for figure in found if figure.value != NOT_MEASURED]


def lesion_content(lesion: dict[str, Any], criteria: dict[str, Any]) -> dict[str, Any]:
    """Return tables of one mass, with what each criterion means."""
    missing = (item["quantity"] for item in lesion["evidence"] if item["outcome"] == "not_measured")
    return {
        "id": lesion["id"],
        "lesion": lesion,
        "key": _figures(lesion, "key"),
        "all": _figures(lesion),
        "gaps": lesion["rim"]["gaps"] or (),
        "phases": phases_content(lesion),
        "why_not": lesion["why_not"],
        "counterfactuals": lesion["counterfactuals"],
        "evidence": [_evidence(item, criteria) for item in lesion["evidence"]],
        "unmeasured": list(dict.fromkeys(name_of(rule_quantities()[path]) for path in missing)),
    }


def phases_content(lesion: dict[str, Any]) -> dict[str, Any] | None:
    """Return a table of one mass in every phase, with the spread of its figures as the last row; None for one phase."""
    if not lesion["phases"]:
        return None
    rows = [(_phase_name(row), row) for row in lesion["phases"]] + [("spread", lesion["spread"])]
    shown = [quantity for quantity in quantities("phase") if "key" in quantity.groups]
    return {
        "heads": [heading(quantity) for quantity in shown],
        "rows": [
            {"name": name, "cells": [show(q, row[q.path]).value if q.path in row else "" for q in shown]}
            for name, row in rows
        ],
    }


def _phase_name(row: dict[str, Any]) -> str:
    percent = row["cardiac_phase_percent"]
    contrast = f"contrast {row['contrast']}"
    return contrast if percent is None else f"{percent:g} % of R-R, {contrast}"


def annulus_content(record: dict[str, Any]) -> list[Shown]:
    """Return the figures of the annulus and of its calcium; of a contour that does not show, only that."""
    unseen = () if record["annulus"]["contour"]["uncertainty_mm"] is not None else ("annulus.contour.",)
    asked = (*_shown_of("annulus."), *_shown_of("calcium."))
    kept = [q for q in asked if not q.path.startswith(unseen) or q.path == "annulus.contour.uncertainty_mm"]
    return [show(quantity, value_of(record, quantity)) for quantity in kept]


def sensitivity_content(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the annular volume under each threshold, and its percentage of the largest."""
    rows, known = record["calcium"]["sensitivity"], table()["threshold"]
    most = max((row["annular_volume_mm3"] or 0.0 for row in rows), default=0.0)
    if not most:
        return []
    return [
        {
            "rule": row["rule"],
            "threshold": show(known["threshold_hu"], row["threshold_hu"]).value,
            "volume": show(known["annular_volume_mm3"], row["annular_volume_mm3"]).value,
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
    told = ((quantity, value_of({"series": series}, quantity)) for quantity in _shown_of("series."))
    return [show(quantity, _NOT_STATED if value in ("", None) else value) for quantity, value in told]


def _shown_of(section: str) -> tuple[Quantity, ...]:
    """List what is shown of a section of the record, as key path; rows have tables of their own."""
    found = (quantity for quantity in quantities("exam") if quantity.path.startswith(section))
    return tuple(q for q in found if "hidden" not in q.groups and q.kind != "rows")


def _figures(lesion: dict[str, Any], group: str | None = None) -> list[Shown]:
    asked = [q for q in quantities("lesion") if q.kind != "rows" and (group is None or group in q.groups)]
    return [show(q, value_of(lesion, q), plus_minus=lesion["uncertainty"].get(q.path)) for q in asked]


def _evidence(item: dict[str, Any], criteria: dict[str, Any]) -> dict[str, Any]:
    quantity = rule_quantities()[item["quantity"]]
    return {
        **item,
        "figure": show(quantity, item["value"]),
        "comparison": _COMPARISONS.get(item["comparison"], item["comparison"]),
        "limit": show(quantity, item["limit"]).value,
        "meaning": criteria.get(item["criterion"], {}).get("meaning", ""),
        "sign": _SIGNS[item["outcome"]],
    }


@cache
def _remedies() -> dict[str, str]:
    remedies: dict[str, str] = tomllib.loads(resources.files(__package__).joinpath("remedies.toml").read_text("utf-8"))
    return remedies
