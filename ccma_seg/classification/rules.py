"""The clinical rules, as data: criteria with their sources, and what each verdict asks for."""

import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from ccma_seg.classification.findings import Verdict
from ccma_seg.errors import ConfigError
from ccma_seg.quantities import check_known

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
        check_known(self.quantity)
        if self.comparison not in COMPARISONS:
            raise ConfigError(f"a comparison must be one of {', '.join(COMPARISONS)}, got {self.comparison!r}")


Alternatives = tuple[tuple[str, ...], ...]
"""What a verdict asks for: all criteria and groups of at least one alternative.

`!X` asks that X was measured and fails, `?X` that it was not measured.
"""


def plain(name: str) -> str:
    """Return the id of a criterion without its mark."""
    return name.lstrip(FAILS + NOT_MEASURED)


def _criteria() -> dict[str, Criterion]:
    return {name: Criterion(**values) for name, values in _data()["criteria"].items()}


def _verdicts() -> dict[str, Alternatives]:
    return {name: tuple(map(tuple, alternatives)) for name, alternatives in _data()["verdicts"].items()}


def _groups() -> dict[str, tuple[str, ...]]:
    return {name: tuple(members) for name, members in _data()["groups"].items()}


def _support() -> dict[str, tuple[str, ...]]:
    return {name: tuple(names) for name, names in _data()["support"].items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Criteria by id, and verdicts from the most serious to the plainest.

    Raises
    ------
    ConfigError
        If a verdict or a group asks for a criterion that does not exist.
    """

    criteria: dict[str, Criterion] = field(default_factory=_criteria)
    """By id."""
    groups: dict[str, tuple[str, ...]] = field(default_factory=_groups)
    """By name: criteria that belong together, and groups above."""
    verdicts: dict[str, Alternatives] = field(default_factory=_verdicts)
    """By name, the most serious first; the first whose criteria are met is given."""
    support: dict[str, tuple[str, ...]] = field(default_factory=_support)
    """By verdict: criteria that are not asked for, but lower its confidence where they fail."""
    unsupported_confidence: float = 0.9
    """Factor on the confidence for each supporting criterion that fails (engineering proposal)."""
    borderline_confidence: float = 0.8
    """Factor on the confidence for each figure whose 95 % interval reaches across a limit that decides the verdict
    (engineering proposal)."""
    degraded_confidence: float = 0.8
    """Factor on the confidence for each reason that degrades the images (engineering proposal)."""
    annulus_tolerance_mm: float = 10.0
    """Uncertainty of the annulus at which the confidence is halved (engineering proposal)."""
    noise_tolerance_hu: float = 120.0
    """Noise at which the confidence is halved: twice the most that `low_noise` allows (engineering proposal)."""
    slice_tolerance_mm: float = 6.0
    """Slice spacing at which the confidence is halved: twice the most that `thin_slices` allows (proposal)."""

    def __post_init__(self) -> None:
        for verdict in (*self.verdicts, *self.support):
            if verdict not in list(Verdict):
                raise ConfigError(f"a verdict must be one of {', '.join(Verdict)}, got {verdict!r}")
        asking: dict[str, Alternatives] = {f"group {name}": (members,) for name, members in self._written_out().items()}
        asking |= {f"verdict {name}": alternatives for name, alternatives in self.alternatives().items()}
        asking |= {f"the support of {name}": (names,) for name, names in self.support.items()}
        for who, alternatives in asking.items():
            unknown = sorted({plain(name) for names in alternatives for name in names} - set(self.criteria))
            if unknown:
                raise ConfigError(f"{who} asks for the unknown criterion {unknown[0]}")

    def alternatives(self) -> dict[str, Alternatives]:
        """Return what each verdict asks for, the most serious first, with the criteria of groups in their place."""
        groups = self._written_out()
        return {
            verdict: tuple(_flat(names, groups) for names in alternatives)
            for verdict, alternatives in self.verdicts.items()
        }

    def asked_by(self, verdict: str) -> frozenset[str]:
        """Return the criteria that a verdict asks for in any of its alternatives, and those that support it."""
        alternatives = self.alternatives().get(verdict, ())
        return frozenset(plain(name) for names in (*alternatives, self.support.get(verdict, ())) for name in names)

    def _written_out(self) -> dict[str, tuple[str, ...]]:
        groups: dict[str, tuple[str, ...]] = {}
        for name, members in self.groups.items():
            groups[name] = _flat(members, groups)
        return groups


def _flat(names: tuple[str, ...], groups: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Put the criteria of groups in their place, each once."""
    return tuple(dict.fromkeys(member for name in names for member in groups.get(name, (name,))))


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath("criteria.toml").read_text("utf-8"))
