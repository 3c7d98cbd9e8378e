"""From an analysis to plain values: names as in the contract, figures rounded, None where not measured."""

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from ccma_seg._version import __version__
from ccma_seg.anatomy.contour import Contour, ContourSizes
from ccma_seg.calcium import CalciumBurden, CalciumKind
from ccma_seg.classification import context_of
from ccma_seg.phases import SecondPhase
from ccma_seg.volume import Volume

if TYPE_CHECKING:
    from ccma_seg.pipeline import Analysis, Mass

SCHEMA_VERSION = "1.0"

_EVERY = 2
"""Of the points of a contour one is written: each 10 degrees."""
_DECIMALS = 4
"""Of every figure in the record: finer than any measurement, coarse enough to be the same on every machine."""


def make_record(analysis: "Analysis") -> dict[str, Any]:
    """Return the record of an exam as nested dictionaries, lists, strings, numbers and None."""
    record = {
        "schema_version": SCHEMA_VERSION,
        "status": analysis.status,
        "reasons": [{"code": reason.code, "text": reason.text} for reason in analysis.reasons],
        "verdict": analysis.verdict,
        "explanation": analysis.explanation,
        "context": [asdict(remark) for remark in context_of(analysis.verdict)],
        "software": {"name": "ccma-seg", "version": __version__, "config_sha256": analysis.config.sha256()},
        "config": analysis.config.as_dict(),
        "series": _series(analysis.volume),
        "second_phase": None if analysis.second_phase is None else _phase(analysis.second_phase),
        "further_phases": [_phase(phase) for phase in analysis.further_phases],
        "contrast": asdict(analysis.anatomy.contrast),
        "heart": {"box_mm": analysis.anatomy.heart_box_mm},
        "annulus": _annulus(analysis),
        "calcium": _calcium(analysis),
        "lesions": [_lesion(mass) for mass in analysis.masses],
        "other_calcium": _other_calcium(analysis),
        "timing_s": {"read": analysis.volume.read_seconds, "total": _total_seconds(analysis)},
        "files": {},
    }
    values: dict[str, Any] = plain(record)
    return values


def _series(volume: Volume) -> dict[str, Any]:
    acquisition, geometry = volume.acquisition, volume.geometry
    return {
        "study_uid": acquisition.study_uid,
        "series_uid": acquisition.series_uid,
        "description": acquisition.description,
        "shape": geometry.shape,
        "spacing_mm": geometry.spacing_mm,
        "slice_thickness_mm": acquisition.slice_thickness_mm,
        "tube_voltage_kv": acquisition.tube_voltage_kv,
        "kernel": acquisition.kernel,
        "cardiac_phase_percent": acquisition.cardiac_phase_percent,
    }


def _phase(phase: SecondPhase) -> dict[str, Any]:
    fit = phase.alignment
    names = ("correlation", "residual_mm", "residual_hu", "turn_deg")
    return {
        "series": _series(phase.volume),
        "contrast": asdict(phase.contrast),
        "alignment": None if fit is None else {name: getattr(fit, name) for name in names} | {"matrix": fit.matrix},
    }


def _annulus(analysis: "Analysis") -> dict[str, Any]:
    annulus = analysis.anatomy.annulus
    sizes = ("septal_lateral_mm", "intercommissural_mm", "size_method")
    names = ("center_mm", "normal", *sizes, "method", "uncertainty_mm")
    return {name: getattr(annulus, name, None) for name in names} | {"contour": _contour(analysis.anatomy.contour)}


def _contour(contour: Contour | None) -> dict[str, Any]:
    sizes = ContourSizes() if contour is None else contour.sizes
    return {
        "points_mm": None if contour is None else contour.points_mm[::_EVERY],
        "uncertainty_mm": None if contour is None else contour.uncertainty_mm,
        **asdict(sizes),
    }


def _calcium(analysis: "Analysis") -> dict[str, Any]:
    calcium, burden = analysis.calcium, analysis.burden
    return {
        "threshold_hu": None if calcium is None else calcium.threshold_hu,
        "threshold_rule": None if calcium is None else calcium.threshold_rule,
        **_figures(burden if burden is not None else CalciumBurden()),
        "sensitivity": [asdict(row) for row in analysis.sensitivity],
    }


def _lesion(mass: "Mass") -> dict[str, Any]:
    finding = mass.finding
    return {
        "id": mass.lesion.id,
        "verdict": finding.verdict,
        "confidence": finding.confidence,
        "explanation": finding.explanation,
        **_figures(mass.measurements),
        "evidence": [asdict(item) for item in finding.evidence],
        "why_not": finding.why_not,
        "counterfactuals": finding.counterfactuals,
    }


def _figures(part: Any) -> dict[str, Any]:
    """Return the fields of a measured part; its reasons are told once, for the exam."""
    return {name: value for name, value in asdict(part).items() if name != "reasons"}


def _other_calcium(analysis: "Analysis") -> list[dict[str, Any]]:
    if analysis.calcium is None:
        return []
    others = [c for c in analysis.calcium.calcifications if c.kind != CalciumKind.ANNULAR]
    names = ("kind", "volume_mm3", "centroid_mm", "peak_hu", "reason")
    return [{name: getattr(c, name) for name in names} for c in others]


def _total_seconds(analysis: "Analysis") -> float:
    return (analysis.volume.read_seconds or 0.0) + analysis.seconds


def plain(value: Any) -> Any:
    """Turn numpy scalars, tuples and enums into JSON values."""
    match value:
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple() | np.ndarray():
            return [plain(item) for item in value]
        case np.generic():
            return plain(value.item())
        case float():
            return _figure(value)
        case str():
            return str(value)
    return value


def _figure(value: float) -> float:
    """Round a figure to what is the same on every machine.

    Raises
    ------
    ValueError
        If it is NaN or infinite: what was not measured must be None.
    """
    if not math.isfinite(value):
        raise ValueError("a record holds finite figures or None, got one that is not finite")
    return round(value, _DECIMALS)
