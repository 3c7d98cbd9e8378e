"""Figures for people: names without underscores, values with their unit, rounded to what they are worth."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

NOT_MEASURED = "not measured"

_ABBREVIATIONS = re.compile(r"\b(ccma|mac|hu|lvot|sd|uid)\b")

_UNITS = {
    "_mm3": ("mm³", 0),
    "_mm2": ("mm²", 0),
    "_mm": ("mm", 1),
    "_hu": ("HU", 0),
    "_deg": ("°", 0),
    "_pct": ("%", 1),
    "_percent": ("%", 0),
    "_mg": ("mg", 1),
    "_kv": ("kV", 0),
    "_ms": ("ms", 0),
}
"""By the end of a name: unit, and decimals worth showing."""

_PLAIN_DECIMALS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One figure as it is shown."""

    name: str
    value: str
    unit: str
    plus_minus: str = ""


def words(name: str) -> str:
    """Return a name in words: `ruptured_ccma` is `ruptured CCMA`."""
    return _ABBREVIATIONS.sub(lambda found: found[0].upper(), name.replace("_", " "))


def show(path: str, value: Any, *, plus_minus: float | None = None) -> Shown:
    """Turn a quantity, by its key path (`rim.mean_hu`), into name, value and unit."""
    name, unit, decimals = _split(path)
    text = _text(value, decimals)
    measured = text != NOT_MEASURED
    return Shown(
        name=words(name.replace(".", " ")),
        value=text,
        unit=unit if measured else "",
        plus_minus="" if plus_minus is None or not measured else _uncertainty(plus_minus, decimals),
    )


def flat(values: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """List the quantities of a part of the record by key path; lists of parts are left out."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f"{path}{name}.")
        elif not (isinstance(value, list) and any(isinstance(item, dict) for item in value)):
            yield f"{path}{name}", value


def _split(path: str) -> tuple[str, str, int]:
    for end, (unit, decimals) in _UNITS.items():
        if path.endswith(end):
            return path.removesuffix(end), unit, decimals
    return path, "", _PLAIN_DECIMALS


def _text(value: Any, decimals: int) -> str:
    match value:
        case None:
            return NOT_MEASURED
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.{decimals}f}"
        case list():
            return ", ".join(_text(item, decimals) for item in value) or "none"
        case _:
            return words(str(value))


def _uncertainty(value: float, decimals: int) -> str:
    """Return an uncertainty with one decimal more where it would be shown as nothing."""
    return f"{value:.{decimals}f}" if value >= 0.5 * 10**-decimals else f"{value:.{decimals + 1}f}"
