"""One record against its truth."""

from typing import Any

import numpy as np

from benchmarks.expected import expected_verdicts

QUANTITIES = (
    "long_axis_mm",
    "short_axis_mm",
    "third_axis_mm",
    "volume_mm3",
    "annulus_angle_deg",
    "rim.coverage_pct",
    "rim.thickness_mm",
    "rim.mean_hu",
    "rim.volume_mm3",
    "core.mean_hu",
    "core.sd_hu",
    "core.p10_hu",
    "core.p90_hu",
    "core.volume_mm3",
    "cavity.volume_mm3",
    "cavity.mean_hu",
    "cavity.ratio_to_blood_pool",
    "cavity.neck_mm",
    "leak.volume_mm3",
    "leak.mean_hu",
)
RELATIVE = {"volume_mm3", "rim.volume_mm3", "core.volume_mm3", "cavity.volume_mm3", "leak.volume_mm3"}
"""Errors in per cent of the truth."""


def compare(truth: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    """Return verdicts, errors, and whether stated uncertainties hold the truth."""
    pair = _matched(truth, record)
    return {
        "truth_verdict": truth["verdict"],
        "expected": sorted(expected_verdicts(truth)),
        "verdict": record["verdict"],
        "status": record["status"],
        "reasons": [r["code"] for r in record["reasons"]],
        "found": pair is not None if truth["lesions"] else None,
        "lesions_truth": len(truth["lesions"]),
        "lesions_found": len(record["lesions"]),
        "exam": _exam_errors(truth, record),
        "errors": _errors(*pair) if pair else {},
        "covered": _covered(*pair) if pair else {},
    }


def _matched(truth: dict[str, Any], record: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Pair the largest true mass with the nearest lesion of the record."""
    masses = [t for t in truth["lesions"] if t["kind"] == "mass"]
    if not masses or not record["lesions"]:
        return None
    true = max(masses, key=lambda t: t["volume_mm3"])
    near = min(record["lesions"], key=lambda found: _apart(found, true))
    return (true, near) if _apart(near, true) < true["long_axis_mm"] else None


def _apart(first: dict[str, Any], second: dict[str, Any]) -> float:
    return float(np.linalg.norm(np.subtract(first["centroid_mm"], second["centroid_mm"])))


def _exam_errors(truth: dict[str, Any], record: dict[str, Any]) -> dict[str, float]:
    errors = {}
    found = record.get("annulus") or {}
    if found.get("center_mm"):
        errors["annulus.center_mm"] = _distance(found["center_mm"], truth["annulus"]["center_mm"])
        errors |= _along_axes(found["center_mm"], truth["annulus"])
        cosine = float(np.clip(np.dot(found["normal"], truth["annulus"]["normal"]), -1, 1))
        errors["annulus.normal_deg"] = float(np.degrees(np.arccos(cosine)))
    blood = (record.get("contrast") or {}).get("blood_pool_hu")
    if blood is not None:
        errors["contrast.blood_pool_hu"] = blood - truth["contrast"]["blood_pool_hu"]
    return {**errors, **_band_errors(truth, record.get("calcium") or {})}


def _band_errors(truth: dict[str, Any], calcium: dict[str, Any]) -> dict[str, float]:
    if truth["verdict"] != "mac":
        return {}
    pairs = {
        "calcium.arc_deg": (calcium.get("arc_deg"), truth["calcium"]["arc_deg"], 1.0),
        "calcium.max_thickness_mm": (calcium.get("max_thickness_mm"), truth["calcium"]["max_thickness_mm"], 1.0),
        "calcium.annular_volume_pct": (
            calcium.get("annular_volume_mm3"),
            truth["calcium"]["annular_volume_mm3"],
            100 / max(truth["calcium"]["annular_volume_mm3"], 1),
        ),
    }
    return {k: (found - true) * scale for k, (found, true, scale) in pairs.items() if None not in {found, true}}


def _along_axes(center_mm: list[float], annulus: dict[str, Any]) -> dict[str, float]:
    """Return the error of the centre along the axes of the true annulus: a bias shows there."""
    apical, posterior = np.array(annulus["normal"]), np.array(annulus["posterior"])
    away = np.subtract(center_mm, annulus["center_mm"])
    axes = {"posterior": posterior, "anterolateral": np.cross(apical, posterior), "apical": apical}
    return {f"annulus.center_{name}_mm": float(away @ axis) for name, axis in axes.items()}


def _distance(first: list[float], second: list[float]) -> float:
    return float(np.linalg.norm(np.subtract(first, second)))


def _errors(true: dict[str, Any], found: dict[str, Any]) -> dict[str, float | None]:
    """Return found minus true; None where the truth is a number and the record has none."""
    errors: dict[str, float | None] = {}
    for key in QUANTITIES:
        wanted, got = _value(true, key), _value(found, key)
        if wanted is None:
            continue
        scale = 100 / wanted if key in RELATIVE and wanted else 1.0
        errors[key] = None if got is None else (got - wanted) * scale
    return errors


def _covered(true: dict[str, Any], found: dict[str, Any]) -> dict[str, bool]:
    """Tell for each stated uncertainty whether it holds the truth."""
    stated = found.get("uncertainty") or {}
    values = {key: (_value(true, key), _value(found, key), half) for key, half in stated.items()}
    return {
        k: bool(abs(got - wanted) <= half) for k, (wanted, got, half) in values.items() if None not in {wanted, got}
    }


def _value(lesion: dict[str, Any], key: str) -> Any:
    value: Any = lesion
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
