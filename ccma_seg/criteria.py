"""Criteria: one quantity against one limit, with its source. Their limits hold wherever a step asks for the same."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib import resources
from typing import Any, TypeVar

from ccma_seg.errors import ConfigError
from ccma_seg.quantities import check_known

COMPARISONS = (">=", ">", "<=", "<", "is")

_Params = TypeVar("_Params")


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One quantity against one limit."""

    quantity: str
    """Key path of a measurement of the lesion, or of the exam."""
    comparison: str
    """One of >=, >, <=, <, is."""
    limit: float | bool | None = None
    """In the unit of the quantity's name."""
    limit_of: str = ""
    """Criterion whose limit holds here too, where there is none of its own."""
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
        if self.limit is not None and not isinstance(self.limit, int | float):
            raise ConfigError(f"a limit must be a number, true or false, got {self.limit!r}")


@cache
def rules_table() -> dict[str, Any]:
    """Return the rules as they are written down: criteria, groups, verdicts and what supports them."""
    return tomllib.loads(resources.files(__package__).joinpath("criteria.toml").read_text("utf-8"))


def limit_in(criteria: Mapping[str, Criterion], name: str) -> float | bool:
    """Return the limit of a criterion: its own, or that of the criterion it names.

    Raises
    ------
    ConfigError
        If there is neither.
    """
    limit = criteria[name].limit
    if limit is None and criteria[name].limit_of in criteria:
        limit = criteria[criteria[name].limit_of].limit
    if limit is None:
        raise ConfigError(f"criterion {name} needs a limit, or in limit_of a criterion that has one")
    return limit


def from_criterion(name: str, *, per: float = 1.0) -> Any:
    """Make a field of parameters that holds the limit of a criterion: there it is set, and nowhere else.

    Parameters
    ----------
    name
        Of the criterion.
    per
        What is divided by: 100 makes a share of percent.
    """
    default = rules_table()["criteria"][name]["limit"] / per
    return field(default=default, metadata={"criterion": name, "per": per})


def with_limits(params: _Params, criteria: Mapping[str, Criterion]) -> _Params:
    """Return parameters with the limits of criteria in the fields made for them."""
    linked = [f for f in fields(params) if "criterion" in f.metadata]  # type: ignore[arg-type]
    limits = {f.name: limit_in(criteria, f.metadata["criterion"]) / f.metadata["per"] for f in linked}
    return replace(params, **limits)  # type: ignore[type-var]
