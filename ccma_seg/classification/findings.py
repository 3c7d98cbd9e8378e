"""A verdict with its evidence."""

from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """What a lesion or an exam is called; the order is from plain to serious."""

    NO_CALCIFICATION = "no_calcification"
    MAC = "mac"
    OTHER = "other"
    INDETERMINATE = "indeterminate"
    CCMA = "ccma"
    CCMA_RUPTURE_NOT_ASSESSABLE = "ccma_rupture_not_assessable"
    CCMA_POSSIBLE_RUPTURE = "ccma_possible_rupture"
    RUPTURED_CCMA = "ruptured_ccma"


class Outcome(StrEnum):
    """Whether a criterion is met: not measured is a value of its own."""

    HOLDS = "holds"
    FAILS = "fails"
    NOT_MEASURED = "not_measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One criterion put to one lesion."""

    criterion: str
    quantity: str
    value: float | bool | None
    comparison: str
    limit: float | bool
    outcome: Outcome
    borderline: bool
    """Whether the 95 % interval of the value reaches across the limit."""
    strength: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one lesion is called, how surely, and why."""

    verdict: Verdict
    confidence: float
    """0 to 1; falls with missing evidence, image quality and localisation. Not a probability."""
    explanation: str
    evidence: tuple[Evidence, ...] = field(default=())
    why_not: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """For every other verdict: the criteria that its nearest alternative lacks."""
    counterfactuals: tuple[str, ...] = ()
    """Which single figure, had it been otherwise, would have changed the verdict, and to what."""
