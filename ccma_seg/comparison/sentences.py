"""What has changed, in plain words."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What is compared."""

    FOLLOW_UP = "follow_up"
    PHASES = "phases"


_ORDER = ("new", "increased", "resolved", "decreased", "not_comparable", "unchanged")
"""What is told first."""

_VERBS = {
    Kind.FOLLOW_UP: {
        "increased": "has grown",
        "decreased": "has shrunk",
        "unchanged": "has not changed beyond repeatability",
        "not_comparable": "cannot be compared",
        "new": "is new",
        "resolved": "is gone",
    },
    Kind.PHASES: {
        "increased": "is larger in the second phase, beyond repeatability",
        "decreased": "is smaller in the second phase, beyond repeatability",
        "unchanged": "has the same size in both phases",
        "not_comparable": "cannot be compared between the phases",
        "new": "was found in the second phase only",
        "resolved": "was found in the first phase only",
    },
}


def explain(lesions: Sequence[dict[str, Any]], *, kind: Kind, interval_days: int | None) -> str:
    """Say what is different, the most notable lesion first."""
    if not lesions:
        return "There is no mass in either exam."
    told = sorted(lesions, key=lambda lesion: _ORDER.index(lesion["change"]))
    when = "" if interval_days is None or kind == Kind.PHASES else f" in {interval_days} days"
    return " ".join(_sentence(lesion, kind, when) for lesion in told)


def _sentence(lesion: dict[str, Any], kind: Kind, when: str) -> str:
    words = f"Lesion {lesion['id']} {_VERBS[kind][lesion['change']]}{when}{_volume(lesion)}"
    more = (
        ("rapid growth", lesion["rapid"]),
        ("its core has lost more than the limit in HU", lesion["core_fall"]),
        ("its rim has a new gap", lesion["new_gap"]),
        ("ordinary calcium is left", lesion["returned_to_mac"]),
    )
    told = (text for text, holds in more if holds and kind == Kind.FOLLOW_UP)
    return "; ".join([words, *told]) + "."


def _volume(lesion: dict[str, Any]) -> str:
    volume = next(q for q in lesion["quantities"] if q["quantity"] == "volume_mm3")
    if volume["difference_pct"] is None:
        return ""
    limit_pct = 100 * volume["limit"] / volume["baseline"]
    return (
        f": {volume['baseline']:.0f} to {volume['followup']:.0f} mm3 ({volume['difference_pct']:+.0f} %, "
        f"limit {limit_pct:.0f} %)"
    )
