"""How sure a verdict is: a product of what is missing, borderline, unsupported, and of image quality and place."""

import math
from collections.abc import Collection
from dataclasses import dataclass

from ccma_seg.anatomy import Anatomy
from ccma_seg.classification.findings import Evidence, Outcome, Verdict
from ccma_seg.classification.rules import Rules
from ccma_seg.volume import Volume

_HALVED_AT = 2.0
"""Noise and slice spacing halve the confidence where they are so many times what the criteria allow (proposal)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """What limits every verdict of an exam."""

    anatomy: Anatomy
    volume: Volume


def confidence(
    verdict: Verdict, evidence: dict[str, Evidence], exam: Exam, *, deciding: Collection[str], rules: Rules
) -> float:
    """Return 0 to 1: a product, so that one weakness is enough to lower it. It is not a probability.

    Parameters
    ----------
    verdict
        Whose confidence is asked for; 0 if it is indeterminate.
    evidence
        By criterion.
    exam
        Place of the annulus and quality of the images.
    deciding
        Criteria that would change the verdict, had they come out otherwise.
    rules
        Which criteria the verdict asks for, and the factors.
    """
    if verdict == Verdict.INDETERMINATE or exam.anatomy.annulus is None:
        return 0.0
    outcomes = {name: item.outcome for name, item in evidence.items()}
    borderline = sum(evidence[name].borderline for name in deciding)
    unsupported = sum(outcomes[name] == Outcome.FAILS for name in rules.support.get(verdict, ()))
    degraded = sum(reason.degrades for reason in exam.volume.reasons + exam.anatomy.reasons)
    factors = (
        _measured(verdict, rules, outcomes),
        rules.borderline_confidence**borderline,
        rules.unsupported_confidence**unsupported,
        rules.degraded_confidence**degraded,
        _falling(exam.anatomy.annulus.uncertainty_mm, rules.annulus_tolerance_mm),
        _falling(exam.anatomy.contrast.blood_pool_sd_hu or 0.0, _HALVED_AT * rules.limit("low_noise")),
        _falling(max(exam.volume.geometry.spacing_mm), _HALVED_AT * rules.limit("thin_slices")),
    )
    return round(math.prod(factors), 3)


def _measured(verdict: Verdict, rules: Rules, outcomes: dict[str, Outcome]) -> float:
    """Return the share of the criteria of this and of every more serious verdict that were measured."""
    order = list(Verdict)
    rivals = [v for v in rules.verdicts if order.index(Verdict(v)) >= order.index(verdict)]
    asked = frozenset[str]().union(*(rules.asked_by(v) for v in (*rivals, verdict)))
    return sum(outcomes[name] != Outcome.NOT_MEASURED for name in asked) / len(asked) if asked else 1.0


def _falling(value: float, half_at: float) -> float:
    """Return 1 at 0, falling to a half at a tolerance."""
    return 1 / (1 + (value / half_at) ** 2)
