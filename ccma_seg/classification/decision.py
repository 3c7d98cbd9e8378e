"""From the measurements of a mass to its verdict, with the evidence and one plain sentence."""

import operator
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ccma_seg.anatomy import Anatomy, ContrastState
from ccma_seg.calcium.threshold import at_reference
from ccma_seg.classification.confidence import Exam, confidence
from ccma_seg.classification.explanation import explain
from ccma_seg.classification.findings import Evidence, Finding, Outcome, Verdict
from ccma_seg.classification.logic import changes, counterfactuals, decide, why_not
from ccma_seg.classification.rules import Rules
from ccma_seg.lesion import Measurements
from ccma_seg.lesion.gaps import CHAMBERS
from ccma_seg.quantities import quantities, values
from ccma_seg.volume import Volume

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "is": operator.eq,
}

_ENHANCED = {ContrastState.NONE: False, ContrastState.UNCERTAIN: None, ContrastState.ENHANCED: True}
"""None counts as not measured."""


def classify(measurements: Measurements, anatomy: Anatomy, volume: Volume, *, rules: Rules | None = None) -> Finding:
    """Give the verdict on one mass.

    Parameters
    ----------
    measurements
        Of the mass; what is None there counts as not measured, which neither meets nor fails a criterion.
    anatomy, volume
        Of the same exam: contrast, localisation and image quality.
    rules
        Criteria and verdicts; the package's own by default.
    """
    rules = rules or Rules()
    found, half_widths = figures(measurements, anatomy, volume), uncertainties(measurements, anatomy)
    evidence = {name: _weigh(name, rules, found, half_widths) for name in rules.criteria}
    outcomes = {name: item.outcome for name, item in evidence.items()}
    verdict = decide(rules, outcomes)
    lacking, deciding = why_not(verdict, rules, outcomes), changes(verdict, rules, outcomes)
    exam = Exam(anatomy=anatomy, volume=volume)
    return Finding(
        verdict=verdict,
        confidence=confidence(verdict, evidence, exam, deciding=deciding, rules=rules),
        explanation=explain(verdict, found, evidence, lacking=lacking),
        evidence=tuple(evidence.values()),
        why_not=lacking,
        counterfactuals=counterfactuals(deciding, rules, outcomes),
    )


def figures(measurements: Measurements, anatomy: Anatomy, volume: Volume) -> dict[str, Any]:
    """Return everything a criterion may look at, by key path: measurements, ratios of them, and the exam's own."""
    m, blood = measurements, anatomy.contrast.blood_pool_hu
    core_hu = m.core.inside_hu if m.core.mean_hu is None else m.core.mean_hu
    spacing_mm, voltage = max(volume.geometry.spacing_mm), volume.acquisition.tube_voltage_kv
    return values(asdict(m), quantities("lesion")) | {
        "degrees_from_posterior": None if m.annulus_angle_deg is None else abs(m.annulus_angle_deg),
        "aspect_ratio": _ratio(m.long_axis_mm, m.short_axis_mm),
        "core_volume_fraction": _ratio(m.core.volume_mm3, m.volume_mm3),
        "outward_half_widths": _outward(m, anatomy),
        "core_below_dense_rim_hu": None if m.rim.p75_hu is None or core_hu is None else m.rim.p75_hu - core_hu,
        "core_hu_at_120_kv": core_hu if core_hu is None or voltage is None else at_reference(core_hu, voltage),
        "chamber_gap_mm": _widest_to_chamber_mm(m),
        "exam.blood_pool_hu": blood,
        "exam.enhanced": _ENHANCED[anatomy.contrast.state],
        "exam.blood_pool_sd_hu": anatomy.contrast.blood_pool_sd_hu,
        "exam.slice_mm": max(spacing_mm, volume.acquisition.slice_thickness_mm or 0.0),
    }


def uncertainties(measurements: Measurements, anatomy: Anatomy) -> dict[str, float]:
    """Return half the width of the 95 % interval of quantities, by key path: as stated, and of ratios of them."""
    m, stated = measurements, measurements.uncertainty
    core_hu = stated.get("core.mean_hu")
    derived = {
        "core_hu_at_120_kv": core_hu,
        "core_below_dense_rim_hu": core_hu,
        "cavity.neck_to_diameter": _ratio(stated.get("cavity.neck_mm"), m.max_diameter_mm),
        "core_volume_fraction": _ratio(stated.get("core.volume_mm3"), m.volume_mm3),
        "aspect_ratio": _of_aspect(m),
        "outward_half_widths": _ratio(2 * anatomy.annulus.uncertainty_mm, m.short_axis_mm) if anatomy.annulus else None,
    }
    return stated | {key: value for key, value in derived.items() if value is not None}


def _outward(m: Measurements, anatomy: Anatomy) -> float | None:
    """Return how far outward of the annulus a mass is centred, in halves of its short axis."""
    if anatomy.annulus is None or m.short_axis_mm is None:
        return None
    return _ratio(float(anatomy.annulus.outward_mm(m.centroid_mm)), m.short_axis_mm / 2)


def _widest_to_chamber_mm(m: Measurements) -> float | None:
    """Return the width of the widest opening of the rim that faces a chamber; 0 if none does."""
    if m.rim.gaps is None:
        return None
    return max((gap.width_mm for gap in m.rim.gaps if gap.faces in CHAMBERS.values()), default=0.0)


def _of_aspect(m: Measurements) -> float | None:
    long, short = (_ratio(m.uncertainty.get(f"{n}_axis_mm"), getattr(m, f"{n}_axis_mm")) for n in ("long", "short"))
    aspect = _ratio(m.long_axis_mm, m.short_axis_mm)
    return None if long is None or short is None or aspect is None else aspect * (long + short)


def most_serious(verdicts: list[Verdict]) -> Verdict | None:
    """Return the most serious of some verdicts, None of none."""
    order = list(Verdict)
    return max(verdicts, key=order.index, default=None)


def _ratio(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def _weigh(name: str, rules: Rules, values: dict[str, Any], half_widths: dict[str, float]) -> Evidence:
    criterion, limit = rules.criteria[name], rules.limit(name)
    value = values.get(criterion.quantity)
    if value is None:
        outcome = Outcome.NOT_MEASURED
    else:
        outcome = Outcome.HOLDS if _COMPARE[criterion.comparison](value, limit) else Outcome.FAILS
    return Evidence(
        criterion=name,
        quantity=criterion.quantity,
        value=value,
        comparison=criterion.comparison,
        limit=limit,
        outcome=outcome,
        borderline=value is not None and abs(value - limit) < half_widths.get(criterion.quantity, 0.0),
        strength=criterion.strength,
        source=criterion.source,
    )
