"""What is compared between two exams, and beyond which difference it has changed."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from ccma_seg.followup.params import FollowUpParams


class Outcome(StrEnum):
    """What became of a figure."""

    INCREASED = "increased"
    DECREASED = "decreased"
    UNCHANGED = "unchanged"
    NOT_COMPARABLE = "not_comparable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One figure of a record."""

    path: str
    """Key path in a lesion, or in `calcium`."""
    groups: frozenset[str]
    """What sets two exams apart in it."""
    least: float | None = None
    """Least difference that is called a change, in its own unit."""
    least_pct: float | None = None
    """The same, in percent of the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One figure in two exams; None where not measured or not to be compared."""

    quantity: str
    baseline: float | None
    followup: float | None
    difference: float | None
    difference_pct: float | None
    limit: float | None
    """Beyond this difference it has changed: the least that is called so, or the uncertainty of both exams."""
    outcome: Outcome


def lesion_quantities(params: FollowUpParams) -> tuple[Quantity, ...]:
    """Return what is compared of a lesion."""
    size, hu, rim, inside = frozenset[str](), frozenset({"hu"}), frozenset({"rim"}), frozenset({"inside"})
    axes = ("long_axis_mm", "short_axis_mm", "third_axis_mm")
    return (
        Quantity(path="volume_mm3", groups=size, least_pct=params.volume_pct),
        *(Quantity(path=name, groups=size, least=params.axis_mm) for name in axes),
        Quantity(path="core.mean_hu", groups=hu | inside, least=params.core_fall_hu),
        Quantity(path="core.volume_mm3", groups=inside, least_pct=params.marked_volume_pct),
        Quantity(path="rim.coverage_pct", groups=rim, least=params.coverage_pct),
        Quantity(path="rim.thickness_mm", groups=rim, least=params.thickness_mm),
        Quantity(path="cavity.volume_mm3", groups=inside, least_pct=params.marked_volume_pct),
        Quantity(path="cavity.neck_mm", groups=inside | {"gaps"}, least=params.neck_mm),
        Quantity(path="leak.volume_mm3", groups=inside, least_pct=params.marked_volume_pct),
    )


def calcium_quantities(params: FollowUpParams) -> tuple[Quantity, ...]:
    """Return what is compared of annular calcium."""
    calcium = frozenset({"calcium"})
    names = ("annular_volume_mm3", "agatston", "mass_mg")
    return (
        *(Quantity(path=name, groups=calcium, least_pct=params.calcium_pct) for name in names),
        Quantity(path="arc_deg", groups=calcium, least=params.arc_deg),
    )


def change_of(
    quantity: Quantity, baseline: dict[str, Any] | None, followup: dict[str, Any] | None, *, lost: frozenset[str]
) -> Change:
    """Compare one figure of two lesions, or of the calcium of two exams.

    Parameters
    ----------
    quantity
        What is compared.
    baseline, followup
        Where it is, with its `uncertainty`; None where the exam does not have it.
    lost
        Groups that these two exams cannot be compared in.
    """
    one, other = (_at(quantity.path, part) for part in (baseline, followup))
    if one is None or other is None or quantity.groups & lost:
        return Change(
            quantity=quantity.path,
            baseline=one,
            followup=other,
            difference=None,
            difference_pct=None,
            limit=None,
            outcome=Outcome.NOT_COMPARABLE,
        )
    limit = _limit(quantity, one, [part or {} for part in (baseline, followup)])
    difference = other - one
    moved = Outcome.INCREASED if difference > 0 else Outcome.DECREASED
    return Change(
        quantity=quantity.path,
        baseline=one,
        followup=other,
        difference=difference,
        difference_pct=100 * difference / one if one else None,
        limit=limit,
        outcome=moved if abs(difference) > limit else Outcome.UNCHANGED,
    )


def _limit(quantity: Quantity, first: float, parts: list[dict[str, Any]]) -> float:
    widths = [part.get("uncertainty", {}).get(quantity.path, 0.0) for part in parts]
    least = quantity.least or 0.0
    share = (quantity.least_pct or 0.0) / 100 * abs(first)
    return max(least, share, float(np.hypot(*widths)))


def _at(path: str, part: dict[str, Any] | None) -> float | None:
    value: Any = part
    for name in path.split("."):
        value = None if value is None else value.get(name)
    return None if value is None else float(value)
