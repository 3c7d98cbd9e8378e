"""The CT score of mitral annular calcification after Guerrero 2020 (10.1016/j.jcmg.2020.03.013)."""

from dataclasses import dataclass, field

import numpy as np

THICKNESS_LIMITS_MM = (5.0, 10.0)
"""Mean thickness below 5 scores 1, below 10 scores 2, else 3 (recalled, adds up to the published maximum)."""

ARC_LIMITS_DEG = (180.0, 270.0)
"""Arc below 180 scores 1, below 270 scores 2, else 3 (recalled)."""

MAXIMA = {"thickness": 3, "arc": 3, "trigones": 2, "leaflets": 2}
"""Of each item; 10 in all (published)."""

GRADES = ((3, "mild"), (6, "moderate"), (10, "severe"))
"""Up to 3 mild, 4-6 moderate, 7 and more severe (published)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guerrero:
    """The score; an item that cannot be assessed is None, and then the total is None too."""

    total: int | None = None
    grade: str | None = None
    """Also without a total, where every value of the missing items gives the same grade."""
    items: dict[str, int | None] = field(default_factory=dict)


def score_guerrero(
    *, thickness_mm: float | None, arc_deg: float | None, trigones: int | None, leaflets: int | None
) -> Guerrero:
    """Score from mean calcium thickness, calcified arc, and the number of trigones and leaflets involved."""
    items = {
        "thickness": None
        if thickness_mm is None
        else 1 + int(np.searchsorted(THICKNESS_LIMITS_MM, thickness_mm, "right")),
        "arc": None if arc_deg is None else 1 + int(np.searchsorted(ARC_LIMITS_DEG, arc_deg, "right")),
        "trigones": trigones,
        "leaflets": leaflets,
    }
    known = sum(value for value in items.values() if value is not None)
    missing = sum(MAXIMA[name] for name, value in items.items() if value is None)
    lowest, highest = _grade(known), _grade(known + missing)
    return Guerrero(total=None if missing else known, grade=lowest if lowest == highest else None, items=items)


def _grade(total: int) -> str:
    return next(name for limit, name in GRADES if total <= limit)
