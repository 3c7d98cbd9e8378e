"""Every number of the record, in one table, `quantities.toml`: tables, pages, comparison and rules follow it."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from ccma_seg.errors import ConfigError


class Unit(NamedTuple):
    """A unit as it is shown, and in UCUM."""

    ucum: str
    meaning: str
    decimals: int
    """Worth showing."""
    ends: tuple[str, ...] = ()
    """How names of what has it end."""


UNITS = {
    "": Unit("1", "no units", 2),
    "mm": Unit("mm", "millimeter", 1, ("_mm",)),
    "mm²": Unit("mm2", "square millimeter", 0, ("_mm2",)),
    "mm³": Unit("mm3", "cubic millimeter", 0, ("_mm3",)),
    "HU": Unit("[hnsf'U]", "Hounsfield unit", 0, ("_hu",)),
    "°": Unit("deg", "degree", 0, ("_deg",)),
    "%": Unit("%", "percent", 1, ("_pct", "_percent")),
    "mg": Unit("mg", "milligram", 1, ("_mg",)),
    "mg/cm³/HU": Unit("mg/cm3/[hnsf'U]", "milligram per cubic centimeter and Hounsfield unit", 2, ("_mg_cm3_hu",)),
    "kV": Unit("kV", "kilovolt", 0, ("_kv",)),
    "s": Unit("s", "second", 1, ("seconds",)),
    "MiB": Unit("MiBy", "mebibyte", 0, ("_mib",)),
}
"""By how it is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One number, or one word, of the record."""

    path: str
    """Key path in its part of the record."""
    meaning: str
    """What it is, in a few words."""
    how: str = ""
    """How it is made, where that does not follow."""
    kind: str = "number"
    """number, whole, yes_no, text, names, answers, point, curve, shape, scores, or rows of another part."""
    rows: str = ""
    """Of which part of the table."""
    unit: str = ""
    """One of `UNITS`."""
    decimals: int | None = None
    """Worth showing, where not those of its unit."""
    within: tuple[float, ...] = ()
    """Least and, if there is one, greatest value."""
    choices: tuple[str, ...] = ()
    """What a text may be, if not anything."""
    always: bool = False
    """Whether it is never null."""
    groups: frozenset[str] = frozenset()
    """Where it is shown (key, headline, hidden; index: on the page of a cohort; exam: with the exam in the structured
    report, whatever was found), and what sets two exams apart in it (hu, calcium, inside, gaps, rim)."""
    least: str | float | None = None
    """Least difference between exams that is called a change: a number, or the parameter of `followup` that holds it.
    """
    least_pct: str | float | None = None
    """The same, in percent of the first."""
    column: str = ""
    """Of `series.csv`, for what is told of the exam there; the columns of lesions follow from the path."""
    code: tuple[str, ...] = ()
    """In the structured report: value, scheme and meaning; value and meaning of a concept of our own."""
    derivation: str = ""
    """Of a code that several share: mean, median, maximum or sd."""
    formerly: str = ""
    """What rules called it."""

    @property
    def ends(self) -> str:
        """Return the end of the path that is its unit."""
        return next((end for end in UNITS[self.unit].ends if self.path.endswith(end)), "")

    @property
    def digits(self) -> int:
        """Return how many decimals are worth showing."""
        return UNITS[self.unit].decimals if self.decimals is None else self.decimals

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns of a table that hold it: the path joined by `_`, three for a point."""
        name = self.column or self.path.replace(".", "_")
        return tuple(f"{name}_{axis}" for axis in "xyz") if self.kind == "point" else (name,)


_COMPARABLE = ("number", "whole", "yes_no")
_TUPLES = ("within", "choices", "code")


@cache
def table() -> dict[str, dict[str, Quantity]]:
    """Return all quantities by part of the record (finding, lesion, ..., exam, case) and path."""
    parts = tomllib.loads(resources.files(__package__).joinpath("quantities.toml").read_text("utf-8"))
    return {part: {path: _quantity(path, row) for path, row in rows.items()} for part, rows in parts.items()}


def quantities(*parts: str) -> tuple[Quantity, ...]:
    """List the quantities of some parts, in the order of the table."""
    return tuple(quantity for part in parts for quantity in table()[part].values())


def rule_quantities() -> dict[str, Quantity]:
    """Return what a rule may look at, by key path: measurements of a lesion, ratios of them, and the exam's own."""
    return table()["lesion"] | table()["rule"]


def values(part: Any, asked: Iterable[Quantity]) -> dict[str, Any]:
    """Return quantities of a part of the record by key path; None for what it does not hold."""
    return {quantity.path: value_of(part, quantity) for quantity in asked}


def value_of(part: Any, quantity: Quantity) -> Any:
    """Return one quantity of a part of the record; None if it does not hold it."""
    for name in quantity.path.split("."):
        part = part.get(name) if part else None
    return part


def check_known(path: str) -> None:
    """Refuse what is no quantity that a rule may compare.

    Raises
    ------
    ConfigError
        Naming the nearest one.
    """
    known = {name: quantity for name, quantity in rule_quantities().items() if quantity.kind in _COMPARABLE}
    if path not in known:
        renamed = [name for name, quantity in known.items() if path == quantity.formerly]
        (nearest,) = renamed or get_close_matches(path, known, n=1, cutoff=0.0)
        raise ConfigError(f"a criterion must look at a known quantity, got {path!r}: did you mean {nearest!r}?")


def _quantity(path: str, row: dict[str, Any]) -> Quantity:
    given = row | {name: tuple(row[name]) for name in _TUPLES if name in row}
    return Quantity(path=path, **given | {"groups": frozenset(row.get("groups", ()))})
