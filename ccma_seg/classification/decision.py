"""From the measurements of a mass to its verdict, with the evidence and one plain sentence."""

import operator
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ccma_seg.anatomy import Anatomy
from ccma_seg.classification.findings import Evidence, Finding, Outcome, Verdict
from ccma_seg.classification.logic import counterfactuals, decide, met, why_not
from ccma_seg.classification.rules import Criterion, Rules
from ccma_seg.lesion import Measurements
from ccma_seg.volume import Volume

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "is": operator.eq,
}

_SENTENCES = {
    Verdict.MAC: "Ordinary annular calcification: {why}.",
    Verdict.OTHER: "Not a calcification of the mitral annulus: {why}.",
    Verdict.INDETERMINATE: "The images do not decide: {why}.",
    Verdict.CCMA: (
        "Caseous calcification: {size} with a calcified rim round a less dense core; no CT sign of rupture{limit}."
    ),
    Verdict.CCMA_RUPTURE_NOT_ASSESSABLE: (
        "Caseous calcification: {size}; its core is as dense as the enhanced blood, so rupture cannot be assessed "
        "on this phase alone; a scan without contrast or a second phase would tell."
    ),
    Verdict.CCMA_POSSIBLE_RUPTURE: "Caseous calcification: {size}; possible rupture: {why}.",
    Verdict.RUPTURED_CCMA: "Ruptured caseous calcification: {size}; {why}.",
}


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
    values = quantities(measurements, anatomy, volume)
    evidence = {name: _weigh(name, criterion, values) for name, criterion in rules.criteria.items()}
    outcomes = {name: item.outcome for name, item in evidence.items()}
    verdict = decide(rules, outcomes)
    return Finding(
        verdict=verdict,
        confidence=_confidence(verdict, rules, outcomes, anatomy, volume),
        explanation=_explain(verdict, rules, evidence, values),
        evidence=tuple(evidence.values()),
        why_not=why_not(verdict, rules, outcomes),
        counterfactuals=counterfactuals(verdict, rules, outcomes),
    )


def quantities(measurements: Measurements, anatomy: Anatomy, volume: Volume) -> dict[str, Any]:
    """Return everything a criterion may look at, by key path: measurements, ratios of them, and the exam's own."""
    m, blood = measurements, anatomy.contrast.blood_pool_hu
    ratio_to_blood = _ratio(m.core.mean_hu, blood)
    spacing_mm = max(volume.geometry.spacing_mm)
    return _flat(asdict(m)) | {
        "aspect_ratio": _ratio(m.long_axis_mm, m.short_axis_mm),
        "core_volume_fraction": _ratio(m.core.volume_mm3, m.volume_mm3),
        "core_below_rim_hu": None if m.rim.p75_hu is None or m.core.mean_hu is None else m.rim.p75_hu - m.core.mean_hu,
        "blood_difference_fraction": None if ratio_to_blood is None else abs(ratio_to_blood - 1),
        "exam.blood_pool_hu": blood,
        "exam.blood_pool_sd_hu": anatomy.contrast.blood_pool_sd_hu,
        "exam.slice_mm": max(spacing_mm, volume.acquisition.slice_thickness_mm or 0.0),
    }


def most_serious(verdicts: list[Verdict]) -> Verdict | None:
    """Return the most serious of some verdicts, None of none."""
    order = list(Verdict)
    return max(verdicts, key=order.index, default=None)


def _flat(values: dict[str, Any], path: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        key = f"{path}{name}"
        flat |= _flat(value, f"{key}.") if isinstance(value, dict) else {key: value}
    return flat


def _ratio(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def _weigh(name: str, criterion: Criterion, values: dict[str, Any]) -> Evidence:
    value = values.get(criterion.quantity)
    if value is None:
        outcome = Outcome.NOT_MEASURED
    else:
        outcome = Outcome.HOLDS if _COMPARE[criterion.comparison](value, criterion.limit) else Outcome.FAILS
    return Evidence(
        criterion=name,
        quantity=criterion.quantity,
        value=value,
        comparison=criterion.comparison,
        limit=criterion.limit,
        outcome=outcome,
        strength=criterion.strength,
        source=criterion.source,
    )


def _confidence(
    verdict: Verdict, rules: Rules, outcomes: dict[str, Outcome], anatomy: Anatomy, volume: Volume
) -> float:
    """Multiply the share of criteria that were measured by factors for image quality and localisation."""
    if verdict == Verdict.INDETERMINATE or anatomy.annulus is None:
        return 0.0
    measured = sum(outcome != Outcome.NOT_MEASURED for outcome in outcomes.values()) / len(outcomes)
    degraded = sum(reason.degrades for reason in volume.reasons + anatomy.reasons)
    place = 1 / (1 + (anatomy.annulus.uncertainty_mm / rules.annulus_tolerance_mm) ** 2)
    return round(measured * rules.degraded_confidence**degraded * place, 3)


def _explain(verdict: Verdict, rules: Rules, evidence: dict[str, Evidence], values: dict[str, Any]) -> str:
    enhanced = evidence["enhanced"].outcome if "enhanced" in evidence else Outcome.NOT_MEASURED
    return _SENTENCES[verdict].format(
        why=_why(verdict, rules, evidence),
        size=_size(values),
        limit="" if enhanced == Outcome.HOLDS else " (without contrast a filled cavity cannot be seen)",
    )


def _size(values: dict[str, Any]) -> str:
    long_mm, short_mm = values["long_axis_mm"], values["short_axis_mm"]
    return "a mass" if long_mm is None or short_mm is None else f"a mass of {long_mm:.0f} x {short_mm:.0f} mm"


def _why(verdict: Verdict, rules: Rules, evidence: dict[str, Evidence]) -> str:
    """Name what decided, in the criteria's own words."""
    if verdict == Verdict.INDETERMINATE:
        missing = [rules.criteria[e.criterion].meaning for e in evidence.values() if e.outcome == Outcome.NOT_MEASURED]
        return "not measured: " + "; ".join(missing) if missing else "no set of criteria is met"
    outcomes = {name: item.outcome for name, item in evidence.items()}
    for names in rules.verdicts[verdict]:
        if all(met(name, outcomes) for name in names):
            return "; ".join(_phrase(name, rules, evidence) for name in names)
    return ""


def _phrase(name: str, rules: Rules, evidence: dict[str, Evidence]) -> str:
    criterion, item = rules.criteria[name.removeprefix("!")], evidence[name.removeprefix("!")]
    value = f"{item.value:.1f}" if isinstance(item.value, float) else str(item.value)
    negation = "not " if name.startswith("!") else ""
    return f"{negation}{criterion.meaning} ({item.quantity} {value}, limit {criterion.comparison} {criterion.limit})"
