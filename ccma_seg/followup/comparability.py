"""What two exams can be compared in, and what is lost where they were scanned differently."""

from dataclasses import dataclass
from typing import Any

from ccma_seg.followup.params import FollowUpParams
from ccma_seg.reasons import Reason

_HU, _CALCIUM, _INSIDE, _GAPS, _RIM = "hu", "calcium", "inside", "gaps", "rim"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Something that two exams do not have in common, and what cannot be compared for it."""

    reason: Reason
    groups: frozenset[str]
    """Of quantities: hu, calcium, inside, gaps, rim."""


def losses(baseline: dict[str, Any], followup: dict[str, Any], params: FollowUpParams) -> tuple[Loss, ...]:
    """Return what sets two records apart."""
    checks = (_contrast, _voltage, _kernel, _thickness, _thresholds, _thick)
    found = (check(baseline, followup, params) for check in checks)
    return tuple(loss for loss in found if loss is not None)


def _loss(code: str, text: str, *groups: str) -> Loss:
    return Loss(reason=Reason(code, text, degrades=True), groups=frozenset(groups))


def _contrast(baseline: dict[str, Any], followup: dict[str, Any], _: FollowUpParams) -> Loss | None:
    one, other = baseline["contrast"]["state"], followup["contrast"]["state"]
    if one == other:
        return None
    text = (
        f"Contrast differs ({one} and {other}): HU, calcium, cavities and leaks are not set side by side, sizes are; "
        "what enhances is told of two phases of one exam."
    )
    return _loss("contrast_differs", text, _HU, _CALCIUM, _INSIDE)


def _voltage(baseline: dict[str, Any], followup: dict[str, Any], _: FollowUpParams) -> Loss | None:
    one, other = (r["series"]["tube_voltage_kv"] for r in (baseline, followup))
    if one is None or other is None:
        return _loss("tube_voltage_unknown", "A tube voltage is not known: HU are not compared.", _HU)
    if one == other:
        return None
    return _loss(
        "tube_voltages_differ", f"Tube voltages differ ({one:g} and {other:g} kV): HU are not compared.", _HU, _CALCIUM
    )


def _kernel(baseline: dict[str, Any], followup: dict[str, Any], _: FollowUpParams) -> Loss | None:
    one, other = (r["series"]["kernel"] for r in (baseline, followup))
    if one == other or not one or not other:
        return None
    text = f"Kernels differ ({one} and {other}): calcium, the thickness of the rim and its gaps are not compared."
    return _loss("kernels_differ", text, _CALCIUM, _RIM, _GAPS)


def _thickness(baseline: dict[str, Any], followup: dict[str, Any], params: FollowUpParams) -> Loss | None:
    one, other = (slice_mm(r) for r in (baseline, followup))
    if max(one, other) <= params.thickness_ratio * min(one, other):
        return None
    text = (
        f"Slices differ ({one:g} and {other:g} mm): calcium, rim and gaps are not compared, and sizes only as far as "
        "the thicker slices allow."
    )
    return _loss("slices_differ", text, _CALCIUM, _RIM, _GAPS)


def _thresholds(baseline: dict[str, Any], followup: dict[str, Any], params: FollowUpParams) -> Loss | None:
    one, other = (r["calcium"]["threshold_hu"] for r in (baseline, followup))
    if one is None or other is None or abs(one - other) <= params.threshold_pct / 100 * min(one, other):
        return None
    text = f"Calcium was found above {one:.0f} and {other:.0f} HU, after the blood: its volume is not compared."
    return _loss("thresholds_differ", text, _CALCIUM)


def _thick(baseline: dict[str, Any], followup: dict[str, Any], params: FollowUpParams) -> Loss | None:
    thickest = max(slice_mm(baseline), slice_mm(followup))
    if thickest <= params.gap_slice_mm:
        return None
    return _loss("gaps_not_assessable", f"On slices of {thickest:g} mm gaps of the rim are not compared.", _GAPS)


def slice_mm(record: dict[str, Any]) -> float:
    """Return how thick the slices of a record's series are, or how far apart where that is more."""
    series = record["series"]
    return float(max(series["spacing_mm"][0], series["slice_thickness_mm"] or 0.0))
