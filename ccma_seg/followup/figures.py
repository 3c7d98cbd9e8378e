"""What has become of one figure between two exams, and beyond which difference it has changed."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from ccma_seg.followup.params import FollowUpParams
from ccma_seg.quantities import Quantity, quantities, value_of


class Outcome(StrEnum):
    """What became of a figure."""

    INCREASED = "increased"
    DECREASED = "decreased"
    UNCHANGED = "unchanged"
    NOT_COMPARABLE = "not_comparable"


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


def compared(part: str) -> tuple[Quantity, ...]:
    """List the quantities of a part of the record that are compared: those of which a least change is known."""
    return tuple(quantity for quantity in quantities(part) if quantity.least or quantity.least_pct)


def change_of(
    quantity: Quantity,
    baseline: dict[str, Any] | None,
    followup: dict[str, Any] | None,
    *,
    lost: frozenset[str],
    params: FollowUpParams,
) -> Change:
    """Compare one figure of two lesions, or of two exams.

    Parameters
    ----------
    quantity
        What is compared.
    baseline, followup
        Where it is, with its `uncertainty`; None where the exam does not have it.
    lost
        Groups that these two exams cannot be compared in.
    params
        Least changes.
    """
    one, other = (value_of(part, quantity) for part in (baseline, followup))
    name = quantity.path.removeprefix("calcium.")
    if one is None or other is None or quantity.groups & lost:
        return Change(
            quantity=name,
            baseline=one,
            followup=other,
            difference=None,
            difference_pct=None,
            limit=None,
            outcome=Outcome.NOT_COMPARABLE,
        )
    limit = _limit(quantity, one, [part or {} for part in (baseline, followup)], params)
    difference = other - one
    moved = Outcome.INCREASED if difference > 0 else Outcome.DECREASED
    return Change(
        quantity=name,
        baseline=one,
        followup=other,
        difference=difference,
        difference_pct=100 * difference / one if one else None,
        limit=limit,
        outcome=moved if abs(difference) > limit else Outcome.UNCHANGED,
    )


def _limit(quantity: Quantity, first: float, parts: list[dict[str, Any]], params: FollowUpParams) -> float:
    widths = [part.get("uncertainty", {}).get(quantity.path, 0.0) for part in parts]
    share = _least(quantity.least_pct, params) / 100 * abs(first)
    return max(_least(quantity.least, params), share, float(np.hypot(*widths)))


def _least(given: str | float | None, params: FollowUpParams) -> float:
    """Return a least change: as the table states it, or as the parameter that it names."""
    return float(getattr(params, given) if isinstance(given, str) else given or 0.0)
