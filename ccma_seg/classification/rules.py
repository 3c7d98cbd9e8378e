"""The clinical rules, as data: criteria with their sources, and what each verdict asks for."""

import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from ccma_seg.classification.findings import Verdict
from ccma_seg.errors import ConfigError

FAILS, NOT_MEASURED = "!", "?"
"""Marks before the id of a criterion: it was measured and fails; it was not measured."""

COMPARISONS = (">=", ">", "<=", "<", "is")


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One quantity against one limit."""

    quantity: str
    """Key path of a measurement of the lesion, or of the exam."""
    comparison: str
    """One of >=, >, <=, <, is."""
    limit: float | bool
    """In the unit of the quantity's name."""
    strength: str
    """A: strong source backing for the direction; B: some; C: none, a proposal."""
    meaning: str
    """What it means if it holds."""
    source: str
    """Where it comes from."""

    def __post_init__(self) -> None:
        if self.comparison not in COMPARISONS:
            raise ConfigError(f"a comparison must be one of {', '.join(COMPARISONS)}, got {self.comparison!r}")


Alternatives = tuple[tuple[str, ...], ...]
"""What a verdict asks for: all criteria of at least one alternative.

`!X` asks that X was measured and fails, `?X` that it was not measured.
"""


def plain(name: str) -> str:
    """Return the id of a criterion without its mark."""
    return name.lstrip(FAILS + NOT_MEASURED)


def _criteria() -> dict[str, Criterion]:
    return {name: Criterion(**values) for name, values in _data()["criteria"].items()}


def _verdicts() -> dict[str, Alternatives]:
    return {name: tuple(map(tuple, alternatives)) for name, alternatives in _data()["verdicts"].items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Criteria by id, and verdicts from the most serious to the plainest.

    Raises
    ------
    ConfigError
        If a verdict asks for a criterion that does not exist.
    """

    criteria: dict[str, Criterion] = field(default_factory=_criteria)
    """By id."""
    verdicts: dict[str, Alternatives] = field(default_factory=_verdicts)
    """By name, the most serious first; the first whose criteria are met is given."""
    degraded_confidence: float = 0.8
    """Factor on the confidence for each reason that degrades the images (engineering proposal)."""
    annulus_tolerance_mm: float = 10.0
    """Uncertainty of the annulus at which confidence in the place of a mass is halved (engineering proposal)."""

    def __post_init__(self) -> None:
        for verdict, alternatives in self.verdicts.items():
            if verdict not in list(Verdict):
                raise ConfigError(f"a verdict must be one of {', '.join(Verdict)}, got {verdict!r}")
            asked = {plain(name) for names in alternatives for name in names}
            unknown = sorted(asked - set(self.criteria))
            if unknown:
                raise ConfigError(f"verdict {verdict} asks for the unknown criterion {unknown[0]}")


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath("criteria.toml").read_text("utf-8"))
