"""The clinical rules, as data: criteria with their sources, and what each verdict asks for."""

from dataclasses import dataclass, field

from ccma_seg.classification.findings import Verdict
from ccma_seg.criteria import Criterion, limit_in, rules_table
from ccma_seg.errors import ConfigError

FAILS, NOT_MEASURED = "!", "?"
"""Marks before the id of a criterion: it was measured and fails; it was not measured."""

Alternatives = tuple[tuple[str, ...], ...]
"""What a verdict asks for: all criteria and groups of at least one alternative.

`!X` asks that X was measured and fails, `?X` that it was not measured.
"""


def plain(name: str) -> str:
    """Return the id of a criterion without its mark."""
    return name.lstrip(FAILS + NOT_MEASURED)


def _criteria() -> dict[str, Criterion]:
    return {name: Criterion(**values) for name, values in rules_table()["criteria"].items()}


def _verdicts() -> dict[str, Alternatives]:
    return {name: tuple(map(tuple, alternatives)) for name, alternatives in rules_table()["verdicts"].items()}


def _groups() -> dict[str, tuple[str, ...]]:
    return {name: tuple(members) for name, members in rules_table()["groups"].items()}


def _support() -> dict[str, tuple[str, ...]]:
    return {name: tuple(names) for name, names in rules_table()["support"].items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Criteria by id, and verdicts from the most serious to the plainest.

    Raises
    ------
    ConfigError
        If a verdict or a group asks for a criterion that does not exist, or a criterion has no limit.
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
    """Factor on the confidence for each supporting criterion that fails. Chosen, see decision 010."""
    borderline_confidence: float = 0.8
    """Factor on the confidence for each figure whose 95 % interval reaches across a limit that decides the verdict.
    Chosen, see decision 010."""
    degraded_confidence: float = 0.8
    """Factor on the confidence for each reason that degrades the images. Chosen, see decision 010."""
    annulus_tolerance_mm: float = 10.0
    """Uncertainty of the annulus at which the confidence is halved. Chosen, see decision 010."""

    def __post_init__(self) -> None:
        for name in self.criteria:
            self.limit(name)
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

    def limit(self, name: str) -> float | bool:
        """Return the limit of a criterion."""
        return limit_in(self.criteria, name)

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
