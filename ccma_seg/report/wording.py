"""Figures for people: names without underscores, values with their unit, rounded to what they are worth."""

import re
from dataclasses import dataclass
from typing import Any

from ccma_seg.quantities import Quantity

NOT_MEASURED = "not measured"

_ABBREVIATIONS = re.compile(r"\b(ccma|mac|hu|kv|lvot|sd|uid)\b")

_SECTION = re.compile(r"^(series|contrast|calcium|annulus)\.")
"""Of the record: the heading of a table says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One figure as it is shown."""

    name: str
    value: str
    unit: str
    meaning: str
    plus_minus: str = ""


def words(name: str) -> str:
    """Return a name in words: `ruptured_ccma` is `ruptured CCMA`."""
    return _ABBREVIATIONS.sub(lambda found: "kV" if found[0] == "kv" else found[0].upper(), name.replace("_", " "))


def name_of(quantity: Quantity) -> str:
    """Return the name of a quantity in words, its unit left to where it is shown."""
    return words(_SECTION.sub("", quantity.path.removesuffix(quantity.ends)).replace(".", " "))


def heading(quantity: Quantity) -> str:
    """Return the heading of a column: name and unit."""
    return ", ".join(filter(None, (name_of(quantity), quantity.unit)))


def show(quantity: Quantity, value: Any, *, plus_minus: float | None = None) -> Shown:
    """Turn the value of a quantity into name, value and unit."""
    text = _text(value, quantity.digits)
    measured = text != NOT_MEASURED
    return Shown(
        name=name_of(quantity),
        value=text,
        unit=quantity.unit if measured else "",
        meaning=quantity.meaning,
        plus_minus="" if plus_minus is None or not measured else _uncertainty(plus_minus, quantity.digits),
    )


def _text(value: Any, decimals: int) -> str:
    match value:
        case None:
            return NOT_MEASURED
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.{decimals}f}"
        case dict():
            return ", ".join(words(name) for name, holds in value.items() if holds) or "none"
        case list():
            return ", ".join(_text(item, decimals) for item in value) or "none"
        case _:
            return words(str(value))


def _uncertainty(value: float, decimals: int) -> str:
    """Return an uncertainty with one decimal more where it would be shown as nothing."""
    return f"{value:.{decimals}f}" if value >= 0.5 * 10**-decimals else f"{value:.{decimals + 1}f}"
