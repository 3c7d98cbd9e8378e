"""What has changed between two exams of one patient, or differs between two phases of one exam."""

from dataclasses import asdict
from enum import StrEnum
from typing import Any

import numpy as np

from ccma_seg.followup.comparability import Loss, losses
from ccma_seg.followup.figures import Change, Outcome, change_of, compared
from ccma_seg.followup.matching import Match, Record, match_lesions, place_of
from ccma_seg.followup.params import FollowUpParams
from ccma_seg.reasons import Reason

_MASSES = ("ccma", "ccma_rupture_not_assessable", "ccma_possible_rupture", "ruptured_ccma")
_CHAMBERS = ("left_ventricle", "left_atrium")


class LesionChange(StrEnum):
    """What became of a lesion."""

    UNCHANGED = "unchanged"
    INCREASED = "increased"
    DECREASED = "decreased"
    NEW = "new"
    RESOLVED = "resolved"
    NOT_COMPARABLE = "not_comparable"


def compare_records(
    baseline: Record, followup: Record, *, interval_days: int | None, params: FollowUpParams = FollowUpParams()
) -> tuple[dict[str, Any], tuple[Reason, ...]]:
    """Compare two records.

    Parameters
    ----------
    baseline, followup
        As in `report.json`.
    interval_days
        Between the two exams; None if not known, 0 if of the same day, which makes no growth rapid or slow.
    params
        What counts as a change.

    Returns
    -------
    tuple
        `lesions` and `calcium` as in `comparison.json`, and all that limits the comparison.
    """
    apart = losses(baseline, followup, params)
    lost = frozenset(group for loss in apart for group in loss.groups)
    found = match_lesions(baseline, followup, within_mm=params.match_mm)
    seen = _both_annuli(baseline, followup)
    lesions = [
        _lesion(
            number, match, (baseline, followup), lost=lost, interval_days=interval_days, comparable=seen, params=params
        )
        for number, match in enumerate(found, start=1)
    ]
    calcium = [asdict(change_of(q, baseline, followup, lost=lost, params=params)) for q in compared("exam")]
    return {"lesions": lesions, "calcium": calcium}, _reasons(apart, seen=seen, interval_days=interval_days)


def _both_annuli(baseline: Record, followup: Record) -> bool:
    return all(record["annulus"]["center_mm"] is not None for record in (baseline, followup))


def _reasons(apart: tuple[Loss, ...], *, seen: bool, interval_days: int | None) -> tuple[Reason, ...]:
    reasons = [loss.reason for loss in apart]
    if not seen:
        text = "Without an annulus in both exams lesions are not matched, so none is called new or resolved."
        reasons.append(Reason("lesions_not_matched", text, degrades=True))
    if interval_days is None:
        text = "The time between the exams is not known, so no growth is called rapid or slow."
        reasons.append(Reason("interval_unknown", text))
    return tuple(reasons)


def _lesion(
    number: int,
    match: Match,
    records: tuple[Record, Record],
    *,
    lost: frozenset[str],
    interval_days: int | None,
    comparable: bool,
    params: FollowUpParams,
) -> dict[str, Any]:
    one, other = match.baseline, match.followup
    changes = [change_of(q, one, other, lost=lost, params=params) for q in compared("lesion")]
    by_name = {change.quantity: change for change in changes}
    kind = _kind(match, by_name["volume_mm3"], comparable=comparable)
    marked = _is_marked(by_name, params)
    return {
        "id": number,
        "baseline_id": None if one is None else one["id"],
        "followup_id": None if other is None else other["id"],
        "change": kind,
        "marked": marked,
        "rapid": None if marked is None or not interval_days else marked and interval_days <= params.rapid_days,
        "returned_to_mac": _returned(match, records[1], kind),
        "core_fall": _core_fell(by_name["core.mean_hu"], params),
        "new_gap": None if "gaps" in lost else _new_gap(match, params),
        "verdicts": [None if x is None else x["verdict"] for x in (one, other)],
        "offset": _offset(match, records),
        "quantities": [asdict(change) for change in changes],
    }


def _kind(match: Match, volume: Change, *, comparable: bool) -> LesionChange:
    if match.baseline is None or match.followup is None:
        if not comparable:
            return LesionChange.NOT_COMPARABLE
        return LesionChange.NEW if match.baseline is None else LesionChange.RESOLVED
    return LesionChange(volume.outcome)


def _is_marked(changes: dict[str, Change], params: FollowUpParams) -> bool | None:
    """Tell whether a mass has grown by more than both limits; None where that cannot be told."""
    volume, axis = changes["volume_mm3"], changes["long_axis_mm"]
    if volume.difference_pct is None or axis.difference is None:
        return None
    return (
        volume.outcome == Outcome.INCREASED
        and volume.difference_pct > params.marked_volume_pct
        and axis.difference >= params.marked_axis_mm
    )


def _returned(match: Match, followup: Record, kind: LesionChange) -> bool | None:
    """Tell whether a caseous mass is ordinary calcium now; None if there was none, or it is not known."""
    if match.baseline is None or match.baseline["verdict"] not in _MASSES or kind == LesionChange.NOT_COMPARABLE:
        return None
    if match.followup is not None:
        return bool(match.followup["verdict"] == "mac")
    return bool((followup["calcium"]["annular_volume_mm3"] or 0) > 0)


def _core_fell(core: Change, params: FollowUpParams) -> bool | None:
    return None if core.difference is None else core.difference < -params.core_fall_hu


def _new_gap(match: Match, params: FollowUpParams) -> bool | None:
    """Tell whether the rim has opened to a chamber where it was closed."""
    before, after = (None if x is None else x["rim"]["gaps"] for x in (match.baseline, match.followup))
    if before is None or after is None:
        return None
    known = [np.array(gap["direction"]) for gap in before]
    nearest = np.cos(np.radians(params.gap_turn_deg))
    return any(
        gap["faces"] in _CHAMBERS
        and gap["width_mm"] >= params.gap_mm
        and all(float(np.dot(gap["direction"], direction)) < nearest for direction in known)
        for gap in after
    )


def _offset(match: Match, records: tuple[Record, Record]) -> dict[str, float] | None:
    """Return how far the lesion lies from where it was, in the frame of the annulus."""
    if match.baseline is None or match.followup is None:
        return None
    one, other = place_of(records[0], match.baseline), place_of(records[1], match.followup)
    if one is None or other is None or match.distance_mm is None:
        return None
    return {
        "angle_deg": (other.angle_deg - one.angle_deg + 180) % 360 - 180,
        "radial_mm": other.radial_mm - one.radial_mm,
        "apical_mm": other.apical_mm - one.apical_mm,
        "distance_mm": match.distance_mm,
    }
